"""The jobs of a plan as images of groups, by the periods in which they arrive and are due."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from cosim.optimise import Groups, Plant
from cosim.quantities import NS_PER_HOUR
from cosim.traces.jobs import JobSet
from cosim.world.plan import Plan

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
ALLOWANCES = 4
"""Bins of the time that an image may take; more cost time and tighten the bound little."""
PATIENCE_SLOTS = (2, 16, 64)
"""Edges of the bins of slots between arrival and deadline."""


def periods_of(plan: Plan) -> tuple[FloatArray, IntArray]:
    """(slots in each period, period of each slot): the window's slots, then a widening drain."""
    slots, jobs = plan.info.slots, plan.jobs
    last = int(jobs.deadline_ns.max() // plan.info.slot_ns) if len(jobs) else 0
    lengths, rest = [1] * slots, max(1, last + 1 - slots)
    while rest > 0:
        lengths.append(min(rest, max(1, sum(lengths[slots:]))))
        rest -= lengths[-1]
    return np.array(lengths, dtype=np.float64), np.repeat(np.arange(len(lengths)), lengths)


def jobs_of(plan: Plan, plant: Plant) -> tuple[Groups, FloatArray, FloatArray]:
    """(groups, arriving, due): the jobs as images of groups; arrays of shape (groups, periods)."""
    info, jobs = plan.info, plan.jobs
    lengths, period_of = periods_of(plan)
    arrival = jobs.arrival_ns // info.slot_ns
    deadline = np.maximum(jobs.deadline_ns // info.slot_ns, arrival)
    patience = np.searchsorted(PATIENCE_SLOTS, deadline - arrival, side="right")
    allowance, allowances_h = _allowances(jobs, plant)
    size = info.class_size[jobs.class_id]
    kinds, group = _alike(jobs.home, jobs.transferable, allowance, patience, size)
    shape = (kinds.shape[1], len(lengths))
    arriving, ending = (
        _images(jobs, group, period_of[slots], shape) for slots in (arrival, deadline)
    )
    home, movable = kinds[0].astype(np.int64), kinds[1].astype(np.bool_)
    groups = Groups(
        home=home,
        movable=movable,
        allowance_h=allowances_h[kinds[2]],
        patient=np.ones(kinds.shape[1], dtype=np.bool_),
        fare_usd=_fare_usd(plan)[home],
        miss_usd=_miss_usd(plan)[home, movable.astype(np.int64), kinds[4]],
        serves=info.size_served[kinds[4]],
    )
    return groups, arriving, np.cumsum(ending, axis=1)


def _alike(*marks: NDArray[np.generic]) -> tuple[IntArray, IntArray]:
    """(combinations of marks that occur, shape (marks, kinds); which of them each job has).

    Marks are small whole numbers from 0 on, so that a combination is one number and millions of
    jobs are counted instead of sorted.
    """
    sizes = [int(mark.max(initial=0)) + 1 for mark in marks]
    code = np.ravel_multi_index([mark.astype(np.int64) for mark in marks], sizes)
    occurring = np.flatnonzero(np.bincount(code))
    number = np.zeros(math.prod(sizes), dtype=np.int64)
    number[occurring] = np.arange(len(occurring))
    return np.stack(np.unravel_index(occurring, sizes)), number[code]


def _images(jobs: JobSet, group: IntArray, period: IntArray, shape: tuple[int, int]) -> FloatArray:
    """Images of each group in each period."""
    place = group * shape[1] + period
    weights = jobs.images.astype(np.float64)
    sums = np.bincount(place, weights, minlength=math.prod(shape))
    return np.asarray(sums, dtype=np.float64).reshape(shape)


def _allowances(jobs: JobSet, plant: Plant) -> tuple[IntArray, FloatArray]:
    """(bin of each job, longest allowance in each bin [h]) of the time that an image may take."""
    each_h = (jobs.deadline_ns - jobs.arrival_ns) / NS_PER_HOUR / np.maximum(jobs.images, 1)
    tight = each_h[each_h < plant.image_h.max()]
    inner = np.quantile(tight, np.arange(1, ALLOWANCES) / ALLOWANCES) if len(tight) else []
    edges = np.unique([*inner, plant.image_h.max()])
    where = np.searchsorted(edges, each_h, side="right")
    longest = np.full(len(edges) + 1, np.inf)
    for k in range(len(edges)):
        inside = each_h[where == k]
        longest[k] = inside.max() if len(inside) else edges[k]
    return where, longest


def _fare_usd(plan: Plan) -> FloatArray:
    """Price of moving the cheapest image between any two sites, shape (sites, sites)."""
    jobs, at = plan.jobs, plan.info.place
    apart = np.not_equal.outer(at, at).astype(np.float64)
    if not len(jobs):
        return apart * 0.0
    from cosim.physics.network import transfer_usd

    each_mb = (jobs.input_mb + jobs.output_mb) / np.maximum(jobs.images, 1)
    return np.asarray(apart * plan.info.replicas * transfer_usd(plan.link, float(each_mb.min())))


def _miss_usd(plan: Plan) -> FloatArray:
    """Least cost of an image that is late or refused, by home, whether it may move, and size."""
    info, served = plan.info, plan.info.size_served
    at_home = info.at_home[:, None] & served
    reach = np.stack([at_home, np.broadcast_to(served, at_home.shape)], axis=1)
    least_usd = np.where(reach, info.late_penalty_usd, np.inf).min(axis=3)
    return np.asarray(info.replicas * least_usd)
