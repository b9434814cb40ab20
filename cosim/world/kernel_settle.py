"""Settling with a million jobs, compiled: what each earned, and its share of the site's energy."""

from __future__ import annotations

import numpy as np

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
