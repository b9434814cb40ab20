"""SimSES in the place of a battery: an independent, slower and finer model for single studies.

SimSES (BSD-3-Clause, doi 10.1016/j.est.2021.103743) keeps its state inside and only goes forward:
a battery here is an object that is advanced slot by slot, not a function of a state. A step costs
about a millisecond, a thousand times ``pcs_ohmic``, which agrees with it to a few tenths of a per
cent of charge over a week. Needs the extra ``bess``; SimSES opens a log, ``simses.log``, in the
folder where Python was started.

    battery = SimsesBattery(capacity_kwh=1000.0, rated_kw=500.0)
    battery.advance(-200.0, duration_h=0.25).stored_kwh
"""

from __future__ import annotations

import math
import tempfile
from configparser import ConfigParser
from typing import Any

from cosim.errors import UsageError
from cosim.physics.battery import BatteryStep
from cosim.physics.ranges import Range, refuse

_START_UTC_S = 1388534400  # 2014-01-01, where SimSES's own profiles start
_POSITIVE = Range(0.0, 1e9, above=True)
_TOLERANCE = 1e-9


class SimsesBattery:
    """A Sungrow converter and Sony LFP cells at 25 °C, as SimSES models them, without ageing.

    Attributes:
        capacity_kwh: energy between empty and full [kWh].
        rated_kw: highest power at the site, both ways [kW].
    """

    def __init__(
        self, capacity_kwh: float, rated_kw: float, *, soc: float = 0.5, step_s: int = 60
    ) -> None:
        """Build the system.

        Args:
            capacity_kwh: energy between empty and full [kWh], above 0.
            rated_kw: converter power [kW], above 0.
            soc: state of charge at the start, 0 to 1.
            step_s: SimSES's step [s], a whole number; it divides every duration.
        """
        problems = [
            f"SimsesBattery.{name} = {value!r}: must be {allowed}"
            for name, value, allowed in (
                ("capacity_kwh", capacity_kwh, _POSITIVE),
                ("rated_kw", rated_kw, _POSITIVE),
                ("soc", soc, Range(0.0, 1.0)),
                ("step_s", step_s, Range(1, 3600, "s")),
            )
            if not allowed.holds(value)
        ]
        refuse(problems)
        self.capacity_kwh, self.rated_kw = capacity_kwh, rated_kw
        self._step_s, self._time_s = step_s, _START_UTC_S
        self._system = _system(capacity_kwh, rated_kw, soc, step_s)

    @property
    def stored_kwh(self) -> float:
        """Energy inside now [kWh]."""
        return float(self._system.state.soc) * self.capacity_kwh

    def feasible_range_kw(self, duration_h: float) -> tuple[float, float]:
        """Return (most charging, most discharging) that content allows for so long [kW].

        SimSES cannot look ahead: losses are left out when charging, so a power at the edge may
        fill the battery a little later than the interval ends, and taken at 10 % when discharging.
        """
        self._steps(duration_h)
        room_kw = (self.capacity_kwh - self.stored_kwh) / duration_h
        charge_kw = min(self.rated_kw, max(0.0, room_kw))
        return -charge_kw, min(self.rated_kw, 0.9 * self.stored_kwh / duration_h)

    def advance(self, power_kw: float, duration_h: float) -> BatteryStep:
        """Ask a power for an interval, + discharging; returns what SimSES delivered.

        Args:
            power_kw: asked power at the site [kW]; clipped to the converter's.
            duration_h: length of the interval [h], a multiple of the step.
        """
        refuse([] if math.isfinite(power_kw) else [f"power_kw = {power_kw!r}: must be finite"])
        before_kwh, charged_kwh, discharged_kwh = self.stored_kwh, 0.0, 0.0
        asked_kw = min(self.rated_kw, max(-self.rated_kw, power_kw))
        for _ in range(self._steps(duration_h)):
            self._time_s += self._step_s
            self._system.run_one_step(self._time_s, power=-asked_kw * 1e3)
            moved_kwh = float(self._system.state.ac_power_delivered) / 1e3 * self._step_s / 3600
            charged_kwh += max(0.0, moved_kwh)
            discharged_kwh += max(0.0, -moved_kwh)
        change_kwh = self.stored_kwh - before_kwh
        mean_kw = (discharged_kwh - charged_kwh) / duration_h
        limited = abs(power_kw) - abs(mean_kw) > 1e-6 * abs(power_kw)
        loss_kwh = charged_kwh - discharged_kwh - change_kwh
        return BatteryStep(
            self.stored_kwh, mean_kw, charged_kwh, discharged_kwh, loss_kwh, limited
        )

    def _steps(self, duration_h: float) -> int:
        steps = duration_h * 3600.0 / self._step_s
        whole = round(steps) if math.isfinite(steps) else 0
        if whole < 1 or abs(steps - whole) > _TOLERANCE * whole:
            raise ValueError(
                f"duration_h = {duration_h!r}: must be a multiple of step_s = {self._step_s} s"
            )
        return whole


def _system(capacity_kwh: float, rated_kw: float, soc: float, step_s: int) -> Any:
    """Return SimSES's simulation; it writes a note about itself into a folder that is dropped."""
    try:
        from simses.simulation.simulator import StorageSimulation
    except ImportError as error:
        raise UsageError("SimSES is not installed: pip install 'cosim-testbed[bess]'") from error
    config = ConfigParser()
    config.read_dict(
        {
            "GENERAL": {"START": "2014-01-01 00:00:00", "END": "2014-12-31 00:00:00"}
            | {"TIME_STEP": str(step_s), "LOOP": "1", "EXPORT_DATA": "False"},
            "BATTERY": {"START_SOC": str(soc), "EXACT_SIZE": "True"},
            "STORAGE_SYSTEM": {
                "STORAGE_SYSTEM_AC": f"system_1,{rated_kw * 1e3},600,grid,no_housing,no_hvac",
                "ACDC_CONVERTER": "grid,SungrowAcDcConverter",
                "STORAGE_SYSTEM_DC": "system_1,no_loss,storage_1",
                "STORAGE_TECHNOLOGY": f"storage_1,{capacity_kwh * 1e3},lithium_ion,SonyLFP",
                "DCDC_CONVERTER": "no_loss,NoLossDcDcConverter",
                "THERMAL_SIMULATION": "False",
                "CYCLE_DETECTOR": "NoCycleDetector",
            },
        }
    )
    with tempfile.TemporaryDirectory() as folder:
        return StorageSimulation(f"{folder}/", config)
