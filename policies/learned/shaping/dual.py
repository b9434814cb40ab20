"""A potential from hindsight: what stored energy and GPU time were worth on the training days.

    Φ(s) = Σ sites [ stored energy · λ(hour) − GPU time of the work in hand · μ(hour) ]

λ and μ are duals of the best course of each training day, everything known in advance: the water
value of the battery's content and the price of a GPU-second, mean over the days by the hour. Held-
out days have no part in them; where in the day it is, the view says.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from cosim.errors import UsageError
from cosim.gym.reward import full_slot_usd
from policies.learned.batch import Batch
from policies.learned.dice import Dice
from policies.learned.networks import Part
from policies.learned.shaping.kind import Policy, Seen, Terms, no_parts
from policies.learned.shaping.sites import SiteReader, as_tensor

HOURS = 24


class Dual:
    """The potential of one world, in rewards."""

    in_rewards = True

    def __init__(self, terms: Terms) -> None:
        self._sites = SiteReader(terms)
        worths = None if terms.lessons is None else terms.lessons.worths
        if worths is None:
            raise UsageError("shaping `dual` needs training days to look back on: cosim train")
        info = self._sites.codec.info
        self._kwh = as_tensor(info.battery_kwh)
        self._stored_usd_kwh = as_tensor(worths.stored_usd_kwh)
        self._gpu_usd_s = as_tensor(worths.gpu_usd_s)
        self._scale_usd = full_slot_usd(info)

    def signal(self, seen: Seen) -> Tensor:
        """Φ in rewards, shape (rows,)."""
        hour, sites = self._hour(seen.raw), self._sites
        stored = sites.physical(seen.raw, "soc") * self._kwh * self._stored_usd_kwh[hour]
        queued = sites.physical(seen.raw, "backlog") * self._gpu_usd_s[hour]
        return (stored - queued).sum(dim=-1) / self._scale_usd

    def train(self, batch: Batch, policy: Policy, given: Tensor) -> None:
        """There is nothing to learn."""

    def parts(self) -> dict[str, Part]:
        """None."""
        return no_parts()

    def dice(self) -> dict[str, Dice]:
        """None."""
        return {}

    def _hour(self, raw: Tensor) -> Tensor:
        """Hour of the day (UTC), shape (rows,)."""
        sine = self._sites.physical(raw, "clock_sin")[..., 0]
        cosine = self._sites.physical(raw, "clock_cos")[..., 0]
        part: Any = torch.atan2(sine, cosine) / (2.0 * math.pi)
        hour = torch.floor((part % 1.0) * HOURS + 1e-3)
        return hour.long() % HOURS
