"""A potential by hand: what is stored is worth money, and work that cannot end in time costs it.

    Φ(s) = Σ sites [ stored energy · mean price of the next hours · √(round trip)
                     − (backlog beyond what all GPUs do within the least patience)
                       · 2 · what a GPU-second earns ]

The second term counts lost revenue and penalty. Both are read back from the view, so that nothing
is known here that the learner does not see.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from cosim.gym.actions import best_usd_s
from cosim.gym.groups import patience_s
from cosim.gym.reward import full_slot_usd
from policies.learned.batch import Batch
from policies.learned.dice import Dice
from policies.learned.networks import Part
from policies.learned.shaping.kind import Policy, Seen, Terms, no_parts
from policies.learned.shaping.sites import SiteReader, as_tensor

PRICES = ("price", "price_1h", "price_3h", "price_6h")


class Hand:
    """The potential of one world, in rewards."""

    in_rewards = True

    def __init__(self, terms: Terms) -> None:
        self._sites = SiteReader(terms)
        codec = self._sites.codec
        info = codec.info
        self._kwh = as_tensor(info.battery_kwh * np.sqrt(info.battery_efficiency))
        patience = patience_s(codec.groups)
        self._spare_s = as_tensor(np.asarray(info.gpus) * patience)
        usd_s = np.zeros(info.n_sites)
        np.maximum.at(usd_s, info.service_site, best_usd_s(info))
        self._usd_s = as_tensor(2.0 * info.replicas * usd_s)
        self._scale_usd = full_slot_usd(info)

    def signal(self, seen: Seen) -> Tensor:
        """Φ in rewards, shape (rows,)."""
        price = torch.stack([self._sites.physical(seen.raw, name) for name in PRICES]).mean(dim=0)
        stored_usd = self._sites.physical(seen.raw, "soc") * self._kwh * price
        late_s = (self._sites.physical(seen.raw, "backlog") - self._spare_s).clamp(min=0.0)
        return (stored_usd - late_s * self._usd_s).sum(dim=-1) / self._scale_usd

    def train(self, batch: Batch, policy: Policy, given: Tensor) -> None:
        """There is nothing to learn."""

    def parts(self) -> dict[str, Part]:
        """None."""
        return no_parts()

    def dice(self) -> dict[str, Dice]:
        """None."""
        return {}
