"""DNN shaping (JEMAS, a rival): the reward agent of DRESS with a plain network for its chain."""

from __future__ import annotations

import torch
from torch import Tensor

from policies.learned.dice import Dice
from policies.learned.networks import Mlp
from policies.learned.shaping.kind import Terms
from policies.learned.shaping.reward_agent import RewardAgent


class ResidualBody:
    """Condition → one layer → one residual block → mean and log standard deviation."""

    def __init__(self, terms: Terms) -> None:
        hidden, weights = terms.recipe.hidden, Dice(terms.seed, "shaping", "dnn", "weights")
        self._first = Mlp((terms.conditions, hidden), weights)
        self._block = Mlp((hidden, hidden, hidden), weights)
        self._head = Mlp((hidden, 2), weights)

    def __call__(self, condition: Tensor) -> Tensor:
        """Shape (rows, 2)."""
        x = torch.relu(self._first(condition))
        return self._head(torch.relu(x + self._block(x)))

    def parts(self) -> dict[str, Mlp]:
        """Its three networks."""
        return {"first": self._first, "block": self._block, "head": self._head}

    def dice(self) -> dict[str, Dice]:
        """None after the weights are drawn."""
        return {}


class Dnn(RewardAgent):
    """A reward agent with a plain body."""

    def __init__(self, terms: Terms) -> None:
        super().__init__(terms, ResidualBody(terms))
