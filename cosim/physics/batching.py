"""Batching: one GPU denoises several images at once, and a step takes a little longer.

A step of X images takes ``a + b X`` (STACKING fits such lines to diffusion models), here given by
the share s of a single image's step that does not grow: ``step (s + (1 − s) X)``; or it follows a
curve fitted to measurements. Small models gain: 32 images of SD 1.5 at once need less than half
of the GPU time each on an A100. Large ones, such as FLUX.1, gain hardly anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, TypeAlias

from cosim.physics.gpu import ServiceTiming, power_mw, scaled_ns
from cosim.physics.gpu_batch import BatchCurve, batch_power_w, batch_step_s
from cosim.physics.ranges import Range, range_problems, refuse


@dataclass(frozen=True)
class BatchLaw:
    """How a denoising step grows with the images in it.

    Attributes:
        fixed_share: share s of a single image's step that does not grow, in [0, 1].
        power_ratio: board power of a very large batch relative to that of one image.
    """

    fixed_share: float
    power_ratio: float = 1.0

    RANGES: ClassVar[dict[str, Range]] = {
        "fixed_share": Range(0.0, 1.0),
        "power_ratio": Range(0.0, 5.0, above=True),
    }
    SOURCE: ClassVar[str] = "line in X: STACKING; the share of power: ours"
    EQUATION: ClassVar[str] = "t(X) = t(1) (s + (1 - s) X); P(X) = P(1) (1 + (r - 1) (1 - 1/X))"

    def __post_init__(self) -> None:
        refuse(range_problems(self, self.RANGES))

    def time_ratio(self, images: int) -> float:
        """Time of a step of so many images relative to that of one."""
        return 1.0 + (1.0 - self.fixed_share) * (images - 1)

    def board_ratio(self, images: int) -> float:
        """Board power in a step of so many images relative to that of one."""
        return 1.0 + (self.power_ratio - 1.0) * (1.0 - 1.0 / images)


@dataclass(frozen=True)
class MeasuredLaw:
    """The same, by a curve that was fitted to measurements (see :mod:`cosim.physics.gpu_batch`).

    Attributes:
        curve: time and energy of a step of any batch.
    """

    curve: BatchCurve

    SOURCE: ClassVar[str] = "the batch curve of the model on that GPU; profiles/batching"
    EQUATION: ClassVar[str] = "t(X) = t(1) t_c(X) / t_c(1); P(X) = P(1) P_c(X) / P_c(1)"

    def time_ratio(self, images: int) -> float:
        """Time of a step of so many images relative to that of one."""
        return float(batch_step_s(self.curve, images) / batch_step_s(self.curve, 1))

    def board_ratio(self, images: int) -> float:
        """Board power in a step of so many images relative to that of one."""
        return float(batch_power_w(self.curve, images) / batch_power_w(self.curve, 1))


Law: TypeAlias = BatchLaw | MeasuredLaw


def batch_step_ns(timing: ServiceTiming, law: Law, speed: float, images: int) -> int:
    """Return the time of a step of so many images at a relative speed [ns], at least 1."""
    return max(1, scaled_ns(timing.step_s * law.time_ratio(images), speed))


def batch_image_mw(
    timing: ServiceTiming, law: Law, power_ratio: float, images: int, cap_w: float
) -> int:
    """Return the power *per image* in such a step at a clock's power ratio [mW].

    Args:
        timing: one image at a time.
        law: how a step grows.
        power_ratio: relative power of the clock level.
        images: images in the step.
        cap_w: most that the board draws at full clock [W].
    """
    board_w = min(timing.step_w * law.board_ratio(images), max(cap_w, timing.step_w))
    return power_mw(board_w / images, power_ratio)
