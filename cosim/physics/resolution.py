"""Larger images: what more pixels cost, and what they earn.

The time of a step grows a little faster than the number of pixels once the GPU is full, and not at
all while the launch floor binds. Where a batch curve is known, both come out of it by scaling the
part of each image only; where only the time of single images is known, all of it is scaled.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from cosim.physics.gpu import ServiceTiming
from cosim.physics.gpu_batch import BatchCurve
from cosim.physics.ranges import Range, check_ranges, each_in, refuse

_EDGE = Range(64, 8192, "px")


@dataclass(frozen=True)
class PixelLaw:
    """How time, energy and price of an image grow with its pixels.

    Attributes:
        px: edge of the square image at which the service was measured [pixel].
        time_exponent: of the pixel ratio, in the time of a step.
        energy_exponent: of the pixel ratio, in the energy of a step.
        value_exponent: of the pixel ratio, in the price; 1 is a price per megapixel, 0 none.
    """

    px: float
    time_exponent: float = 1.02
    energy_exponent: float = 1.01
    value_exponent: float = 1.0

    RANGES: ClassVar[dict[str, Range]] = {
        "px": _EDGE,
        "time_exponent": Range(0.0, 2.5),
        "energy_exponent": Range(0.0, 2.5),
        "value_exponent": Range(0.0, 2.5),
    }
    SOURCE: ClassVar[str] = (
        "fitted here to SD 1.5 (512 px) and SD 2.1 (768 px) on an A100 of ML.ENERGY v2; published "
        "span of the energy exponent 0.19 to 1.12 (arXiv 2506.17016); the value is an assumption"
    )
    EQUATION: ClassVar[str] = "t ∝ r^time_exponent, E ∝ r^energy_exponent, r = (px / px_0)²"

    def __post_init__(self) -> None:
        check_ranges(self, self.RANGES)


def pixel_ratio(law: PixelLaw, px: float) -> float:
    """Return the pixels of a square image relative to the measured one, (px / px₀)²."""
    refuse(each_in("px", [px], _EDGE))
    return (px / law.px) ** 2


def scaled_batch(law: PixelLaw, curve: BatchCurve, px: float) -> BatchCurve:
    """Return the batch curve at another resolution: the part of each image scales.

    Args:
        law: how cost grows with pixels.
        curve: time and energy of a batch at ``law.px``.
        px: edge of the square image [pixel].

    Returns:
        The curve with the same floor and base. ``batch_max`` shrinks with the pixels, as the
        memory of activations does, to at least 1 and never grows.
    """
    ratio = pixel_ratio(law, px)
    return replace(
        curve,
        image_s=curve.image_s * ratio**law.time_exponent,
        image_j=curve.image_j * ratio**law.energy_exponent,
        batch_max=max(1, min(curve.batch_max, int(curve.batch_max / ratio))),
    )


def scaled_timing(law: PixelLaw, timing: ServiceTiming, px: float) -> ServiceTiming:
    """Return the timing of single images at another resolution, all of it scaled.

    The text encoder sees no pixels and stays; the decoder works pixel by pixel. Power follows from
    time and energy. Too dear below ``law.px`` where a launch floor binds: prefer a batch curve.

    Args:
        law: how cost grows with pixels.
        timing: an image at ``law.px``.
        px: edge of the square image [pixel].
    """
    ratio = pixel_ratio(law, px)
    slower, hungrier = ratio**law.time_exponent, ratio**law.energy_exponent
    fixed_s = timing.encode_s + timing.decode_s
    longer_s = timing.encode_s + timing.decode_s * ratio
    return replace(
        timing,
        step_s=timing.step_s * slower,
        step_w=timing.step_w * hungrier / slower,
        decode_s=timing.decode_s * ratio,
        fixed_j=timing.fixed_j * longer_s / fixed_s if fixed_s > 0 else 0.0,
    )


def value_factor(law: PixelLaw, px: float) -> float:
    """Return the price of an image relative to one of the measured resolution."""
    return float(pixel_ratio(law, px) ** law.value_exponent)
