"""The arms of the shaping ablation: which learner, which kind of shaping, in which wrapper.

An arm is a learner and its options; all arms share the options that are not the question. Names
read ``LEARNER``, or ``LEARNER-KIND-WRAPPER``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import Any

from cosim.errors import UsageError, did_you_mean

BASELINE = "sac"
KINDS = ("diffusion-return", "reward-net", "noise", "cgan", "dnn", "dress", "dress-constant")
WRAPS = ("potential", "additive")
COMPARED = ("diffusion-return", "reward-net")
"""The kinds that are also tried with TD3 and annealed: denoising, and plain regression."""
ANNEALED_SHARE = 0.6
"""Share of all updates after which the weight of an annealed shaping is 0."""
COMMON: Mapping[str, Any] = MappingProxyType(
    {
        "encoding": "split",
        "clock": True,
        "battery": True,
        "room": True,
        "hidden": 64,
        "batch": 64,
        "rate": 1e-3,
        "temperature": 0.02,
        "updates_per_slot": 0.25,
        "eta": 0.4,
        "denoising_steps": 3,
        "chains": 2,
        "snapshot_decay": 0.99,
        "shaping_rate": 1e-3,
    }
)
"""What all arms share, for a coarse pass on a small machine. The learner decides everything
itself, clocks, batteries and rooms included: so no energy layer is asked, and a day plays ten
times faster. With ``split`` actions nearly all rewards are penalties at first, as in the paper.
The temperature is fixed because one that adapts from 1 needs more updates than a coarse pass has:
of the two plain SAC was tried with, on ``base-small``, it learned with this one. η is that of the
paper; the chain is its shortest."""
SEARCHED = (
    "What was searched for before: of these options the temperature alone, two values (fixed at "
    "0.02, and adaptive from 1), with plain SAC on `paper-base-small`, 2019-06-03 to 2019-06-10. "
    "No option was tuned for any shaping."
)
"""The search budget behind :data:`COMMON`, for the page."""
DRESS_LATENT = 64
"""M of the DRESS kinds: the smallest of the paper's."""


@dataclass(frozen=True)
class Arm:
    """One row of the table.

    Attributes:
        name: its name.
        learner: name of the learner.
        shaping: kind of shaping, or ``none``.
        wrap: wrapper.
    """

    name: str
    learner: str
    shaping: str = "none"
    wrap: str = "potential"

    def options(self, common: Mapping[str, Any], updates: int) -> dict[str, Any]:
        """Its options.

        Args:
            common: what all arms share.
            updates: updates that each seed will make.
        """
        own: dict[str, Any] = {"shaping": self.shaping, "wrap": self.wrap}
        if self.shaping.startswith("dress"):
            own["latent"] = DRESS_LATENT
        if self.wrap == "anneal":
            own["anneal_updates"] = max(1, round(ANNEALED_SHARE * updates))
        return {**own, **common}


def arms() -> dict[str, Arm]:
    """All arms by name: the baseline first, then what decides, and what costs most at the end."""
    pairs = [
        *((BASELINE, kind, wrap) for kind in COMPARED for wrap in (*WRAPS, "anneal")),
        *(("td3", kind, wrap) for kind in COMPARED for wrap in WRAPS),
        *((BASELINE, kind, wrap) for kind in KINDS if kind not in COMPARED for wrap in WRAPS),
    ]
    shaped = [Arm("-".join(parts), *parts) for parts in pairs]
    return {arm.name: arm for arm in (Arm(BASELINE, BASELINE), Arm("td3", "td3"), *shaped)}


def chosen(patterns: Sequence[str]) -> list[Arm]:
    """Arms by names or patterns such as ``sac-dress*``, in the order of the table.

    Raises:
        UsageError: a pattern matches none.
    """
    known = arms()
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in known):
            hint = did_you_mean(pattern, list(known))
            raise UsageError(f"no arm is called `{pattern}`{hint}; all: {', '.join(known)}")
    return [
        arm
        for name, arm in known.items()
        if not patterns or name == BASELINE or any(fnmatchcase(name, one) for one in patterns)
    ]
