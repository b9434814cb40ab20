"""Work figures: where denoising ran, with how many steps, how busy the pools were."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from cosim.quantities import NS_PER_HOUR
from cosim.report.inputs import Case, Floats, Jobs, window
from cosim.report.style import (
    DEPTH,
    DEPTH_UNDER_TEXT,
    colour,
    dash,
    figure,
    light,
    stride,
    thin,
    time_axis,
    utc_axis,
)
from cosim.report.words import number, percent, plain


def steps_over_day(case: Case, policy: str) -> go.Figure:
    """Denoising steps executed per hour at each site over the window (as JEMAS Fig. 4)."""
    ledger = case.shown(policy).ledger
    totals = window(ledger, "steps").sum(axis=0)
    total = float(totals.sum())
    title = "Where did the denoising steps run, and when?"
    if total > 0:
        top = int(np.argmax(totals))
        title = (
            f"{plain(ledger.sites[top])} executed {percent(float(totals[top]) / total, 0)} of the "
            f"{number(total / 1e6, 2)} million denoising steps"
        )
    fig = figure(title, "Steps of all GPUs, per hour, in each slot.", 340)
    rate = thin(window(ledger, "steps"), stride(case)) * (NS_PER_HOUR / ledger.slot_ns)
    for i, site in enumerate(ledger.sites):
        fig.add_scatter(
            y=light(rate[:, i]),
            name=plain(site),
            mode="lines",
            line={"color": colour(i), "dash": dash(i), "width": 1.6},
            hovertemplate="%{y:,.0f} steps/h",
            **time_axis(case, ledger, "middle"),
        )
    utc_axis(fig, case)
    fig.update_yaxes(title_text="Denoising steps per hour", rangemode="tozero")
    fig.update_layout(hovermode="x")
    return fig


def steps_chosen(case: Case) -> go.Figure:
    """Share of images made with each number of denoising steps, per policy, all seeds."""
    counts = {p: _steps_counts([r.jobs for r in case.of(p)]) for p in case.policies}
    grid = sorted({steps for count in counts.values() for steps in count})
    means = {p: _weighted_mean(count) for p, count in counts.items()}
    finite = {p: m for p, m in means.items() if np.isfinite(m)}
    title = "How many denoising steps did images get?"
    if len(finite) > 1:
        low, high = min(finite, key=finite.__getitem__), max(finite, key=finite.__getitem__)
        if round(finite[low], 1) < round(finite[high], 1):
            title = (
                f"Images got {number(finite[low], 1)} steps on average under {plain(low)} and "
                f"{number(finite[high], 1)} under {plain(high)}"
            )
    fig = figure(title, "Images of finished jobs, all seeds together.", 340)
    for i, policy in enumerate(case.policies):
        total = sum(counts[policy].values()) or 1.0
        fig.add_bar(
            x=[str(steps) for steps in grid],
            y=light([100 * counts[policy].get(steps, 0.0) / total for steps in grid]),
            name=plain(policy),
            marker={"color": colour(i), "line": {"width": 0}},
            hovertemplate="%{x} steps: %{y:.1f} % of images",
        )
    fig.update_xaxes(title_text="Denoising steps per image", type="category", showgrid=False)
    fig.update_yaxes(title_text="Share of images, %", rangemode="tozero")
    fig.update_layout(barmode="group", bargap=0.25)
    return fig


def _steps_counts(tables: list[Jobs]) -> dict[int, float]:
    counts: dict[int, float] = {}
    for jobs in tables:
        done = jobs.finish_ns >= 0
        values, where = np.unique(jobs.steps[done], return_inverse=True)
        sums = np.bincount(where, weights=jobs.images[done], minlength=len(values))
        for steps, images in zip(values.tolist(), sums.tolist(), strict=True):
            counts[steps] = counts.get(steps, 0.0) + images
    return counts


def _weighted_mean(counts: dict[int, float]) -> float:
    total = sum(counts.values())
    return sum(k * n for k, n in counts.items()) / total if total else float("nan")


def pools(case: Case, policy: str) -> go.Figure:
    """Waiting jobs and busy GPUs of each site over the window, as two heat maps."""
    ledger = case.shown(policy).ledger
    every = stride(case)
    queue, busy = (thin(window(ledger, c), every) for c in ("queue_jobs", "busy_share"))
    means = busy.mean(axis=0)
    top = int(np.argmax(means))
    title = (
        f"GPUs at {plain(ledger.sites[top])} were busy {percent(float(means[top]), 0)} of the "
        f"time; the longest queue held {number(float(queue.max()), 0)} jobs"
    )
    note = "Above: jobs waiting at the end of a slot. Below: share of GPUs that were working."
    height = 190 + 2 * (34 * len(ledger.sites) + 20)
    fig = figure(
        title, note, height, make_subplots(rows=2, shared_xaxes=True, vertical_spacing=0.16)
    )
    x = time_axis(case, ledger, "middle")
    names = [plain(site) for site in ledger.sites]
    _heat(fig, 1, queue, names, x, "Waiting jobs", "%{y}: %{z:,.0f} jobs waiting")
    _heat(fig, 2, 100 * busy, names, x, "Busy GPUs, %", "%{y}: %{z:.0f} % busy")
    fig.data[1].update(zmin=0, zmax=100)
    utc_axis(fig, case, row=2)
    fig.update_xaxes(showgrid=False)
    fig.update_yaxes(autorange="reversed", showgrid=False)
    return fig


def _heat(
    fig: go.Figure,
    row: int,
    values: Floats,
    names: list[str],
    x: Mapping[str, Any],
    title: str,
    hover: str,
) -> None:
    position = {"len": 0.42, "y": 1.0 if row == 1 else 0.42, "yanchor": "top"}
    fig.add_heatmap(
        z=light(values.T),
        y=names,
        name=title,
        colorscale=DEPTH,
        zmin=0,
        ygap=3,
        colorbar={
            "title": {"text": title, "font": {"size": 12}},
            "thickness": 10,
            "outlinewidth": 0,
            **position,
        },
        hovertemplate=f"{hover}<br>%{{x}}<extra></extra>",
        row=row,
        col=1,
        **x,
    )


def matrix(case: Case, policy: str) -> go.Figure:
    """From which home to which site jobs went, in percent of the home's jobs, all seeds."""
    ledger = case.shown(policy).ledger
    sites = len(ledger.sites)
    counts = np.sum([moves(run.jobs, sites) for run in case.of(policy)], axis=0)
    total = counts.sum()
    stayed = float(np.trace(counts[:, :sites]))
    title = "Where did jobs run?"
    if total > 0:
        title = f"{percent(stayed / float(total), 0)} of the jobs ran where they arrived"
    names = [plain(site) for site in ledger.sites]
    fig = figure(
        title, "Rows: the site a job arrived at. Columns: the site that ran it.", 150 + 56 * sites
    )
    share = 100 * counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    fig.add_heatmap(
        z=light(share),
        x=[*names, "dropped"],
        y=names,
        name="share of jobs",
        colorscale=DEPTH_UNDER_TEXT,
        zmin=0,
        zmax=100,
        xgap=3,
        ygap=3,
        text=[[f"{number(float(jobs), 0)} jobs" for jobs in row] for row in counts],
        texttemplate="%{z:.1f} %<br>%{text}",
        showscale=False,
        customdata=counts,
        hovertemplate="%{y} → %{x}: %{customdata:,.0f} jobs, %{z:.1f} %<extra></extra>",
    )
    fig.update_xaxes(
        title_text="Ran at (share of the home's jobs, %)", type="category", showgrid=False
    )
    fig.update_yaxes(title_text="", type="category", autorange="reversed", showgrid=False)
    return fig


def moves(jobs: Jobs, sites: int) -> Floats:
    """Jobs from each home to each site; the last column holds those that were dropped."""
    target = np.where((jobs.service >= 0) & (jobs.site >= 0), jobs.site, sites)
    flat = np.bincount(jobs.home * (sites + 1) + target, minlength=sites * (sites + 1))
    return np.asarray(flat.reshape(sites, sites + 1), dtype=np.float64)
