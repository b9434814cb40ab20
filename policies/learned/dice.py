"""Chance for networks: named streams of the project, as torch tensors.

All noise is drawn by numpy, so that weights and noise of a seed do not depend on torch's own
generators, and so that dice can be put away and taken up again as plain data. Dice of several
seeds draw for each what dice of that seed alone would draw, laid out along a first axis.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import DTypeLike, NDArray
from torch import Tensor

from cosim.rng import stream

Seeds = int | tuple[int, ...]
"""A seed, or those of learners that learn side by side."""


class Dice:
    """One stream of chance, or one for each of several seeds.

    Attributes:
        lead: the axis of the seeds: (), or (seeds,).
        generators: the streams.
    """

    def __init__(self, seed: Seeds, *purpose: str) -> None:
        seeds = (seed,) if isinstance(seed, int) else seed
        self.lead = () if isinstance(seed, int) else (len(seeds),)
        self.generators = [stream(each, "learned", *purpose) for each in seeds]

    @property
    def generator(self) -> np.random.Generator:
        """The stream of the only seed."""
        (only,) = self.generators
        return only

    def normal(self, *shape: int) -> Tensor:
        """Standard normal numbers, shape (*lead, *shape)."""
        return self._filled(
            shape, np.float32, lambda dice, out: dice.standard_normal(dtype=np.float32, out=out)
        )

    def uniform(self, *shape: int) -> Tensor:
        """Numbers uniform in [−1, 1), shape (*lead, *shape)."""
        drawn = self._filled(
            shape, np.float32, lambda dice, out: dice.random(dtype=np.float32, out=out)
        )
        return 2.0 * drawn - 1.0

    def integers(self, high: int, rows: int) -> Tensor:
        """Whole numbers from 0 to ``high`` − 1, shape (*lead, rows)."""

        def draw(dice: np.random.Generator, out: NDArray[Any]) -> None:
            out[...] = dice.integers(high, size=rows)

        return self._filled((rows,), np.int64, draw)

    def state(self) -> dict[str, Any]:
        """Where the only stream stands, as plain data; its large numbers as text."""
        state: dict[str, Any] = _mapped(self.generator.bit_generator.state, str)
        return state

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        self.generator.bit_generator.state = _mapped(state, int)

    def _filled(
        self,
        shape: tuple[int, ...],
        dtype: DTypeLike,
        draw: Callable[[np.random.Generator, NDArray[Any]], object],
    ) -> Tensor:
        """What each stream fills its part with."""
        found = np.empty((len(self.generators), *shape), dtype)
        for dice, out in zip(self.generators, found, strict=True):
            draw(dice, out)
        return torch.from_numpy(found.reshape(*self.lead, *shape))


def _mapped(state: Any, number: type) -> Any:
    """The state with every number as text, or back (JSON readers may round 128-bit numbers)."""
    if isinstance(state, dict):
        return {name: _mapped(value, number) for name, value in state.items()}
    if isinstance(state, str) and not state.isdigit():
        return state
    return number(state)
