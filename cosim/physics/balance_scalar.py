"""One bin's power balance at the connection, compiled: grid, backup generator, curtailment.

Where the grid cannot give, the generator does, and what remains is unserved; where it cannot
take, the rest is curtailed. An island is a bin whose limits are 0.
"""

from __future__ import annotations

from cosim.physics.backup_scalar import Row, backup
from cosim.physics.scalar import scalar


@scalar
def balance(
    generator: Row,
    net_kw: float,
    import_max_kw: float,
    export_max_kw: float,
    called_kw: float,
    warm_h: float,
    left_h: float,
    hours: float,
) -> tuple[float, float, float, float, float, float, float, float, float, float, float]:
    """Return a bin's exchange; see :func:`cosim.physics.balance.balance`.

    Returns (import, export, curtailed, backup, spilled, unserved [kW], fuel [kWh], cost [USD],
    carbon [kg], warm [h], left [h]).
    """
    need_kw, surplus_kw = max(net_kw, 0.0), max(-net_kw, 0.0)
    asked_kw = max(need_kw - import_max_kw, min(called_kw, need_kw))
    made_kw, on_h, fuel_kwh, cost_usd, carbon_kg, warm_h, left_h = backup(
        generator, asked_kw, warm_h, left_h, hours
    )
    share = on_h / hours
    used_kw = min(made_kw, need_kw)
    # with the generator on, and in the part of the interval in which it is not (yet) on
    on_kw, off_kw = min(need_kw - used_kw, import_max_kw), min(need_kw, import_max_kw)
    import_kw = off_kw + share * (on_kw - off_kw)
    dark_on_kw, dark_off_kw = need_kw - used_kw - on_kw, need_kw - off_kw
    unserved_kw = dark_off_kw + share * (dark_on_kw - dark_off_kw)
    export_kw = min(surplus_kw, export_max_kw)
    return (
        import_kw,
        export_kw,
        surplus_kw - export_kw,
        share * made_kw,
        share * (made_kw - used_kw),
        unserved_kw,
        fuel_kwh,
        cost_usd,
        carbon_kg,
        warm_h,
        left_h,
    )
