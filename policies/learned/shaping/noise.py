"""Noise: a signal that knows nothing. Whatever it gains, any shaping gains for no reason."""

from __future__ import annotations

from torch import Tensor

from policies.learned.batch import Batch
from policies.learned.dice import Dice
from policies.learned.networks import Part
from policies.learned.shaping.kind import Policy, Seen, Terms, no_parts


class Noise:
    """Uniform in [−1, 1), anew for every row."""

    in_rewards = False

    def __init__(self, terms: Terms) -> None:
        self._dice = Dice(terms.seed, "shaping", "noise")

    def signal(self, seen: Seen) -> Tensor:
        """Noise, shape (rows,)."""
        return self._dice.uniform(seen.views.shape[-2])

    def train(self, batch: Batch, policy: Policy, given: Tensor) -> None:
        """There is nothing to learn."""

    def parts(self) -> dict[str, Part]:
        """None."""
        return no_parts()

    def dice(self) -> dict[str, Dice]:
        """Its dice."""
        return {"noise": self._dice}
