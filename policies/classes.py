"""What the job classes of a scenario tell about a typical job: its images and its patience.

A class is a bin; its bounds are known, the jobs inside are not.
"""

from __future__ import annotations

import math

import numpy as np

from cosim.decision import Observation, WorldInfo
from cosim.decision.info import FloatArray


def typical_images(world: WorldInfo) -> FloatArray:
    """Mean images of a job of each class, shape (classes,)."""
    return np.array([c.images_mean for c in world.classes])


def patience_s(world: WorldInfo) -> float:
    """Tolerated delay of a typical job of the least patient class [s].

    The middle of its bin, because the first bin may begin at zero; the last may have no end.
    """
    return min(
        (c.delay_lo_s + c.delay_hi_s) / 2.0 if math.isfinite(c.delay_hi_s) else c.delay_lo_s
        for c in world.classes
    )


def queued_gpu_s(world: WorldInfo, observation: Observation) -> FloatArray:
    """GPU time of work that waits beyond what the GPUs have in hand anyway [GPU-s], (sites,).

    In hand is a quarter of the least patient class's delay on every GPU.
    """
    in_hand_gpu_s = world.gpus * patience_s(world) / 4.0
    return np.maximum(observation.backlog_gpu_s - in_hand_gpu_s, 0.0)
