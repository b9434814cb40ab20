"""What a bill is made from and what it looks like: the meter's readings in, itemised rows out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from cosim.physics.local_time import LocalTime
from cosim.physics.ranges import refuse
from cosim.physics.tariff_records import Tariff

Floats = NDArray[np.float64]
Kind = Literal["energy", "export", "demand", "fixed", "true_up", "carbon"]
KINDS: tuple[Kind, ...] = ("energy", "export", "demand", "fixed", "true_up", "carbon")


@dataclass(frozen=True)
class Usage:
    """What the meter read over the steps of a run, and what the contract carries into it.

    Attributes:
        local: calendar of the steps.
        import_kwh: energy bought in each step [kWh], at least 0, shape (steps,).
        export_kwh: energy sold in each step [kWh], at least 0, shape (steps,).
        series: price series by name [USD/kWh], each of shape (steps,).
        coincident: steps that the grid operator names as system peaks, shape (steps,).
        carbon_g_kwh: intensity of imported energy [g/kWh], shape (steps,).
        past_peaks_kw: for each demand charge the peaks of preceding months, oldest first [kW].
        bank_kwh: for each energy charge, and for ``*`` (all hours), the surplus that net metering
            carries in [kWh]; the ``bank_kwh`` of the bill before.
        closes: True if surplus that is still carried at the end is paid out.
    """

    local: LocalTime
    import_kwh: Floats
    export_kwh: Floats
    series: Mapping[str, Floats] = field(default_factory=dict)
    coincident: NDArray[np.bool_] | None = None
    carbon_g_kwh: Floats | None = None
    past_peaks_kw: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    bank_kwh: Mapping[str, float] = field(default_factory=dict)
    closes: bool = True

    def __post_init__(self) -> None:
        arrays = {
            "import_kwh": self.import_kwh,
            "export_kwh": self.export_kwh,
            "coincident": self.coincident,
            "carbon_g_kwh": self.carbon_g_kwh,
            **{f"series[{name!r}]": values for name, values in self.series.items()},
        }
        refuse([line for name, a in arrays.items() for line in self._problems(name, a)])

    def _problems(self, name: str, values: NDArray[np.generic] | None) -> list[str]:
        if values is None:
            return []
        if values.shape != (self.local.count,):
            return [f"Usage.{name} has shape {values.shape}: must be ({self.local.count},)"]
        if not np.isfinite(values).all():
            return [f"Usage.{name} is not finite in {int((~np.isfinite(values)).sum())} steps"]
        if name.endswith("port_kwh") and values.min() < 0:
            return [f"Usage.{name} falls to {values.min()}: must be at least 0 kWh"]
        return []


def check_usage(tariff: Tariff, usage: Usage) -> None:
    """Raise ValueError for every series that the tariff names and the usage lacks."""
    wanted = {charge.name: charge.series for charge in tariff.energy}
    wanted |= {credit.name: credit.series for credit in tariff.export}
    known = ", ".join(usage.series) or "none"
    problems = [
        f"charge {name!r} needs the price series {series!r}; given: {known}"
        for name, series in wanted.items()
        if series is not None and series not in usage.series
    ]
    problems += [
        f"demand charge {charge.name!r} needs the steps of the system's peaks"
        for charge in tariff.demand
        if charge.kind == "coincident" and usage.coincident is None
    ]
    if tariff.carbon_usd_t > 0.0 and usage.carbon_g_kwh is None:
        problems.append("a carbon price needs the intensity of imported energy")
    refuse(problems)


@dataclass(frozen=True)
class BillRow:
    """One line of a bill.

    Attributes:
        month_key: 12 · year + month − 1.
        kind: which of ``KINDS``.
        item: name of the charge and, where it has several, its block.
        quantity: energy [kWh], power [kW], months, or carbon [kg].
        unit: unit of the quantity.
        usd: cost, − a credit [USD].
    """

    month_key: int
    kind: Kind
    item: str
    quantity: float
    unit: str
    usd: float


@dataclass(frozen=True)
class Bill:
    """A settled bill: rows for people, and the same money by step for the ledger.

    Attributes:
        rows: itemised, month by month.
        step_usd: for each of ``KINDS`` what is booked in each step [USD], − a credit. Demand is
            booked when the month's peak rises, fixed charges in a month's first step, true-ups in
            its last. The sum over everything is the total of the rows.
        peaks_kw: for each demand charge the peak of each month, oldest first [kW].
        bank_kwh: for each energy charge, and for ``*``, the surplus carried on [kWh].
    """

    rows: tuple[BillRow, ...]
    step_usd: dict[Kind, Floats]
    peaks_kw: dict[str, tuple[float, ...]]
    bank_kwh: dict[str, float]

    @property
    def total_usd(self) -> float:
        """Sum of all rows [USD]."""
        return float(sum(row.usd for row in self.rows))

    def kind_usd(self, kind: Kind) -> float:
        """Sum of the rows of one kind [USD]."""
        return float(sum(row.usd for row in self.rows if row.kind == kind))
