"""A conditional generative adversarial network of the return to go (JEMAS, Fig. 9, a rival).

D ← −log D(x, c) − log(1 − D(G(z, c), c)) + R1/2 ‖∂D/∂x‖² on real x     (Mescheder et al. 2018)
G ← −log D(G(z, c), c)
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import softplus

from policies.learned.batch import Batch
from policies.learned.dice import Dice
from policies.learned.networks import Adam, Mlp, Part
from policies.learned.shaping.kind import (
    CLIP,
    Policy,
    Seen,
    Terms,
    Tracked,
    mean_of,
    per_seed,
    repeated,
    targets,
)

R1 = 1.0


class ConditionalGan:
    """Samples of the target given state and action, by a generator that must fool a critic."""

    in_rewards = False

    def __init__(self, terms: Terms) -> None:
        self._terms, recipe, hidden = terms, terms.recipe, terms.recipe.hidden
        weights = Dice(terms.seed, "shaping", "cgan", "weights")
        maker = Mlp((terms.conditions + recipe.latents, hidden, hidden, 1), weights, smooth=True)
        self._judge = Mlp((terms.conditions + 1, hidden, hidden, 1), weights, smooth=True)
        self._maker = Tracked(maker, recipe.snapshot_decay)
        self._maker_step = Adam(maker.parameters, recipe.shaping_rate)
        self._judge_step = Adam(self._judge.parameters, recipe.shaping_rate)
        self._dice = Dice(terms.seed, "shaping", "cgan", "noise")

    def signal(self, seen: Seen) -> Tensor:
        """Mean of some samples of the snapshot, in standard units, shape (rows,)."""
        condition = self._terms.conditioned(seen.views, seen.actions)
        samples = self._terms.recipe.chains
        made = self._made(self._maker.shown, repeated(condition, samples))
        return mean_of(made.squeeze(-1), samples).clamp(-CLIP, CLIP)

    def train(self, batch: Batch, policy: Policy, given: Tensor) -> None:
        """One step of the judge, one of the maker."""
        del policy, given
        condition = self._terms.conditioned(batch.now, batch.action)
        real = targets(self._terms, batch)[..., None].clone().requires_grad_()
        fake = self._made(self._maker.online, condition)
        said_real = self._said(real, condition)
        slope = torch.autograd.grad(said_real.sum(), real, create_graph=True)[0]
        said_fake = self._said(fake.detach(), condition)
        loss = per_seed(softplus(-said_real), 2) + per_seed(softplus(said_fake), 2)
        self._judge_step.descend(loss + 0.5 * R1 * per_seed(slope**2, 2))
        self._maker_step.descend(per_seed(softplus(-self._said(fake, condition)), 2))
        self._maker.refresh()

    def _made(self, net: Mlp, condition: Tensor) -> Tensor:
        noise = self._dice.normal(condition.shape[-2], self._terms.recipe.latents)
        return net(torch.cat([noise, condition], dim=-1))

    def _said(self, value: Tensor, condition: Tensor) -> Tensor:
        return self._judge(torch.cat([value, condition], dim=-1))

    def parts(self) -> dict[str, Part]:
        """Both networks, the snapshot and both optimisers."""
        return {
            **self._maker.parts("maker"),
            "judge": self._judge,
            "maker_adam": self._maker_step,
            "judge_adam": self._judge_step,
        }

    def dice(self) -> dict[str, Dice]:
        """Noise of the samples."""
        return {"noise": self._dice}
