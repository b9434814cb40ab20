"""One agent per site, all of one mind: shared weights, each with its own view and its own part.

The agent of a site sees its own row, what all share, and what others publish
(:meth:`cosim.gym.views.View.of_site`); it says the numbers that are about its site: prices and
steps of its services, its clock, its battery. Of what concerns all, e.g. the margin before
deadlines, each says its opinion and the mean holds. Before tanh,

    joint action = pool · (part of agent 1, part of agent 2, …)

with the pool a matrix whose rows add up to 1. Critics see everything, but only in training.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cosim.gym.codec import Codec

Float32Array = NDArray[np.float32]
IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class Agents:
    """Who sees what and who says what.

    Attributes:
        columns: columns that each agent sees, its own first, shape (agents, numbers seen).
        pool: how parts make the joint action, shape (coordinates, agents · numbers said).
    """

    columns: IntArray
    pool: Float32Array

    @property
    def seen(self) -> int:
        """Numbers that an agent sees."""
        return int(self.columns.shape[1])

    @property
    def said(self) -> int:
        """Numbers that an agent says."""
        return int(self.pool.shape[1]) // len(self.columns)

    def tensors(self) -> dict[str, NDArray[Any]]:
        """Both as arrays of a checkpoint; numbers of columns are small whole numbers."""
        return {"agents.columns": self.columns.astype(np.float32), "agents.pool": self.pool}


def agents_of(codec: Codec) -> Agents:
    """Lay out the agents of a world.

    Sites with fewer services or levers than others leave some of what their agent says unread.
    """
    info, action = codec.info, codec.action
    columns = np.stack([codec.view.of_site(site) for site in range(info.n_sites)])
    names: list[tuple[str, int]] = []
    said: list[list[int]] = []
    for coordinate, (owners, name) in enumerate(_owners(codec)):
        said.append([])
        for site, k in owners:
            if (name, k) not in names:
                names.append((name, k))
            said[coordinate].append(site * 10_000 + names.index((name, k)))
    pool = np.zeros((len(action), info.n_sites * len(names)), np.float32)
    for coordinate, places in enumerate(said):
        for place in places:
            site, k = divmod(place, 10_000)
            pool[coordinate, site * len(names) + k] = 1.0 / len(places)
    return Agents(columns, pool)


def _owners(codec: Codec) -> list[tuple[list[tuple[int, int]], str]]:
    """Of each coordinate: the sites that say it, with which of their services; and its name."""
    info, action = codec.info, codec.action
    found: list[tuple[list[tuple[int, int]], str]] = []
    for each in action.coordinates:
        group, arrow, place = each.place.partition(" → ")
        place = place if arrow else each.place
        name = f"{each.name} {group}" if arrow else each.name
        if place in info.sites:
            found.append(([(info.sites.index(place), 0)], name))
        elif place in info.services:
            service = info.services.index(place)
            site = int(info.service_site[service])
            here = np.flatnonzero(info.service_site == site).tolist()
            found.append(([(site, here.index(service))], name))
        else:
            found.append(([(site, 0) for site in range(info.n_sites)], f"{name} {place}"))
    return found
