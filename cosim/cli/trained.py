"""What ``cosim train`` says: how far it is, and what came of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from time import monotonic
from typing import Any

from cosim.cli import console
from cosim.study.train import Trained
from cosim.study.train_seeds import Result, Seeded

Told = Callable[[int, int, Mapping[str, Any]], None]


# progress ----------------------------------------------------------------------------------


@contextmanager
def told(label: str, *, quiet: bool) -> Iterator[Told]:
    """Show episode, return, late share and the time left: a bar, or a line at each twentieth."""
    if quiet:
        yield lambda done, total, row: None
    elif console.console().is_terminal:
        with console.bar(label) as (update, describe):

            def show(done: int, total: int, row: Mapping[str, Any]) -> None:
                describe(f"{label} · {_figures(row)}")
                update(done, total)

            yield show
    else:
        yield _lines(label)


def _lines(label: str) -> Told:
    began, first, said = monotonic(), 0, -1

    def show(done: int, total: int, row: Mapping[str, Any]) -> None:
        nonlocal first, said
        first = done - 1 if said < 0 else first
        part = 20 * done // total
        if part == said and done < total:
            return
        said = part
        left_s = (monotonic() - began) / max(done - first, 1) * (total - done)
        console.say(f"{label}: episode {done}/{total} · {_figures(row)} · {_clock(left_s)} left")

    return show


def _figures(row: Mapping[str, Any]) -> str:
    whose = f"seed {row['seed']}: " if "seed" in row else ""
    return f"{whose}return {row['return']:.2f} · late {100 * row['late_share']:.1f} %"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


# results -----------------------------------------------------------------------------------


def as_json(found: Trained | Seeded, seed: int) -> dict[str, Any]:
    """What came of it, for programs."""
    if isinstance(found, Seeded):
        return {"folder": str(found.folder), **found.facts(), "digest": found.digest}
    return {
        "seed": seed,
        "folder": str(found.folder),
        "episodes": len(found.rows),
        "stopped_early": found.stopped,
        "best_episode": found.best_episode,
        "held_out_usd": found.held_out_usd,
        "held_out_before_usd": found.before_usd,
        "returns": [row["return"] for row in found.rows],
        "late_shares": [row["late_share"] for row in found.rows],
        "updates": found.rows[-1]["updates"],
        "digest": found.digest,
    }


def say(found: Trained | Seeded) -> None:
    """Tell what came of it."""
    if isinstance(found, Seeded):
        _say_seeds(found)
    else:
        _say_one(found)


def _say_one(found: Trained) -> None:
    early = " (stopped early)" if found.stopped else ""
    judged = math.isfinite(found.held_out_usd)
    held_out = f" · held-out days {found.held_out_usd:.2f} $" if judged else ""
    if math.isfinite(found.before_usd):
        held_out += f" (before the first {found.before_usd:.2f} $)"
    console.say(
        f"{len(found.rows)} episodes{early} · kept: after episode {found.best_episode}{held_out}"
    )
    console.say(f"log: {found.folder / 'training.parquet'} · digest {found.digest}")


def _say_seeds(found: Seeded) -> None:
    head = ("seed", "episodes", "kept after", "held out, $", "at its end, $", "before, $")
    console.table(head, [_cells(each) for each in found.results])
    (low, middle, high), kept = found.quartiles_usd, found.kept
    console.say(
        f"kept: seed {kept.seed}, the best of {len(found.results)} on held-out days "
        f"({kept.held_out_usd:.2f} $); the median seed came to {middle:.2f} $ "
        f"[{low:.2f}, {high:.2f}], which is what to expect of one training"
    )
    console.say(f"all seeds: {found.folder / 'seeds.json'} · digest {found.digest}")


def _cells(each: Result) -> list[str]:
    worth = (each.held_out_usd, each.held_out_last_usd, each.held_out_before_usd)
    counts = (each.seed, each.episodes, each.best_episode)
    return [*map(str, counts), *(f"{usd:.2f}" for usd in worth)]
