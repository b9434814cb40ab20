"""A potential by hand: what is stored is worth money, and work that cannot end in time costs it.

    Φ(s) = Σ sites [ stored energy · mean price of the next hours · √(round trip)
                     − (backlog beyond what all GPUs do within the least patience)
                       · 2 · what a GPU-second earns ]

The second term counts lost revenue and penalty. Both are read back from the view, so that nothing
is known here that the learner does not see.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cosim.errors import UsageError
from cosim.gym.actions import best_usd_s
from cosim.gym.groups import patience_s
from cosim.gym.reward import full_slot_usd
from policies.learned.batch import Batch
from policies.learned.dice import Dice
from policies.learned.networks import Part
from policies.learned.shaping.kind import Policy, Seen, Terms, no_parts

PRICES = ("price", "price_1h", "price_3h", "price_6h")
EDGE = 1.0 - 1e-6


class Hand:
    """The potential of one world, in rewards."""

    in_rewards = True

    def __init__(self, terms: Terms) -> None:
        if terms.codec is None:
            raise UsageError(
                "shaping `hand` reads a view by name and needs a world of the testbed"
            )
        self._codec = terms.codec
        info = terms.codec.info
        self._kwh = _tensor(info.battery_kwh * np.sqrt(info.battery_efficiency))
        patience = patience_s(terms.codec.groups)
        self._spare_s = _tensor(np.asarray(info.gpus) * patience)
        usd_s = np.zeros(info.n_sites)
        np.maximum.at(usd_s, info.service_site, best_usd_s(info))
        self._usd_s = _tensor(2.0 * info.replicas * usd_s)
        self._scale_usd = full_slot_usd(info)
        self._at = {name: self._columns(name) for name in ("soc", "backlog", *PRICES)}

    def signal(self, seen: Seen) -> Tensor:
        """Φ in rewards, shape (rows,)."""
        price = torch.stack([self._physical(seen.raw, name) for name in PRICES]).mean(dim=0)
        stored_usd = self._physical(seen.raw, "soc") * self._kwh * price
        late_s = (self._physical(seen.raw, "backlog") - self._spare_s).clamp(min=0.0)
        return (stored_usd - late_s * self._usd_s).sum(dim=-1) / self._scale_usd

    def train(self, batch: Batch, policy: Policy, given: Tensor) -> None:
        """There is nothing to learn."""

    def parts(self) -> dict[str, Part]:
        """None."""
        return no_parts()

    def dice(self) -> dict[str, Dice]:
        """None."""
        return {}

    def _columns(self, name: str) -> list[int]:
        """Columns of a quantity, in the order of the sites."""
        return [k for k, each in enumerate(self._codec.view.columns) if each.name == name]

    def _physical(self, raw: Tensor, name: str) -> Tensor:
        """A quantity in its unit, shape (rows, sites): the view's law turned round."""
        at = self._at[name]
        columns = [self._codec.view.columns[k] for k in at]
        values = raw[..., at]
        if columns[0].law == "soft":
            values = values.clamp(-EDGE, EDGE)
            values = values / (1.0 - values.abs())
        centre = _tensor(np.array([each.centre for each in columns]))
        return centre + values * _tensor(np.array([each.width for each in columns]))


def _tensor(values: NDArray[Any]) -> Tensor:
    return torch.from_numpy(np.asarray(values, dtype=np.float32))
