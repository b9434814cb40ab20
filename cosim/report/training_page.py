"""The report of a training: learning curves of one learner, or of several side by side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cosim import __version__
from cosim.report import figures_training as figures
from cosim.report import tables
from cosim.report.panels import Panel, one
from cosim.report.sheet import fill, write_page
from cosim.report.training import Lesson, Training, lessons, read_training
from cosim.report.words import number, percent, signed, value

MEASURES = ("utility_usd", "late_share")


def write_training_report(folders: Sequence[Path], path: Path) -> Path:
    """Write the report of one or more trainings, finished or under way.

    Args:
        folders: as ``cosim train`` wrote them.
        path: the HTML file; it appears complete or not at all.

    Raises:
        UsageError: a folder holds no training, or they do not compare.
    """
    write_page(path, render_training([read_training(folder) for folder in folders]))
    return path


def render_training(trainings: Sequence[Training]) -> str:
    """Return the whole page as text."""
    found = lessons(trainings)
    headline, details = _answer(found)
    return fill(
        "training.html.j2",
        version=__version__,
        name=", ".join(lesson.name for lesson in found),
        headline=headline,
        details=details,
        panels=training_panels(found),
        facts=_facts(found),
        rows=[_row(lesson, training) for lesson in found for training in lesson.trainings],
        commands=[str(training.terms.get("command", "")) for training in trainings],
        definitions=[row for row in tables.definitions() if row[0] in MEASURES],
    )


def training_panels(found: Sequence[Lesson]) -> list[Panel]:
    """Draw every figure of the page."""
    drawn = [one("returns", figures.returns(found))]
    if any(figures.judged(lesson) for lesson in found):
        drawn.append(one("held-out", figures.held_out(found)))
    return [*drawn, one("late-shares", figures.late_shares(found))]


def _answer(found: Sequence[Lesson]) -> tuple[str, list[str]]:
    """What came of it, in a sentence; and what that does not say."""
    seeds = sum(len(lesson.trainings) for lesson in found)
    details = []
    ranked = [lesson for lesson in found if figures.judged(lesson)]
    if not ranked:
        first, last = _ends(found[0])
        said = f"{found[0].name} went from {number(first)} to {number(last)} USD a day"
        details.append("No dates were held out, so nothing says how it does on other days.")
    else:
        best = {lesson.name: _best(lesson) for lesson in ranked}
        top = max(best, key=lambda name: float(np.mean(best[name])))
        said = (
            f"{top} earned {number(float(np.mean(best[top])))} USD on a held-out day at its best"
        )
        details.append(_spread(best[top]))
    details.append(
        "Held-out dates chose the checkpoint; for a verdict compare it with other policies on "
        "dates that it has not seen."
    )
    return f"{said} ({seeds} training{'s' if seeds > 1 else ''}).", details


def _ends(lesson: Lesson) -> tuple[float, float]:
    table = lesson.table("utility_usd")
    width = figures.SMOOTH
    return float(table[:, :width].mean()), float(table[:, -width:].mean())


def _best(lesson: Lesson) -> list[float]:
    """The best judgement of each training that was judged [USD]."""
    columns = [training.column("held_out_usd") for training in lesson.trainings]
    return [float(np.nanmax(usd)) for usd in columns if np.isfinite(usd).any()]


def _spread(best: list[float]) -> str:
    if len(best) < 2:
        return "One seed says nothing of how much chance is in it; train several."
    low, high = number(min(best)), number(max(best))
    return f"Over {len(best)} seeds its best lay between {low} and {high} USD."


def _facts(found: Sequence[Lesson]) -> list[tuple[str, str]]:
    terms = found[0].trainings[0].terms
    return [
        ("Scenario", str(terms.get("scenario", terms.get("world_hash", ""))[:64])),
        ("Dates learned from", _dates(terms.get("dates"))),
        ("Dates held out", _dates(terms.get("held_out"))),
        *((f"Options of {lesson.name}", _options(lesson)) for lesson in found),
    ]


def _options(lesson: Lesson) -> str:
    options = lesson.trainings[0].options
    return ", ".join(f"{name} {chosen}" for name, chosen in options.items()) or "none"


def _dates(found: Any) -> str:
    return ", ".join(map(str, found)) if isinstance(found, list) and found else "none"


def _row(lesson: Lesson, training: Training) -> dict[str, str]:
    usd, late = (training.column(name) for name in ("utility_usd", "late_share"))
    judged, wall_s = training.column("held_out_usd"), training.column("wall_s")
    width = figures.SMOOTH
    known = np.isfinite(judged).any()
    gain = float(usd[-width:].mean() - usd[:width].mean())
    return {
        "learner": lesson.name,
        "seed": str(training.seed),
        "episodes": number(float(len(usd)), 0),
        "last_usd": value("utility_usd", float(usd[-width:].mean())),
        "gain_usd": signed(gain),
        "late": percent(float(late[-width:].mean())),
        "held_out_usd": value("utility_usd", float(np.nanmax(judged))) if known else "–",
        "best_episode": str(int(np.nanargmax(judged)) + 1) if known else "–",
        "hours": number(float(np.nansum(wall_s)) / 3600.0, 2),
    }
