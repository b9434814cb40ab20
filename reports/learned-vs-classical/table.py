"""Print the table of this folder's page from compare.json: python reports/learned-vs-classical/table.py"""

import json
from pathlib import Path

study = json.loads((Path(__file__).parent / "compare.json").read_text(encoding="utf-8"))
kpis, best, floor = study["policies"], study["baseline"], "home"
usd = {policy: row["utility_usd"]["mean"] for policy, row in kpis.items()}
bound_usd = usd[best] + kpis[best]["regret_to_bound_usd"]["mean"]
print(f"hindsight bound: {bound_usd:,.0f} USD a day\n")
print("| policy | utility USD | of home → bound | of best heuristic → bound | Δ vs best [95 %] | late % | energy USD |")
print("|---|--:|--:|--:|--:|--:|--:|")
for policy in sorted(usd, key=usd.get):
    cell = study["paired"].get(policy, {}).get("utility_usd")
    delta = "–" if cell is None else "{:+,.0f} [{:+,.0f}, {:+,.0f}]".format(cell["diff"], *cell["ci95"])
    parts = [(usd[policy] - usd[low]) / (bound_usd - usd[low]) for low in (floor, best)]
    second = f"{parts[1]:.0%}" if usd[policy] > usd[best] else "–"
    late, energy = (kpis[policy][kpi]["mean"] for kpi in ("late_share", "energy_cost_usd"))
    print(f"| `{policy}` | {usd[policy]:,.0f} | {parts[0]:.1%} | {second} | {delta} | {late:.2%} | {energy:,.0f} |")
