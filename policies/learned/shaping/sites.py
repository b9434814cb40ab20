"""Reading sites back from a view: quantities in their units, as a potential needs them."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cosim.errors import UsageError
from cosim.gym.codec import Codec
from policies.learned.shaping.kind import Terms

EDGE = 1.0 - 1e-6
"""What is nearer to ±1 than this was cut off: no number stands behind it."""


class SiteReader:
    """Turns the laws of a view round.

    Attributes:
        codec: the layouts of the world.
    """

    def __init__(self, terms: Terms) -> None:
        """Find the world's layouts.

        Raises:
            UsageError: there is no world of the testbed.
        """
        if terms.codec is None:
            raise UsageError(
                f"shaping `{terms.recipe.shaping}` reads a view by name and needs a world of the "
                "testbed"
            )
        self.codec: Codec = terms.codec

    def physical(self, raw: Tensor, name: str) -> Tensor:
        """A quantity in its unit, in the order of the sites, shape (rows, sites or 1)."""
        at = [k for k, each in enumerate(self.codec.view.columns) if each.name == name]
        columns = [self.codec.view.columns[k] for k in at]
        values = raw[..., at]
        if columns[0].law == "soft":
            values = values.clamp(-EDGE, EDGE)
            values = values / (1.0 - values.abs())
        centre = as_tensor(np.array([each.centre for each in columns]))
        return centre + values * as_tensor(np.array([each.width for each in columns]))


def as_tensor(values: NDArray[Any]) -> Tensor:
    """Numbers as networks have them."""
    return torch.from_numpy(np.asarray(values, dtype=np.float32))
