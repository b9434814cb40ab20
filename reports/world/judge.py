"""Judge the policies on days of 2023, tuned and untuned: judged.csv and judged.svg.

    python reports/world/judge.py

Plays what `cosim compare reports/world/scenario.yaml` plays (same days, same jobs, same digest) and
keeps the key figures of every day; the figure shows what tuning on 2022 was worth in 2023.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path

from cosim.scenario.load import load_scenario
from cosim.study.compare import compare
from cosim.study.statistics import paired_cell

HERE = Path(__file__).parent
KPIS = ("utility_usd", "revenue_usd", "energy_cost_usd", "late_share", "quality_mean", "carbon_kg")
TUNED = "-tuned"
Row = Mapping[str, str | float]


def played() -> list[dict[str, str | float]]:
    """Key figures of every policy on every day to test on."""
    found = compare(load_scenario(HERE / "scenario.yaml"))
    print(f"digest {found.digest}")
    return [
        {"policy": name, "day": day_text(seed), **{k: run.kpis[k] for k in KPIS}}
        for (name, seed), run in found.results.items()
    ]


def day_text(seed: int) -> str:
    """The date in a seed of a dated run: 120230112 is 2023-01-12 with seed 1."""
    digits = f"{seed % 10**8:08d}"
    return f"{digits[:4]}-{digits[4:6]}-{digits[6:]}"


def write_table(rows: Iterable[Row]) -> None:
    """One row per policy and day."""
    with (HERE / "judged.csv").open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(("policy", "day", *KPIS))
        for row in rows:
            out.writerow((row["policy"], row["day"], *(f"{row[k]:.6g}" for k in KPIS)))


def gains(rows: Iterable[Row]) -> dict[str, tuple[float, float, float]]:
    """Utility of each tuned policy less that of its defaults: mean over days, interval [USD]."""
    by_name: dict[str, dict[str, float]] = {}
    for row in rows:
        by_name.setdefault(str(row["policy"]), {})[str(row["day"])] = float(row["utility_usd"])
    found = {}
    for name in (name for name in by_name if name.endswith(TUNED)):
        plain = by_name[name.removesuffix(TUNED)]
        days = sorted(plain)
        pair = ([of[day] for day in days] for of in (by_name[name], plain))
        cell = paired_cell("utility_usd", *pair, days=len(days))
        found[name.removesuffix(TUNED)] = (cell["diff"], *cell["ci95"])
    return found


def write_figure(found: Mapping[str, tuple[float, float, float]]) -> None:
    """A dot and its interval per policy, on one axis from 0 on."""
    most = 1.05 * max(high for *_, high in found.values())
    parts = []
    for k, (name, (mean, low, high)) in enumerate(found.items()):
        y, x = 30 + 40 * k, [190 + 400 * max(0.0, usd) / most for usd in (low, mean, high)]
        parts += [
            f'<text x="180" y="{y + 5}" text-anchor="end">{name}</text>',
            f'<line x1="{x[0]:.1f}" x2="{x[2]:.1f}" y1="{y}" y2="{y}" stroke-width="3"/>',
            f'<circle cx="{x[1]:.1f}" cy="{y}" r="6" stroke="none"/>',
            f'<text x="600" y="{y + 5}">{mean:+,.0f} [{low:+,.0f}, {high:+,.0f}]</text>',
        ]
    height = 50 + 40 * len(found)
    axis = f'<line x1="190" x2="190" y1="10" y2="{height - 40}" stroke-width="1"/>'
    said = "worth in 2023 of options tuned on 2022 [USD a day], 95 % intervals over 8 days"
    text = f'<text x="190" y="{height - 14}">{said}</text>'
    body = "\n".join([axis, *parts, text])
    style = 'font-family="sans-serif" font-size="14" fill="#06638c" stroke="#06638c"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 800 {height}" {style}>'
    plain = body.replace("<text ", '<text fill="#777" stroke="none" ')
    (HERE / "judged.svg").write_text(f"{head}\n{plain}\n</svg>\n", encoding="utf-8")


def main() -> None:
    """Play, keep, draw and tell."""
    rows = played()
    write_table(rows)
    found = gains(rows)
    write_figure(found)
    for name, (mean, low, high) in found.items():
        print(f"{name}: {mean:+.1f} USD a day [{low:+.1f}, {high:+.1f}] by tuning")


if __name__ == "__main__":
    main()
