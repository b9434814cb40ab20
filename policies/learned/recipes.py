"""The learners by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from policies.learned.recipe import Recipe
from policies.options import whole


@dataclass(frozen=True, kw_only=True)
class Sac(Recipe):
    """Soft actor-critic; shaping by options.

    It sets clocks, batteries and rooms itself, and its temperature is fixed: one that adapts from
    1 takes hundreds of days to cool (docs/learning.md has the search).
    """

    name: ClassVar[str] = "sac"
    clock: bool = True
    battery: bool = True
    room: bool = True
    hidden: int = 64
    batch: int = 64
    rate: float = 1e-3
    gamma: float = 0.95
    temperature: float = 0.02
    updates_per_slot: float = 0.25


@dataclass(frozen=True, kw_only=True)
class Td3(Recipe):
    """Twin delayed deterministic policy gradient; shaping by options."""

    name: ClassVar[str] = "td3"
    base: ClassVar[str] = "td3"


@dataclass(frozen=True, kw_only=True)
class Jemas(Sac):
    """SAC on rewards with a diffusion-made bonus (DRESS, corrected; η = 0.4): the paper."""

    name: ClassVar[str] = "jemas"
    shaping: str = "dress"
    wrap: str = "additive"
    eta: float = 0.4


@dataclass(frozen=True, kw_only=True)
class SacDiffusion(Sac):
    """SAC with a potential that denoises the return to go: policy-invariant, ours."""

    name: ClassVar[str] = "sac-diffusion"
    shaping: str = "diffusion-return"
    wrap: str = "potential"


@dataclass(frozen=True, kw_only=True)
class SacDemo(Sac):
    """SAC that imitates others before its first day and learns from their days beside its own.

    It begins cool, near what it was shown, and lets the critics learn first: as ``sac`` begins, it
    would forget within some days what it had imitated.
    """

    name: ClassVar[str] = "sac-demo"
    demonstrations: str = "optimiser"
    hidden: int = 128
    batch: int = 128
    rate: float = 5e-4
    temperature: float = 0.0005
    imitation_updates: int = 10_000
    imitation: float = 1.0
    hold_updates: int = 720
    entropy: float = -1.5
    centred: bool = True


@dataclass(frozen=True, kw_only=True)
class SacDistributed(Sac):
    """SAC with one agent per site: shared weights, its own row and what others publish.

    Decides clocks, batteries and rooms too, which are each site's own affair.
    """

    name: ClassVar[str] = "sac-distributed"
    stacks: ClassVar[bool] = False


@dataclass(frozen=True, kw_only=True)
class DiffusionPolicy(Recipe):
    """The actor is a denoising chain that learns by which of its actions pay (QVPO).

    Attributes:
        candidates: actions that are drawn and weighed per state.
    """

    name: ClassVar[str] = "diffusion-policy"
    base: ClassVar[str] = "diffusion"
    stacks: ClassVar[bool] = False
    candidates: int = 8

    def __post_init__(self) -> None:
        super().__post_init__()
        whole("candidates", self.candidates, 1)
