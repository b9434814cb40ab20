"""What a learner sees: an observation as numbers in [−1, 1], and the table of what is what.

A view begins with what all sites share and goes on with one block per site, all alike, so that one
network can serve every site. Every number is brought to [−1, 1] by a fixed physical range, the
same on all days: in proportion and cut off at the ends (``linear``), or as z/(1 + |z|) with
z = (value − centre)/width (``soft``), which is never cut off.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from cosim.decision import Observation, WorldInfo
from cosim.decision.info import FloatArray, IntArray
from cosim.gym.families import Family, Law, clock_families
from cosim.gym.groups import Groups
from cosim.gym.site_families import SiteFamilies
from cosim.gym.tables import Cell, text_table

Float32Array = NDArray[np.float32]


@dataclass(frozen=True)
class Column:
    """One number of a view.

    Attributes:
        name: e.g. ``backlog``.
        unit: unit of the physical quantity.
        site: whose it is, None where all sites share it.
        shared: whether agents of other sites may see it.
        law: ``linear`` or ``soft``.
        centre: physical value that becomes 0.
        width: distance from there to what becomes ±1 (``linear``) or ±½ (``soft``).
        meaning: one sentence.
    """

    name: str
    unit: str
    site: str | None
    shared: bool
    law: Law
    centre: float
    width: float
    meaning: str


class View:
    """The layout of a view.

    Attributes:
        columns: one per number, in order.
    """

    def __init__(self, info: WorldInfo, groups: Groups, *, holds: bool) -> None:
        """Lay out what is seen of a world.

        Args:
            info: the world.
            groups: groups of job classes whose arrivals are told apart.
            holds: whether jobs can be held.
        """
        self._info = info
        self._common = clock_families()
        self._own = SiteFamilies(info, groups).all(holds=holds)
        self.columns = tuple(self._columns())

    def __len__(self) -> int:
        return len(self.columns)

    def encode(self, observation: Observation) -> Float32Array:
        """Return an observation as a view, shape (columns,)."""
        common = [each.mapped(observation)[0] for each in self._common]
        own = np.array([each.mapped(observation) for each in self._own])
        return np.concatenate([common, own.T.ravel()]).astype(np.float32)

    def of_site(self, site: int, *, distributed: bool = True) -> IntArray:
        """Numbers of the columns that the agent of a site may see, its own first.

        Args:
            site: the site.
            distributed: without what is private to other sites (JEMAS: never another provider's
                internals); else everything.

        Returns:
            Its own block, what all sites share, then the other sites' blocks in turn from the
            next one on, so that every agent sees the others in the same places.
        """
        sites, common = self._info.n_sites, len(self._common)
        blocks = [self._block((site + k) % sites) for k in range(sites)]
        others = [
            column
            for block in blocks[1:]
            for column in block
            if self.columns[column].shared or not distributed
        ]
        return np.array([*blocks[0], *range(common), *others], dtype=np.int64)

    def table(self) -> str:
        """The table of all columns as text."""
        rows: list[list[Cell]] = [
            [
                k,
                each.site or "all",
                each.name,
                each.unit,
                "shared" if each.shared else "private",
                each.law,
                each.centre,
                each.width,
                each.meaning,
            ]
            for k, each in enumerate(self.columns)
        ]
        heads = ("#", "site", "name", "unit", "seen by", "law", "centre", "width", "meaning")
        return text_table(heads, rows)

    # for compiled code ------------------------------------------------------------------

    @cached_property
    def live(self) -> IntArray:
        """Columns that depend on the run: column, kind, site, index; shape (live, 4)."""
        rows = [
            (self._block(site)[k], each.live[0], site, each.live[1])
            for site in range(self._info.n_sites)
            for k, each in enumerate(self._own)
            if each.live is not None
        ]
        return np.array(rows, dtype=np.int64).reshape(-1, 4)

    @cached_property
    def maps(self) -> FloatArray:
        """How each of them is brought to [−1, 1]: soft?, centre, width; shape (live, 3)."""
        columns = [self.columns[k] for k in self.live[:, 0].tolist()]
        rows = [(float(each.law == "soft"), each.centre, each.width) for each in columns]
        return np.array(rows, dtype=np.float64).reshape(-1, 3)

    # inside -----------------------------------------------------------------------------

    def _block(self, site: int) -> range:
        first = len(self._common) + site * len(self._own)
        return range(first, first + len(self._own))

    def _columns(self) -> list[Column]:
        common = [_column(each, None, 0) for each in self._common]
        sites = enumerate(self._info.sites)
        return common + [_column(each, name, i) for i, name in sites for each in self._own]


def _column(family: Family, site: str | None, at: int) -> Column:
    return Column(
        family.name,
        family.unit,
        site,
        family.shared,
        family.law,
        float(family.centre[at]),
        float(family.width[at]),
        family.meaning,
    )
