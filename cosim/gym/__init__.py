"""The testbed as a problem for learners: Gymnasium environments whose step is a slot.

``CosimEnv`` plays one world, ``CosimVectorEnv`` many in one call; ``Codec`` turns observations
into vectors and vectors into decisions without either, for policies that act. Gymnasium comes with
the extra ``learn`` and is loaded when an environment is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cosim.errors import UsageError

if TYPE_CHECKING:
    from cosim.gym.codec import Codec
    from cosim.gym.days import Day, dates_from, days_of, prepare_days, split_days
    from cosim.gym.env import CosimEnv
    from cosim.gym.reward import Reward
    from cosim.gym.vector import CosimVectorEnv
    from cosim.gym.worlds import Settings

__all__ = [
    "Codec",
    "CosimEnv",
    "CosimVectorEnv",
    "Day",
    "Reward",
    "Settings",
    "dates_from",
    "days_of",
    "prepare_days",
    "split_days",
]

_HOME = {
    "Codec": "codec",
    "CosimEnv": "env",
    "CosimVectorEnv": "vector",
    "Day": "days",
    "Reward": "reward",
    "Settings": "worlds",
    "dates_from": "days",
    "days_of": "days",
    "prepare_days": "days",
    "split_days": "days",
}


def __getattr__(name: str) -> Any:
    """Load a public name on first use (PEP 562)."""
    if name not in _HOME:
        raise AttributeError(f"module `cosim.gym` has no attribute `{name}`")
    from importlib import import_module

    try:
        return getattr(import_module(f"cosim.gym.{_HOME[name]}"), name)
    except ModuleNotFoundError as problem:
        if problem.name != "gymnasium":
            raise
        install = "pip install 'cosim-testbed[learn]'"
        said = f"`cosim.gym.{name}` needs gymnasium, which is not here: {install}"
        raise UsageError(said) from None
