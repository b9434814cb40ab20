"""GPUs that sleep when nothing comes, compiled: asleep is whoever has had no job for long enough.

Nothing happens when a GPU falls asleep; from the instant at which its last job ended, how long it
slept is arithmetic. A GPU without a job keeps that instant in its column SINCE.
"""

from __future__ import annotations

from cosim.physics.gpu_sleep_scalar import split_gap
from cosim.world.compiled import inlined
from cosim.world.kernel_state import (
    ASLEEP,
    DOWN,
    JOB,
    NEVER,
    OFF,
    SERVICE,
    SINCE,
    SLEEP_AFTER_NS,
    SLEPT_NS,
    SLEPT_TO_NS,
    Farm,
)


@inlined
def asleep_ns(farm: Farm, site: int, gpu: int, now_ns: int) -> int:
    """How long a GPU without a job has slept [ns]."""
    gap_ns = max(0, now_ns - farm.gpus[gpu, SINCE])
    return int(split_gap(gap_ns, farm.sites[site, SLEEP_AFTER_NS])[1])


@inlined
def holds(farm: Farm, site: int, gpu: int, now_ns: int) -> int:
    """What a GPU without a job has in memory."""
    return ASLEEP if asleep_ns(farm, site, gpu, now_ns) > 0 else int(farm.gpus[gpu, SERVICE])


@inlined
def meter_sleep(farm: Farm, site: int, gpu: int, now_ns: int) -> None:
    """Count the sleep of a GPU since sleep was last metered."""
    told_ns = asleep_ns(farm, site, gpu, farm.sites[site, SLEPT_TO_NS])
    farm.sites[site, SLEPT_NS] += asleep_ns(farm, site, gpu, now_ns) - told_ns


@inlined
def meter_all_sleep(farm: Farm, site: int, now_ns: int) -> None:
    """Count the sleep of all GPUs of a site up to an instant."""
    for gpu in range(farm.first_gpu[site], farm.first_gpu[site + 1]):
        if farm.gpus[gpu, JOB] == NEVER and farm.gpus[gpu, OFF] != DOWN:
            meter_sleep(farm, site, gpu, now_ns)
    farm.sites[site, SLEPT_TO_NS] = now_ns


@inlined
def wake(farm: Farm, site: int, gpu: int, now_ns: int) -> None:
    """Let a GPU that gets a job wake up, if it sleeps."""
    if asleep_ns(farm, site, gpu, now_ns) > 0:
        meter_sleep(farm, site, gpu, now_ns)
        farm.gpus[gpu, SERVICE] = ASLEEP
