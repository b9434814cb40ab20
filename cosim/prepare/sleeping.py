"""How the GPUs of a site sleep: the scenario's figures over those of the table."""

from __future__ import annotations

from dataclasses import replace

from cosim.errors import TraceError
from cosim.physics.gpu_sleep import GpuSleep
from cosim.prepare.profiles import Claim
from cosim.quantities import ns_from_s
from cosim.scenario.model import Gpus
from cosim.traces.service_tables import gpu_sleep
from cosim.world.loading import Loading, SleepPlan


def sleeping(name: str, gpus: Gpus, idle_w: float) -> tuple[SleepPlan | None, list[Claim]]:
    """Return the sleep of a site's GPUs, None where they stay awake, and what was claimed.

    Args:
        name: the site.
        gpus: its GPUs.
        idle_w: power of a waiting GPU [W], and of one that wakes unless the scenario says.

    Raises:
        TraceError: the table has nothing on the kind, or sleeping would draw more than waiting.
    """
    said = gpus.sleep
    if said is None:
        return None, []
    own = {
        key: value for key in ("sleep_w", "wake_s") if (value := getattr(said, key)) is not None
    }
    wake_w = idle_w if said.wake_w is None else said.wake_w
    claims: list[Claim] = []
    try:
        if len(own) == 2:
            sleep = GpuSleep(idle_w, wake_w=wake_w, after_idle_s=said.after_s, **own)
        else:
            row = gpu_sleep(gpus.kind, after_idle_s=said.after_s)
            sleep = replace(row.value, idle_w=idle_w, wake_w=wake_w, **own)
            assumed = [key for key in row.assumed if getattr(said, key) is None]
            claims.append(
                Claim("profiles/sleep", f"{name}: sleep", row.source, ", ".join(assumed))
            )
    except ValueError as problem:
        raise TraceError(f"site `{name}`, gpus.sleep: {problem}") from None
    waking = Loading(ns_from_s(sleep.wake_s), round(sleep.wake_w * 1000))
    return SleepPlan(ns_from_s(sleep.after_idle_s), round(sleep.sleep_w * 1000), waking), claims
