"""Networks: plain lists of tensors, side by side where several answer the same question.

Nothing here but layers and their weights: no modules, no hooks. Weights are drawn uniform within
±1/√inputs, as torch's linear layers have them, from a named stream. Networks of several seeds are
one batched product: each has the weights that it would have alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from policies.learned.agents import Agents
from policies.learned.dice import Dice


class Mlp:
    """Linear layers with an activation between them.

    Attributes:
        weights: each of shape (in, out); of several networks (networks, in, out).
        biases: each of shape (out,); of several networks (networks, 1, out).
    """

    def __init__(
        self,
        sizes: Sequence[int],
        dice: Dice,
        *,
        members: int = 0,
        smooth: bool = False,
    ) -> None:
        """Draw the weights.

        Args:
            sizes: inputs, hidden units, outputs.
            dice: for the weights; of several seeds, one network (or ``members``) for each.
            members: networks side by side that see the same; 0: one, without that axis.
            smooth: SiLU between the layers; else ReLU.
        """
        self._act = torch.nn.functional.silu if smooth else torch.relu
        members_axis = (members,) if members else ()
        self._lead = (*members_axis, *dice.lead)
        self.weights: list[Tensor] = []
        self.biases: list[Tensor] = []
        for a, b in pairwise(sizes):
            bound = a**-0.5
            bias = (*members_axis, 1, b) if self._lead else (b,)
            for into, shape in ((self.weights, (*members_axis, a, b)), (self.biases, bias)):
                drawn = dice.uniform(*shape)
                if len(self._lead) == 2:  # drawn per seed, laid out per member
                    drawn = drawn.transpose(0, 1).flatten(0, 1)
                into.append((bound * drawn).requires_grad_())

    def __call__(self, x: Tensor) -> Tensor:
        """Outputs for inputs of shape (rows, in), of several seeds (seeds, rows, in).

        Returns:
            Shape (rows, out), with an axis of the seeds before it, with one of the members before
            that, where there are such.
        """
        lead, rows = self._lead, x.shape[-2]
        if lead:
            x = x.expand(*lead, *x.shape[-2:]).reshape(-1, *x.shape[-2:])
        last = len(self.weights) - 1
        for k, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            x = torch.baddbmm(bias, x, weight) if lead else torch.addmm(bias, x, weight)
            x = x if k == last else self._act(x)
        return x.view(*lead, rows, -1)

    @property
    def parameters(self) -> list[Tensor]:
        """All weights and biases."""
        return [*self.weights, *self.biases]

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All weights and biases by name, as copies."""
        found: dict[str, NDArray[Any]] = {}
        for k, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            found[f"layer{k}.weight"] = np.array(weight.detach().numpy())
            found[f"layer{k}.bias"] = np.array(bias.detach().numpy())
        return found

    def restore(self, arrays: dict[str, NDArray[Any]]) -> None:
        """Take over weights and biases.

        Raises:
            ValueError: one is missing or of another shape.
        """
        with torch.no_grad():
            for name, mine in self._named():
                if name not in arrays or arrays[name].shape != tuple(mine.shape):
                    raise ValueError(f"array `{name}` is missing or of another shape")
                mine.copy_(torch.from_numpy(arrays[name]))

    def follow(self, other: Mlp, share: float) -> None:
        """Move towards another network by a share of the distance (Polyak averaging)."""
        with torch.no_grad():
            torch._foreach_lerp_(self.parameters, other.parameters, share)

    def frozen_copy(self) -> Mlp:
        """A copy that is not trained."""
        twin = Mlp.__new__(Mlp)
        twin._act, twin._lead = self._act, self._lead
        twin.weights = [each.detach().clone() for each in self.weights]
        twin.biases = [each.detach().clone() for each in self.biases]
        return twin

    def _named(self) -> list[tuple[str, Tensor]]:
        names = [f"layer{k}.weight" for k in range(len(self.weights))]
        names += [f"layer{k}.bias" for k in range(len(self.biases))]
        return list(zip(names, self.parameters, strict=True))


class AgentsMlp(Mlp):
    """One network for the agents of all sites; what they say makes the joint action."""

    def __init__(self, agents: Agents, hidden: int, dice: Dice) -> None:
        """Draw the weights.

        Args:
            agents: who sees and says what.
            hidden: units of each of the two hidden layers.
            dice: for the weights.
        """
        super().__init__((agents.seen, hidden, hidden, 2 * agents.said), dice)
        self._columns = torch.from_numpy(agents.columns)
        self._pool = torch.from_numpy(agents.pool).T.contiguous()

    def __call__(self, x: Tensor) -> Tensor:
        """Means, then log standard deviations, of joint actions, shape (rows, 2 coordinates)."""
        rows, agents = len(x), len(self._columns)
        out = super().__call__(x[:, self._columns].flatten(0, 1))
        said = out.view(rows, agents, 2, -1).transpose(1, 2).reshape(rows, 2, -1)
        return (said @ self._pool).flatten(1)


class Adam:
    """Adam over some tensors, whose moments can be put away and taken up again."""

    def __init__(self, parameters: Sequence[Tensor], rate: float) -> None:
        self._parameters = list(parameters)
        self._optimiser = torch.optim.Adam(self._parameters, lr=rate, fused=True)

    def descend(self, loss: Tensor) -> None:
        """One step down the gradient of a loss; gradients reach these tensors alone."""
        found = torch.autograd.grad(loss, self._parameters)
        for mine, gradient in zip(self._parameters, found, strict=True):
            mine.grad = gradient
        self._optimiser.step()

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Moments and step counts, as copies; none before the first step."""
        found: dict[str, NDArray[Any]] = {}
        for k, mine in enumerate(self._parameters):
            for name, value in self._optimiser.state.get(mine, {}).items():
                found[f"{k}.{name}"] = np.array(value.numpy())
        return found

    def restore(self, arrays: dict[str, NDArray[Any]]) -> None:
        """Take over moments and step counts."""
        for k, mine in enumerate(self._parameters):
            prefix = f"{k}."
            state = {
                name.removeprefix(prefix): torch.from_numpy(np.array(value))
                for name, value in arrays.items()
                if name.startswith(prefix)
            }
            if state:
                self._optimiser.state[mine] = state


Part = Mlp | Adam


def put_away(parts: dict[str, Part]) -> dict[str, NDArray[Any]]:
    """Arrays of networks and optimisers, by part and name."""
    return {
        f"{part}.{name}": array
        for part, kept in parts.items()
        for name, array in kept.arrays().items()
    }


def take_up(parts: dict[str, Part], arrays: dict[str, NDArray[Any]]) -> None:
    """Put arrays back where :func:`put_away` found them."""
    for part, kept in parts.items():
        prefix = f"{part}."
        kept.restore(
            {k.removeprefix(prefix): v for k, v in arrays.items() if k.startswith(prefix)}
        )
