"""Jobs that a site does not run, compiled: turned away by a full queue, or given up in it."""

from __future__ import annotations

from cosim.physics.service_scalar import revenue_share
from cosim.world.compiled import inlined
from cosim.world.kernel_memory import read_grid
from cosim.world.kernel_state import (
    FINISHED,
    FREE,
    HEAD,
    LIMIT,
    OFF,
    TAIL,
    Farm,
)


@inlined
def is_full(farm: Farm, site: int) -> bool:
    """Whether a job that lands is turned away: as many wait as may, and no GPU is free for it."""
    sites, first = farm.sites, farm.first_gpu[site]
    waiting = sites[site, TAIL] - sites[site, HEAD]
    if waiting < sites[site, LIMIT]:
        return False
    if waiting == 0:
        for at in range(sites[site, FREE]):
            if farm.gpus[first + farm.free[first + at], OFF] == 0:
                return False
    return True


@inlined
def is_hopeless(farm: Farm, site: int, job: int, now_ns: int) -> bool:
    """Whether a job would earn nothing even if it ended now."""
    back_ns = 0 if farm.home[job] == farm.place[site] else farm.there_ns[farm.trip[job], 1]
    late_ns = now_ns + back_ns - farm.deadline_ns[job]
    return bool(revenue_share(late_ns, read_grid(farm.memory).lateness[farm.service[job]]) <= 0.0)


@inlined
def dismiss(farm: Farm, site: int, job: int, now_ns: int, why: int) -> None:
    """Let a job go that has not been run to its end."""
    farm.gpu[job], farm.finish_ns[job] = why, now_ns
    farm.finished[site, farm.sites[site, FINISHED]] = job
    farm.sites[site, FINISHED] += 1
