"""GPUs that fail and come back: chance and planned outages become one list of instants.

Every simulated GPU fails after an exponential time of work and is back after an exponential time
of repair. Each draws from a stream of its own, so that another site, another GPU or a longer
window leaves the failures of the others where they were. Failures begin inside the window only;
every one has its repair, in the drain at the latest.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from cosim.prepare.traced import Window
from cosim.quantities import NS_PER_HOUR
from cosim.rng import stream
from cosim.scenario.model import Failures, Scenario
from cosim.scenario.pools import pool_sites
from cosim.world.plan import Fault

Span = tuple[int, int]


def draw_faults(
    scenario: Scenario, gpus: Sequence[int], window: Window, seed: int
) -> tuple[Fault, ...]:
    """All failures and repairs of a run in the order in which they happen.

    Args:
        scenario: the scenario.
        gpus: simulated GPUs of each site.
        window: its window.
        seed: the run's seed.
    """
    until_ns = window.end_utc_ns - window.start_utc_ns
    found: list[Fault] = []
    for i, (name, site) in enumerate(pool_sites(scenario).items()):
        for gpu in range(gpus[i]):
            spans = list(_planned(scenario, name, gpu, gpus[i]))
            if site.gpus.failures is not None:
                spans += _by_chance(site.gpus.failures, until_ns, seed, name, gpu)
            for begin_ns, end_ns in _merged(spans):
                found += [Fault(begin_ns, i, gpu, up=False), Fault(end_ns, i, gpu, up=True)]
    return tuple(sorted(found, key=lambda row: (row.at_ns, row.site, not row.up, row.gpu)))


def network_cuts(scenario: Scenario) -> NDArray[np.int64]:
    """Times in which sites are cut off, as :mod:`cosim.physics.network_scalar` reads them."""
    start, rows = scenario.clock.start, []
    for i, name in enumerate(pool_sites(scenario)):
        spans = [o.span_ns(start) for o in scenario.network.outages if o.site == name]
        rows += [(i, *span) for span in _merged(spans)]
    ordered = sorted(rows, key=lambda row: (row[1], row[0]))
    return np.array(ordered, dtype=np.int64).reshape(-1, 3)


def _planned(scenario: Scenario, name: str, gpu: int, gpus: int) -> Iterator[Span]:
    """Outages that take this GPU."""
    for outage in scenario.faults:
        if outage.site != name:
            continue
        count = gpus if outage.gpus == "all" else max(1, round(outage.gpus * scenario.scale))
        if gpu < count:
            begin_ns = round(outage.begin_h(scenario.clock.start) * NS_PER_HOUR)
            yield begin_ns, begin_ns + _length_ns(outage.for_h)


def _by_chance(
    failures: Failures, until_ns: int, seed: int, name: str, gpu: int
) -> Iterator[Span]:
    """Failures of one GPU that begin before an instant."""
    rng = stream(seed, "faults", name, str(gpu))
    begin_ns = _length_ns(rng.exponential(failures.mtbf_h))
    while begin_ns < until_ns:
        end_ns = begin_ns + _length_ns(rng.exponential(failures.mttr_h))
        yield begin_ns, end_ns
        begin_ns = end_ns + _length_ns(rng.exponential(failures.mtbf_h))


def _length_ns(hours: float) -> int:
    return max(1, round(hours * NS_PER_HOUR))


def _merged(spans: list[Span]) -> Iterator[Span]:
    """The union of spans as spans that neither overlap nor touch, in order."""
    kept: list[Span] = []
    for begin_ns, end_ns in sorted(spans):
        if kept and begin_ns <= kept[-1][1]:
            kept[-1] = (kept[-1][0], max(kept[-1][1], end_ns))
        else:
            kept.append((begin_ns, end_ns))
    yield from kept
