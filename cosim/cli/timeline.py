"""``cosim timeline``: an hour of a run for a timeline viewer."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from cosim.cli import console
from cosim.cli.report import HOUR
from cosim.errors import UsageError


@click.command("timeline")
@click.argument("run", metavar="RUN", type=click.Path(path_type=Path))
@click.option("-p", "--policy", help="Whose run; default: the first of the study.")
@click.option("--seed", type=int, help="Default: the first of the study.")
@click.option("--hour", type=HOUR, metavar="UTC", help="Default: the busiest of the window.")
@click.option("--steps", is_flag=True, help="Denoising steps too; the file is some 20 × larger.")
@click.option("--out", type=click.Path(path_type=Path), help="File; default: beside the run.")
def command(
    run: Path,
    policy: str | None,
    seed: int | None,
    hour: datetime | None,
    steps: bool,
    out: Path | None,
) -> None:
    """Write an hour of RUN (a folder under runs/) for ui.perfetto.dev."""
    from cosim.report.hours import hours_of
    from cosim.report.inputs import as_case
    from cosim.report.timeline import write_timeline
    from cosim.store import load, policy_slug

    found = load(run).runs
    key = _key(list(found), policy, seed)
    case = as_case(found[key])
    hours, shown = hours_of(case, [hour] if hour else [])
    stamp = f"{policy_slug(key[0])}-{key[1]}-{hours[shown].start:%Y%m%dT%H%M}"
    path = out or run / f"timeline-{stamp}.json"
    count = write_timeline(case.first, hours[shown], path, steps=steps)
    console.say(f"{hours[shown].label}, policy {key[0]}, seed {key[1]}: {count} events")
    console.say(f"timeline: {path}")
    console.next_step("open https://ui.perfetto.dev and drop the file on it (it stays with you)")


def _key(keys: list[tuple[str, int]], policy: str | None, seed: int | None) -> tuple[str, int]:
    """The run that is meant.

    Raises:
        UsageError: the study has no such finished run; lists what it has.
    """
    found = [k for k in keys if policy in (None, k[0]) and seed in (None, k[1])]
    if not found:
        has = ", ".join(f"{p} seed {s}" for p, s in keys) or "none"
        raise UsageError(
            f"no finished run of {policy or 'any policy'}, seed {seed}; it has: {has}"
        )
    return found[0]
