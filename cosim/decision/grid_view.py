"""What the grid operator has said: limits in force, calls and outages ahead, the contract's meter.

A :class:`Notice` is seen from the slot at whose beginning it is public; before that nobody knows
of it. Prices and powers of a demand charge stand in the order of ``WorldInfo.demand_charges``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np

from cosim.decision.info import FloatArray

NoticeKind = Literal["limit", "cap", "reduction", "peak"]


class Notice(NamedTuple):
    """Something that the operator of a site's grid has announced.

    Attributes:
        site: index of the site.
        kind: ``limit`` lowers what may flow (an outage: both to 0), ``cap`` and ``reduction`` are
            calls to use less, ``peak`` is a time that counts for charges on system peaks.
        begin_ns: simulated instant at which it begins [ns].
        end_ns: first instant after it [ns].
        public_ns: from when on it is known [ns].
        import_kw_max: import limit or cap in it [kW], inf where it names none.
        export_kw_max: export limit in it [kW], inf where it names none.
        reduction_kw: reduction of the import that a call asks for [kW].
        payment_usd_kwh: paid per kWh of reduction [USD/kWh].
        penalty_usd_kwh: due per kWh above a cap or short of a reduction [USD/kWh].
        firm: whether the connection enforces it: always for a limit, for a cap if it says so.
    """

    site: int
    kind: NoticeKind
    begin_ns: int
    end_ns: int
    public_ns: int
    import_kw_max: float
    export_kw_max: float
    reduction_kw: float = 0.0
    payment_usd_kwh: float = 0.0
    penalty_usd_kwh: float = 0.0
    firm: bool = True


@dataclass(frozen=True)
class GridView:
    """The grid's side of an observation.

    Attributes:
        import_kw_max: import limit in the meter bin that begins now [kW], shape (sites,).
        export_kw_max: export limit likewise [kW], shape (sites,).
        notices: what is announced and not over, by begin and site.
        block_left_kwh: import until a stepped price changes, inf where none does, shape (sites,).
        demand_billed_kw: power that each demand charge has billed already this month, by peak so
            far, minimum or ratchet [kW], shape (sites, charges); inf where a site has fewer, and
            for charges on system peaks, of which notices warn.
        demand_usd_kw: price of the next kW above it, this month [USD/kW], same shape.
        metered_kwh: what each energy charge with steps in its price has metered this month [kWh],
            shape (sites, energy charges); no columns where no site has a contract.
    """

    import_kw_max: FloatArray
    export_kw_max: FloatArray
    notices: tuple[Notice, ...]
    block_left_kwh: FloatArray
    demand_billed_kw: FloatArray
    demand_usd_kw: FloatArray
    metered_kwh: FloatArray = field(default_factory=lambda: np.zeros((0, 0)))
