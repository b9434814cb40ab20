"""The paper's figure 2: what an image earns against its denoising steps, model by model."""

from __future__ import annotations

import numpy as np

from cosim.decision import WorldInfo
from cosim.prepare import Stage
from cosim.study.paper_finding import Chart, Found, Line, Panel
from cosim.study.paper_verdict import FAILS, OPEN, Judged

RISES = "Earnings of an image rise with its steps and level off, along a sigmoid for each model."
WORTH = "The heavier the model, the more its image earns at the most steps."
ASSUMED = "put in, not found"


def revenue(on: Stage) -> Found:
    """Draw the curves of a scenario.

    What the scenario assumes cannot be reproduced by it; a scenario that contradicts the claim
    refutes it.
    """
    info = on.plan(on.scenario.seeds[0]).info
    names = [f"{info.sites[info.service_site[k]]}" for k in range(info.n_services)]
    models = [list(on.scenario.models)[info.service_model[k]] for k in range(info.n_services)]
    lines, rows = [], []
    for k, model in enumerate(models):
        earned = [1000.0 * float(v) for v in info.revenue_usd[k]]
        lines.append(Line(f"{model} ({names[k]})", tuple(map(float, info.steps)), tuple(earned)))
        rows += [(model, c, v) for c, v in zip(info.steps, earned, strict=True)]
    head = ("model", "steps", "revenue_usd_per_1000_images")
    columns = {name: [row[i] for row in rows] for i, name in enumerate(head)}
    panel = Panel("all models", "USD per 1000 images", tuple(lines))
    note = (
        "The curves are assumptions of the scenario: no table of the paper's quality mix against "
        "steps is public."
    )
    chart = Chart("denoising steps", (panel,), 1)
    return Found(_claims(info), columns, chart, notes=(note,))


def _claims(info: WorldInfo) -> tuple[Judged, ...]:
    earned = np.asarray(info.revenue_usd)
    rises = bool((np.diff(earned, axis=1) > 0.0).all())
    flattens = bool((np.diff(earned, axis=1)[:, -1] < np.diff(earned, axis=1).max(axis=1)).all())
    ranked = bool((np.diff(earned[:, -1]) > 0.0).all())
    most = ", ".join(f"{1000.0 * v:.2f}" for v in earned[:, -1])
    curves = "they rise and level off" if rises and flattens else "they do not"
    return (
        Judged(RISES, ASSUMED, curves, OPEN if rises and flattens else FAILS),
        Judged(WORTH, ASSUMED, f"USD per 1000 images: {most}", OPEN if ranked else FAILS),
    )
