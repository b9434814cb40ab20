"""Many images in one step: what a batch costs a GPU in time and energy.

A step of a small batch takes as long as a GPU needs to be told what to do (the floor); a large
batch takes time for each of its images. The energy is a fixed part and a part for each image, from
the smallest batch to the largest. Hence a batch of one SDXL-Turbo image draws about 200 W on an
H100 and a batch of 16 about 680 W, and batching pays for small models and hardly for large ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cosim.physics.gpu import MW_PER_W
from cosim.physics.ranges import Range, range_problems, refuse
from cosim.quantities import NS_PER_S


@dataclass(frozen=True)
class BatchCurve:
    """Time and energy of one denoising step of X images at full clock.

    Attributes:
        floor_s: shortest time of a step [s]; 0 where none shows.
        base_s: time of a step apart from its images, b [s].
        image_s: time of each image, a [s], above 0.
        base_j: energy of a step apart from its images [J].
        image_j: energy of each image [J].
        batch_max: largest batch that fits or was measured.
    """

    floor_s: float
    base_s: float
    image_s: float
    base_j: float
    image_j: float
    batch_max: int

    RANGES: ClassVar[dict[str, Range]] = {
        "floor_s": Range(0.0, 3600.0, "s"),
        "base_s": Range(0.0, 3600.0, "s"),
        "image_s": Range(0.0, 3600.0, "s", above=True),
        "base_j": Range(0.0, 1e8, "J"),
        "image_j": Range(0.0, 1e8, "J"),
        "batch_max": Range(1, 4096, "images"),
    }
    SOURCE: ClassVar[str] = (
        "g(X) = aX + b of STACKING with a floor; fitted here to ML.ENERGY v2 and v3"
    )
    EQUATION: ClassVar[str] = "t(X) = max(floor, b + a X); E(X) = e0 + e1 X; P(X) = E(X) / t(X)"

    def __post_init__(self) -> None:
        refuse(range_problems(self, self.RANGES))


def batch_step_s(curve: BatchCurve, images: ArrayLike) -> NDArray[np.float64]:
    """Return the time of one step of a batch of ``images`` at full clock [s]."""
    x = _checked(curve, images)
    return np.maximum(curve.floor_s, curve.base_s + curve.image_s * x)


def batch_step_j(curve: BatchCurve, images: ArrayLike) -> NDArray[np.float64]:
    """Return the energy of one step of a batch of ``images`` at full clock [J]."""
    return curve.base_j + curve.image_j * _checked(curve, images)


def batch_power_w(curve: BatchCurve, images: ArrayLike) -> NDArray[np.float64]:
    """Return the mean power during a step of a batch of ``images`` at full clock [W]."""
    return batch_step_j(curve, images) / batch_step_s(curve, images)


def batch_gain(curve: BatchCurve, images: ArrayLike) -> NDArray[np.float64]:
    """Return how many times as many images a second a batch makes as single images."""
    return _checked(curve, images) * batch_step_s(curve, 1) / batch_step_s(curve, images)


def batch_quanta(
    curve: BatchCurve, speed: float, power_ratio: float
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return step times and powers of all batch sizes at a clock level, rounded once.

    Args:
        curve: what a batch costs at full clock.
        speed: relative speed of the clock level, in (0, 1].
        power_ratio: relative power of the clock level, in (0, 1].

    Returns:
        (times [ns], powers [mW]), both shape (batch_max,); entry i is for i + 1 images. Times are
        at least 1 ns and never fall with the batch.
    """
    if not 0.0 < speed <= 1.0:
        raise ValueError(f"speed = {speed!r}: must be above 0 and at most 1")
    sizes = np.arange(1, curve.batch_max + 1)
    times_ns = np.rint(batch_step_s(curve, sizes) / speed * NS_PER_S)
    powers_mw = np.rint(batch_power_w(curve, sizes) * power_ratio * MW_PER_W)
    return np.maximum(times_ns, 1).astype(np.int64), powers_mw.astype(np.int64)


def _checked(curve: BatchCurve, images: ArrayLike) -> NDArray[np.float64]:
    x = np.asarray(images, dtype=np.float64)
    if not np.all((x >= 1) & (x <= curve.batch_max)):
        raise ValueError(f"images = {images!r}: must be from 1 to {curve.batch_max}")
    return x
