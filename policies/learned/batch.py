"""A batch as algorithms see it: normalised views, tensors, and the plain return of a stretch.

Learners that learn side by side have a batch each, stacked along a first axis.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from policies.learned.actor import Scaling
from policies.learned.replay import Sample


@dataclass(frozen=True)
class Batch:
    """Stretches of up to n slots; shapes are those of one seed.

    Attributes:
        views: normalised view before each slot, shape (rows, n, columns).
        actions: shape (rows, n, coordinates).
        rewards: r^E of each slot, 0 beyond the end of a day, shape (rows, n).
        weights: γ^k, 0 beyond the end of a day, shape (rows, n).
        later: normalised view after the stretch, shape (rows, columns).
        discount: γ to the slots of the stretch, 0 where nothing can be earned after, (rows,).
        returns: return to go, in standard units, shape (rows,).
        seen: ``views`` before they were normalised.
        seen_later: ``later`` before it was normalised.
        spread: standard deviation of the returns, in rewards; of several seeds (seeds, 1).
        shown: rows at the end that are of days as others played them.
    """

    views: Tensor
    actions: Tensor
    rewards: Tensor
    weights: Tensor
    later: Tensor
    discount: Tensor
    returns: Tensor
    seen: Tensor
    seen_later: Tensor
    spread: float | Tensor
    shown: int = 0

    @property
    def now(self) -> Tensor:
        """Normalised view before the first slot, shape (rows, columns)."""
        return self.views[..., 0, :]

    @property
    def action(self) -> Tensor:
        """Action in the first slot, shape (rows, coordinates)."""
        return self.actions[..., 0, :]

    @property
    def earned(self) -> Tensor:
        """Σ γ^k r^E over the stretch, shape (rows,)."""
        return (self.weights * self.rewards).sum(dim=-1)

    def apart(self, actions: Tensor) -> Tensor:
        """Mean square distance of actions to what others did in their rows; 0 without such rows.

        Args:
            actions: shape (rows, coordinates).
        """
        if not self.shown:
            return torch.zeros(())
        rows = slice(len(actions) - self.shown, None)
        return ((actions[rows] - self.action[rows]) ** 2).sum(dim=1).mean()


def as_batch(
    sample: Sample,
    scaling: Scaling,
    spread: tuple[float, float] | tuple[Tensor, Tensor],
    shown: int = 0,
) -> Batch:
    """Normalise a sample.

    Args:
        sample: what was drawn; of several seeds with an axis of them in front.
        scaling: of views.
        spread: mean and standard deviation of returns; of several seeds each (seeds, 1).
        shown: rows at its end that are of days as others played them.
    """
    mean, std = spread
    rows = sample.views.reshape(*sample.later.shape[:-2], -1, sample.later.shape[-1])
    return Batch(
        torch.from_numpy(scaling(rows).reshape(sample.views.shape)),
        torch.from_numpy(sample.actions),
        torch.from_numpy(sample.rewards),
        torch.from_numpy(sample.weights),
        torch.from_numpy(scaling(sample.later)),
        torch.from_numpy(sample.discount),
        (torch.from_numpy(sample.returns) - mean) / std,
        torch.from_numpy(sample.views),
        torch.from_numpy(sample.later),
        std,
        shown,
    )
