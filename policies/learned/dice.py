"""Chance for networks: a named stream of the project, as torch tensors.

All noise is drawn by numpy, so that weights and noise of a seed do not depend on torch's own
generators, and so that dice can be put away and taken up again as plain data.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from cosim.rng import stream


class Dice:
    """One stream of chance."""

    def __init__(self, seed: int, *purpose: str) -> None:
        self.generator = stream(seed, "learned", *purpose)

    def normal(self, *shape: int) -> Tensor:
        """Standard normal numbers."""
        return torch.from_numpy(self.generator.standard_normal(shape, dtype=np.float32))

    def uniform(self, *shape: int) -> Tensor:
        """Numbers uniform in [−1, 1)."""
        return torch.from_numpy(2.0 * self.generator.random(shape, dtype=np.float32) - 1.0)

    def integers(self, high: int, rows: int) -> Tensor:
        """Whole numbers from 0 to ``high`` − 1, shape (rows,)."""
        return torch.from_numpy(self.generator.integers(high, size=rows))

    def state(self) -> dict[str, Any]:
        """Where the stream stands, as plain data; its large numbers as text."""
        state: dict[str, Any] = _mapped(self.generator.bit_generator.state, str)
        return state

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        self.generator.bit_generator.state = _mapped(state, int)


def _mapped(state: Any, number: type) -> Any:
    """The state with every number as text, or back (JSON readers may round 128-bit numbers)."""
    if isinstance(state, dict):
        return {name: _mapped(value, number) for name, value in state.items()}
    if isinstance(state, str) and not state.isdigit():
        return state
    return number(state)
