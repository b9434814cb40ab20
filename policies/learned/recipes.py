"""The learners by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from policies.learned.recipe import Recipe


@dataclass(frozen=True, kw_only=True)
class Sac(Recipe):
    """Soft actor-critic with automatic temperature; shaping by options."""

    name: ClassVar[str] = "sac"


@dataclass(frozen=True, kw_only=True)
class Td3(Recipe):
    """Twin delayed deterministic policy gradient; shaping by options."""

    name: ClassVar[str] = "td3"
    base: ClassVar[str] = "td3"


@dataclass(frozen=True, kw_only=True)
class Jemas(Recipe):
    """SAC on rewards with a diffusion-made bonus (DRESS, corrected; η = 0.4): the paper."""

    name: ClassVar[str] = "jemas"
    shaping: str = "dress"
    wrap: str = "additive"
    eta: float = 0.4


@dataclass(frozen=True, kw_only=True)
class SacDiffusion(Recipe):
    """SAC with a potential that denoises the return to go: policy-invariant, ours."""

    name: ClassVar[str] = "sac-diffusion"
    shaping: str = "diffusion-return"
    wrap: str = "potential"
