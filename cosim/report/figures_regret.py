"""Regret: what a policy earned less than anyone could have, and of what that is made.

The hindsight bound is the optimum of a fluid model with everything known in advance. Regret is
parted in two: what the best policy of the comparison misses too (the bound is not attainable, and
the future was not known), and what a policy earns less than that best one, term by term of the
books. The parts sum to the regret exactly.
"""

from __future__ import annotations

import plotly.graph_objects as go

from cosim.report.figures_money import TERMS, money_terms
from cosim.report.inputs import Case
from cosim.report.style import CYCLE, GREY, figure, light
from cosim.report.words import number, percent, plain

REGRET = "regret_to_bound_usd"
COMMON = "missed by all"
_PATTERNS = ("", "/", "x", ".", "\\", "-", "|", "+")


def has_bound(case: Case) -> bool:
    """Whether the hindsight bound of every policy is known."""
    return all(REGRET in case.means[policy] for policy in case.policies)


def regret_parts(case: Case) -> dict[str, dict[str, float]]:
    """Policy → part → its share of the mean regret [USD]; a part may be negative.

    A term is positive where the policy earned less, or paid more, than the best one.
    """
    means = {p: case.means[p][REGRET].value for p in case.policies}
    best = min(means, key=means.__getitem__)
    top = money_terms(case, best)
    parts = {}
    for policy in case.policies:
        mine = money_terms(case, policy)
        terms = {name: top[column] - mine[column] for column, name in TERMS}
        rest = means[policy] - means[best] - sum(terms.values())
        parts[policy] = {COMMON: means[best], **terms, "rounding": rest}
    return parts


def regret(case: Case) -> go.Figure:
    """Mean regret to the hindsight bound [USD] by its parts, per policy, mean over seeds."""
    parts = regret_parts(case)
    least = max(1e-9, 1e-4 * max(abs(usd) for row in parts.values() for usd in row.values()))
    names = [n for n in parts[case.policies[0]] if any(abs(r[n]) > least for r in parts.values())]
    best = min(case.policies, key=lambda p: case.means[p][REGRET].value)
    note = (
        f"Grey: what {plain(best)}, the best here, misses to the bound, which knows the future "
        "and splits jobs at will. Beyond it: what a policy earned less (or paid more) than "
        f"{plain(best)}, term by term; left of zero: where it did better. Mean over seeds."
    )
    fig = figure(_title(case, best), note, 150 + 46 * len(case.policies))
    fig.layout.meta = {**fig.layout.meta, "measures": [REGRET, "utility_usd"]}
    for i, name in enumerate(names):
        fig.add_bar(
            x=light([parts[p][name] for p in case.policies]),
            y=[plain(p) for p in case.policies],
            orientation="h",
            name=name,
            marker={
                "color": GREY if name == COMMON else CYCLE[(i - 1) % len(CYCLE)],
                "line": {"width": 0},
                "pattern": {
                    "shape": _PATTERNS[i % len(_PATTERNS)],
                    "size": 6,
                    "solidity": 0.25,
                    "fillmode": "overlay",
                },
            },
            hovertemplate="%{y}: %{x:,.2f} USD",
        )
    fig.update_xaxes(title_text="Regret to the hindsight bound, USD", zeroline=True)
    fig.update_yaxes(title_text="", type="category", autorange="reversed", showgrid=False)
    fig.update_layout(barmode="relative", bargap=0.45, legend={"traceorder": "normal"})
    return fig


def _title(case: Case, best: str) -> str:
    missing = case.means[best][REGRET].value
    bound = case.means[best]["utility_usd"].value + missing
    said = f"{plain(best)} comes nearest to the bound: {number(missing, 0)} USD are missing"
    return f"{said}, {percent(missing / bound, 0)} of it" if bound > 0 else said
