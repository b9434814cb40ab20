"""What a battery has beside its cells: a converter, and limits that fall at the ends and in frost.

Each part is a record that ``cosim.physics.battery.Battery`` carries; a battery without a part has
no such loss and no such limit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from cosim.physics.ranges import Range, check_ranges, range_problems, refuse


@dataclass(frozen=True)
class Converter:
    """Power electronics and cell resistance of a ``pcs_ohmic`` battery.

    The curve is a fit to field data of a 1 MW Sungrow SC1000TL (F. Müller, master thesis, TU
    München, as published in SimSES 1.3.12); the resistance is identified on SimSES's Sony LFP
    cell (``tests/oracle/simses_series.py``).

    Attributes:
        rated_kw: P_rated [kW], the power at which x is 1.
        charge_p0: p0 of charging, loss without load per rated power.
        charge_k: K of charging, loss that grows with the square of x.
        discharge_p0: p0 of discharging.
        discharge_k: K of discharging.
        charge_ohm_h: r of charging [h]; r q² / E_nominal is lost in the cells.
        discharge_ohm_h: r of discharging [h].
    """

    rated_kw: float
    charge_p0: float = 0.007701864
    charge_k: float = 0.017290859
    discharge_p0: float = 0.005511580
    discharge_k: float = 0.018772838
    charge_ohm_h: float = 0.04104
    discharge_ohm_h: float = 0.04104

    SOURCE: ClassVar[str] = (
        "Notton et al., Renewable Energy 35 (2010) 541; Sungrow field fit and Sony LFP cell of "
        "SimSES 1.3.12 (Möller et al., J. Energy Storage 44 (2021) 103743)"
    )
    EQUATION: ClassVar[str] = "η(x) = x / (x + p0 + K x²), x = |P| / P_rated; P_dc = q ± r q² / E"
    RANGES: ClassVar[dict[str, Range]] = {
        "rated_kw": Range(0.0, 1e9, "kW", above=True),
        "charge_p0": Range(0.0, 0.1),
        "charge_k": Range(0.0, 0.3),
        "discharge_p0": Range(0.0, 0.1),
        "discharge_k": Range(0.0, 0.3),
        "charge_ohm_h": Range(0.0, 0.25, "h"),
        "discharge_ohm_h": Range(0.0, 0.25, "h"),
    }

    def __post_init__(self) -> None:
        check_ranges(self, self.RANGES)


@dataclass(frozen=True)
class Taper:
    """Straight lines that lower the limit of the cells' power near full and near empty.

    Above the charging knee the highest inflow falls to ``charge_end_share`` of itself at the top
    of the window; below the discharging knee the highest outflow falls likewise. The defaults are
    ours: no source read gives them for a system. End shares start at 1 %: with 0 the end would be
    approached for ever.

    Attributes:
        charge_knee_soc: state of charge above which charging slows; no taper if not below the top
            of the window.
        charge_end_share: share of the highest inflow that is left at the top.
        discharge_knee_soc: state of charge below which discharging slows; none if not above the
            bottom of the window.
        discharge_end_share: share of the highest outflow that is left at the bottom.
    """

    charge_knee_soc: float = 0.8
    charge_end_share: float = 0.2
    discharge_knee_soc: float = 0.2
    discharge_end_share: float = 0.2

    SOURCE: ClassVar[str] = (
        "form: linear limits as in Kazhamiaka et al., Energy Informatics 2 (2019), "
        "doi 10.1186/s42162-019-0070-6, put on the cells' power; values: ours"
    )
    EQUATION: ClassVar[str] = "q ≤ q_max (1 − (1 − share) (SoC − knee) / (end − knee))"
    RANGES: ClassVar[dict[str, Range]] = {
        "charge_knee_soc": Range(0.0, 1.0),
        "charge_end_share": Range(0.01, 1.0),
        "discharge_knee_soc": Range(0.0, 1.0),
        "discharge_end_share": Range(0.01, 1.0),
    }

    def __post_init__(self) -> None:
        check_ranges(self, self.RANGES)


@dataclass(frozen=True)
class Derating:
    """Temperatures of the cells between which the power limits hold in full.

    Between each "stop" and "full" the limit is a straight line, beyond "stop" it is 0. The
    defaults are ours, after what makers of LFP cells commonly allow: charging from 0 °C,
    discharging from −20 °C, both up to 55 °C.

    Attributes:
        charge_cold_stop_c: no charging at or below [°C].
        charge_cold_full_c: full charging power from here [°C].
        discharge_cold_stop_c: no discharging at or below [°C].
        discharge_cold_full_c: full discharging power from here [°C].
        hot_full_c: full power up to here [°C].
        hot_stop_c: no power from here [°C].
    """

    charge_cold_stop_c: float = 0.0
    charge_cold_full_c: float = 10.0
    discharge_cold_stop_c: float = -20.0
    discharge_cold_full_c: float = 0.0
    hot_full_c: float = 45.0
    hot_stop_c: float = 55.0

    SOURCE: ClassVar[str] = "ours, after the usual limits of LFP cells"
    EQUATION: ClassVar[str] = "P_max(T) = P_max min(ramp_cold(T), ramp_hot(T))"
    RANGES: ClassVar[dict[str, Range]] = dict.fromkeys(
        (
            "charge_cold_stop_c",
            "charge_cold_full_c",
            "discharge_cold_stop_c",
            "discharge_cold_full_c",
            "hot_full_c",
            "hot_stop_c",
        ),
        Range(-60.0, 100.0, "°C"),
    )

    def __post_init__(self) -> None:
        problems = range_problems(self, self.RANGES)
        rising = (
            ("charge_cold_stop_c", "charge_cold_full_c"),
            ("charge_cold_full_c", "hot_full_c"),
            ("discharge_cold_stop_c", "discharge_cold_full_c"),
            ("discharge_cold_full_c", "hot_full_c"),
            ("hot_full_c", "hot_stop_c"),
        )
        for lower, upper in rising:
            low, high = getattr(self, lower), getattr(self, upper)
            if not low < high:
                problems.append(f"Derating.{lower} = {low!r}: must be below {upper} = {high!r} °C")
        refuse(problems)
