"""``cosim regret``: what policies lose to hindsight, and to what."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cosim.cli import console, options

if TYPE_CHECKING:
    from collections.abc import Mapping

COLUMNS = (
    ("utility_usd", "utility $", 1.0, 0),
    ("closed_share", "gap closed %", 100.0, 1),
    ("lumps_usd", "lumps $", 1.0, 0),
    ("planning_usd", "planning $", 1.0, 0),
    ("forecasts_usd", "forecasts $", 1.0, 0),
    ("energy_usd", "energy $", 1.0, 0),
    ("energy_excess_share", "above least %", 100.0, 1),
    ("decide_ms_p50", "decide p50 ms", 1.0, 1),
    ("decide_ms_p99", "p99 ms", 1.0, 1),
)


@click.command("regret")
@options.scenario_argument
@click.option(
    *("-p", "--policy", "policies"),
    multiple=True,
    metavar="NAME",
    help="Policy; repeat it. Default: those that the scenario compares. `home` is always there.",
)
@options.energy_option
@options.seeds_options
@options.jobs_option
@options.overrides_option
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for regret.json and the figure regret.svg.",
)
@options.json_option
@options.quiet_option
def command(
    scenario: str,
    policies: tuple[str, ...],
    energy: str | None,
    seeds: tuple[int, ...] | None,
    seed: int | None,
    jobs: int,
    overrides: tuple[str, ...],
    out: Path | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Split what policies lose to the hindsight bound of SCENARIO into its causes.

    Every policy runs twice on each seed, as it is and with forecasts that hold the truth; gaps
    count from `home` at the scenario's step count to the bound.
    """
    from cosim.run import staged
    from cosim.study.fitting import cast_of
    from cosim.study.regret import regret

    loaded = options.load(scenario, overrides)
    options.known_policies(options.not_named(policies, loaded.scenario))
    on = staged(loaded)
    names = cast_of(on, policies).names
    used = options.chosen_seeds(seeds, seed) or loaded.scenario.seeds
    tell = _nothing if quiet else console.say
    found = regret(on, names, used, energy=energy, jobs=jobs, tell=tell).to_json()
    if out is not None:
        _keep(found, out)
    if as_json:
        console.emit_json(found)
    if not quiet:
        _table(found)


def _nothing(text: str) -> None:
    del text


def _keep(found: Mapping[str, Any], out: Path) -> None:
    from cosim.store import write_json
    from cosim.study.regret_figure import figure

    out.mkdir(parents=True, exist_ok=True)
    write_json(out / "regret.json", found)
    (out / "regret.svg").write_text(figure(found), encoding="utf-8")


def _table(found: Mapping[str, Any]) -> None:
    rows = []
    for policy, row in found["policies"].items():
        values = [(row[name]["mean"], scale, digits) for name, _, scale, digits in COLUMNS]
        rows.append((policy, *(f"{mean * scale:.{digits}f}" for mean, scale, digits in values)))
    console.table(["", *(head for _, head, _, _ in COLUMNS)], rows)
