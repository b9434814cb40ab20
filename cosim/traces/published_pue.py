"""The PUE that operators publish for a year, beside what the cooling models say there.

``python -m cosim.traces.published_pue`` prints the comparison from the files on the shelf. It is
a check of level and not a fit: operators do not say which cooling a site has or how full it is,
the weather is a typical or another year, and without humidity evaporation is only hinted at.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np

from cosim.errors import TraceError, did_you_mean
from cosim.physics.chiller import Chiller
from cosim.physics.cooling import CoolingModel, Economizer, pue
from cosim.traces.catalogue import Catalogue
from cosim.traces.table import read_text

TABLE = "profiles/pue_published"
LOAD = 0.6
"""IT power over design IT power that is assumed of every site; a chiller plant feels it."""

MODELS: Mapping[str, CoolingModel] = {
    "economizer": Economizer(),
    "evaporative": Economizer(
        fixed_overhead=0.01, fan_ratio=0.03, ups_loss=0.04, t_free_c=27.0, t_full_c=40.0
    ),
    "chiller": Chiller(design_it_kw=1000.0),
}
"""What the column ``model`` names. ``evaporative`` stands in for wet cooling: outside air suffices
up to 27 °C and helps up to 40 °C, limits of ours."""


@dataclass(frozen=True)
class PublishedPue:
    """An operator's figure for one site and year.

    Attributes:
        operator: who published it.
        site: where, as the operator names it.
        model: name in ``MODELS``; by operator, an inference.
        pue: published annual PUE.
        year: calendar year of the figure.
        weather: catalogue id of the nearest weather on the shelf.
        distance_km: about how far that is [km].
        source: where the figure stands.
    """

    operator: str
    site: str
    model: str
    pue: float
    year: int
    weather: str
    distance_km: float
    source: str


def published_pue(root: Path | None = None) -> tuple[PublishedPue, ...]:
    """Return the table of published figures.

    Raises:
        TraceError: naming every row that cannot be one.
    """
    path = Catalogue.load(root).verified_path(TABLE)
    reader = csv.DictReader(read_text(path, TABLE).splitlines(), strict=True)
    problems: list[str] = []
    rows = [_row(cells, reader.line_num, problems) for cells in reader]
    if problems:
        raise TraceError("\n".join(problems))
    return tuple(row for row in rows if row is not None)


def _row(cells: Mapping[str, str], line: int, problems: list[str]) -> PublishedPue | None:
    place = f"{TABLE}.csv:{line}"
    model = cells.get("model") or ""
    if model not in MODELS:
        problems.append(f"{place}: no model `{model}`{did_you_mean(model, list(MODELS))}")
        return None
    words = [cells.get(name) or "" for name in ("operator", "site", "weather", "source")]
    try:
        value, distance_km = float(cells["pue"]), float(cells["distance_km"])
        year = int(cells["year"])
    except (KeyError, TypeError, ValueError):
        problems.append(f"{place}: pue, distance_km and year must be numbers")
        return None
    if not (all(words) and 1.0 <= value <= 3.0 and 0.0 <= distance_km <= 20_000.0):
        problems.append(f"{place}: needs a PUE of 1 to 3, 0 to 20000 km and no empty cell")
        return None
    operator, site, weather, source = words
    return PublishedPue(
        operator, site, model, value, year, f"weather/{weather}", distance_km, source
    )


def annual_pue(model: CoolingModel, weather: str, root: Path | None = None) -> float:
    """Return the mean PUE over a weather file, with ``LOAD`` held all year."""
    temp_c = Catalogue.load(root).weather(weather).temp_air_c
    return float(np.mean(pue(model, temp_c[np.isfinite(temp_c)], LOAD)))


def compare(root: Path | None = None) -> list[tuple[PublishedPue, float]]:
    """Return each published figure with the model's annual PUE for it."""
    rows = published_pue(root)
    pairs = dict.fromkeys((row.model, row.weather) for row in rows)
    modelled = {pair: annual_pue(MODELS[pair[0]], pair[1], root) for pair in pairs}
    return [(row, modelled[row.model, row.weather]) for row in rows]


def table_text(compared: list[tuple[PublishedPue, float]]) -> str:
    """Lay the comparison out as a Markdown table, a line of medians below it."""
    lines = [
        "| operator | site | year | model | published | model's | error |",
        "|---|---|---|---|---|---|---|",
    ]
    errors: dict[str, list[float]] = {}
    for row, value in compared:
        errors.setdefault(row.model, []).append(value - row.pue)
        lines.append(
            f"| {row.operator} | {row.site} | {row.year} | {row.model} | {row.pue:.2f} "
            f"| {value:.2f} | {value - row.pue:+.2f} |"
        )
    summary = [""]
    for model, found in errors.items():
        spread = f"{min(found):+.2f} to {max(found):+.2f}"
        summary.append(f"{model}: median error {median(found):+.3f}, {spread}")
    return "\n".join([*lines, *summary]) + "\n"


if __name__ == "__main__":
    sys.stdout.write(table_text(compare()))
