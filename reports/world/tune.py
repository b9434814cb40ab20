"""Tune the options of three policies on three days of 2022, with a small, fixed budget.

    python reports/world/tune.py

From its defaults, each policy tries the values of one option after another, in the order below, and
keeps what earns most on the mean of the days. All candidates meet the same days with the same jobs.
Writes tuning.csv, one row per candidate and day; what was kept in the end stands in tuned.yaml.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import date
from pathlib import Path

from cosim.decision import Layered
from cosim.plugins import load_policy
from cosim.prepare import Stage, stage
from cosim.run import run
from cosim.scenario.days import begun, dates_of
from cosim.scenario.load import load_scenario

HERE = Path(__file__).parent
TRIED = {
    "greedy-utility": {"margin_s": (30, 60, 90), "late_weight": (1.5, 3)},
    "price-aware": {
        "price_weight": (1.2, 1.5),
        "margin_s": (2, 10),
        "memory": (0.3, 0.7),
        "target_load": (0.95,),
        "late_weight": (0.7, 1.5),
    },
    "lp-price": {
        "target_load": (1.1, 1.25),
        "delay_weight": (0.04, 0.12),
        "margin_s": (2, 10),
    },
}
Options = dict[str, float]


def stages() -> dict[date, Stage]:
    """The scenario on each of its days to train on."""
    scenario = load_scenario(HERE / "scenario.yaml").scenario
    days = dates_of(scenario, "train_days")
    return {day: stage(begun(scenario, day), base=HERE) for day in days}


def earned_usd(stage: Stage, policy: str, options: Options) -> float:
    """Utility of a policy with these options on a day [USD]."""
    energy = stage.scenario.policy.energy
    layers = Layered(
        load_policy(policy, options, kind="schedule"),
        load_policy(energy.use, energy.options, kind="energy"),
    )
    return run(stage, policy=policy, seed=1, make=lambda: layers).kpis["utility_usd"]


def searched(policy: str, on: list[Stage]) -> Iterator[tuple[Options, list[float]]]:
    """Yield every candidate with its utility on each day; the best is the start of the next."""
    best: Options = {}
    most = [earned_usd(stage, policy, best) for stage in on]
    yield best, most
    for name, values in TRIED[policy].items():
        start = best
        for value in values:
            candidate = {**start, name: value}
            found = [earned_usd(stage, policy, candidate) for stage in on]
            yield candidate, found
            if sum(found) > sum(most):
                best, most = candidate, found


def main() -> None:
    """Search for each policy, keep the table, tell the best."""
    on = stages()
    with (HERE / "tuning.csv").open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(("policy", "options", "day", "utility_usd"))
        for policy in TRIED:
            rows = []
            for options, found in searched(policy, list(on.values())):
                words = " ".join(f"{name}={value:g}" for name, value in options.items())
                days = zip(on, found, strict=True)
                out.writerows(
                    (policy, words or "defaults", day, round(usd, 2)) for day, usd in days
                )
                file.flush()
                rows.append((sum(found) / len(found), words or "defaults"))
            (first, _), (most, words) = rows[0], max(rows, key=lambda row: row[0])
            print(f"{policy}: {first:.1f} → {most:.1f} USD a day with {words}", flush=True)


if __name__ == "__main__":
    main()
