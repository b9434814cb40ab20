"""What a supply contract asks for beyond a price per kWh: amounts above thresholds, at a price.

A demand charge prices the kW by which an interval's mean import exceeds what is billed already, a
tier the kWh beyond its beginning, a cap the kWh above it, a called reduction the kWh short of it,
net metering the surplus that nobody pays. All of them are

    over_k ≥ Σ value · flow − limit    for every row of k,    least_k ≤ over_k ≤ most_k

at a price per unit of over_k, exact as long as prices rise. A row whose limit is infinite sleeps,
so that a rolling plan keeps its program while months, notices and peaks come and go.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from cosim.optimise.energy import EnergySide
from cosim.optimise.program import FloatArray, IntArray, Layout
from cosim.optimise.solver import Solver

METERED, BUY, SELL = range(3)
"""Flows: what the contract meters as bought (the whole load where it is bought apart), what flows
in, what flows out."""


@dataclass(frozen=True)
class Charges:
    """Charges of all sites as numbers; all arrays in the order in which they were noted.

    Attributes:
        usd: price of a unit of each over, shape (overs,).
        least: least of each, same shape.
        most: most of each, same shape.
        row_over: over of each row, shape (rows,).
        limit: what is free of charge in each row, shape (rows,); inf where the row sleeps.
        entries: row, flow, site and period of each coefficient, shape (4, entries).
        value: the coefficients, shape (entries,).
        certain_usd: what is due or paid whatever happens.
    """

    usd: FloatArray
    least: FloatArray
    most: FloatArray
    row_over: IntArray
    limit: FloatArray
    entries: IntArray
    value: FloatArray
    certain_usd: float


class ChargeBook:
    """Notes charges one by one; :meth:`charges` puts them together."""

    def __init__(self) -> None:
        self._overs: list[tuple[float, float, float]] = []
        self._rows: list[tuple[int, float]] = []
        self._entries: list[tuple[IntArray, FloatArray]] = []
        self.certain_usd = 0.0

    def over(self, usd: float, *, least: float = 0.0, most: float = np.inf) -> int:
        """Note an amount at a price; returns its number."""
        self._overs.append((usd, least, most))
        return len(self._overs) - 1

    def row(self, over: int, limit: float) -> int:
        """Note what an amount has to exceed; returns the number of the row."""
        self._rows.append((over, limit))
        return len(self._rows) - 1

    def add(
        self, row: int, flow: int, site: int, periods: Sequence[int] | IntArray, value: ArrayLike
    ) -> None:
        """Add a flow of a site in some periods to a row, times a value each."""
        at = np.asarray(periods, dtype=np.int64)
        where = np.stack([np.full(at.shape, number) for number in (row, flow, site)] + [at])
        values = np.broadcast_to(np.asarray(value, dtype=np.float64), at.shape)
        self._entries.append((where, values))

    def charges(self) -> Charges:
        """Put together what was noted."""
        overs = np.array(self._overs, dtype=np.float64).reshape(-1, 3)
        rows = np.array(self._rows, dtype=np.float64).reshape(-1, 2)
        return Charges(
            usd=overs[:, 0],
            least=overs[:, 1],
            most=overs[:, 2],
            row_over=rows[:, 0].astype(np.int64),
            limit=rows[:, 1],
            entries=np.concatenate(
                [np.zeros((4, 0), dtype=np.int64), *(e[0] for e in self._entries)], axis=1
            ),
            value=np.concatenate([np.zeros(0), *(e[1] for e in self._entries)]),
            certain_usd=self.certain_usd,
        )


class ChargeSide:
    """Columns and rows of charges in a program.

    Args:
        layout: the program.
        energy: its electrical side.
        charges: the charges; later ones must have the same rows and entries.

    Attributes:
        over: the amounts that are charged, shape (overs,).
    """

    def __init__(self, layout: Layout, energy: EnergySide, charges: Charges) -> None:
        self.over = layout.columns(charges.usd.shape)
        self._rows = layout.rows(charges.limit.shape)
        self._row, flow, site, period = charges.entries
        flows = np.stack([energy.metered, energy.buy, energy.sell])
        self._column = flows[flow, site, period]
        layout.add(self._rows, self.over[charges.row_over], -1.0)
        layout.add(self._rows[self._row], self._column, charges.value)
        self._value = charges.value

    def fill(self, solver: Solver, charges: Charges) -> None:
        """Put in prices, limits, and the coefficients that have changed."""
        solver.set_gain(self.over, -charges.usd)
        solver.set_range(self.over, charges.least, charges.most)
        solver.set_sides(self._rows, -np.inf, charges.limit)
        new = charges.value != self._value
        if new.any():
            solver.set_coefficients(
                self._rows[self._row[new]], self._column[new], charges.value[new]
            )
        self._value = charges.value
