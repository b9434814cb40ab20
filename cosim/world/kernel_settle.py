"""Settling with a million jobs, compiled: what each earned, and its share of the site's energy."""

from __future__ import annotations

import numpy as np

from cosim.physics.service_scalar import settled_usd
from cosim.world.compiled import compiled, inlined
from cosim.world.kernel_state import (
    Floats,
    Ints,
)


@inlined
def overlap_ns(slot: int, slot_ns: int, start_ns: int, finish_ns: int) -> int:
    """Part of a job's time that lies in a slot [ns]."""
    return int(min(finish_ns, (slot + 1) * slot_ns) - max(start_ns, slot * slot_ns))


@compiled
def weigh(
    site: np.ndarray,
    start_ns: Ints,
    finish_ns: Ints,
    energy_pj: Ints,
    slot_ns: int,
    in_slot: Floats,
    whole: Floats,
) -> None:
    """Add up the GPU energy of jobs per slot and site, spread evenly over each job's time.

    Args:
        site: where each job ran, −1 if refused, shape (jobs,).
        start_ns: when each began [ns].
        finish_ns: when each ended [ns].
        energy_pj: GPU energy of each [pJ].
        slot_ns: length of a slot [ns].
        in_slot: the sums, shape (slots, sites) [pJ]; later slots count in the last.
        whole: sums over all slots, shape (sites,) [pJ].
    """
    last = len(in_slot) - 1
    for job in range(len(site)):
        at = site[job]
        if at < 0:
            continue
        begin_ns, end_ns, energy = start_ns[job], finish_ns[job], float(energy_pj[job])
        whole[at] += energy
        span_ns = max(1, end_ns - begin_ns)
        for slot in range(begin_ns // slot_ns, max(begin_ns, end_ns - 1) // slot_ns + 1):
            part = overlap_ns(slot, slot_ns, begin_ns, end_ns) / span_ns
            in_slot[min(slot, last), at] += energy * part


@compiled
def share(
    site: np.ndarray,
    start_ns: Ints,
    finish_ns: Ints,
    energy_pj: Ints,
    slot_ns: int,
    rates: Floats,
    rest: Floats,
    out: Floats,
) -> None:
    """Give each job its share of what its site used in the slots of its time.

    Args:
        site: where each job ran, −1 if refused, shape (jobs,).
        start_ns: when each began [ns].
        finish_ns: when each ended [ns].
        energy_pj: GPU energy of each [pJ].
        slot_ns: length of a slot [ns].
        rates: what a picojoule of GPU energy stands for, shape (slots, sites, totals).
        rest: the same for what slots without jobs used, shape (sites, totals).
        out: the shares, shape (totals, jobs).
    """
    last, totals = len(rates) - 1, len(out)
    for job in range(len(site)):
        at = site[job]
        if at < 0:
            continue
        begin_ns, end_ns, energy = start_ns[job], finish_ns[job], float(energy_pj[job])
        span_ns = max(1, end_ns - begin_ns)
        for k in range(totals):
            out[k, job] = energy * rest[at, k]
        for slot in range(begin_ns // slot_ns, max(begin_ns, end_ns - 1) // slot_ns + 1):
            weight = energy * (overlap_ns(slot, slot_ns, begin_ns, end_ns) / span_ns)
            for k in range(totals):
                out[k, job] += weight * rates[min(slot, last), at, k]


@compiled
def pay(
    late_ns: Ints,
    images: Floats,
    service: np.ndarray,
    column: Ints,
    revenue_usd: Floats,
    penalty_usd: Floats,
    lateness: Floats,
    earned_usd: Floats,
    due_usd: Floats,
) -> None:
    """Settle what jobs earned and what their lateness costs.

    Args:
        late_ns: delivery minus deadline of each, shape (jobs,) [ns].
        images: images of each, replicas included.
        service: service with which each settles.
        column: index of its step count.
        revenue_usd: paid for an image on time, shape (services, step counts) [USD].
        penalty_usd: penalty φ of an image that earns nothing, shape (services,) [USD].
        lateness: what a late image still earns, shape (services, LATENESS_COLUMNS).
        earned_usd: the earnings, shape (jobs,).
        due_usd: the penalties, shape (jobs,).
    """
    for job in range(len(late_ns)):
        at = service[job]
        price = revenue_usd[at, column[job]]
        earned, due = settled_usd(late_ns[job], price, penalty_usd[at], lateness[at])
        earned_usd[job], due_usd[job] = images[job] * earned, images[job] * due
