"""Make ``tests/data/simses_week.csv``: a week of set-points in SimSES, for two system sizes.

SimSES (BSD-3-Clause, doi 10.1016/j.est.2021.103743) is an independent simulator of storage
systems. Here it models a Sungrow converter and Sony LFP cells (equivalent circuit with measured
resistance) at 25 °C without housing, air conditioning or ageing, in steps of one minute, while
set-points last 15 minutes. They are drawn at random, one in ten is zero, and a set-point that
would leave 15 to 85 % of charge changes its sign, so that no limit is met.

Run it where SimSES 1.3.12 is installed, apart from the testbed:

    python tests/oracle/simses_series.py series tests/data/simses_week.csv
    python tests/oracle/simses_series.py identify

``identify`` fits the resistance in ``cosim.physics.battery_parts.Converter`` to four other weeks
of each system; the weeks in the file take no part in it.
"""

import sys
import tempfile
from configparser import ConfigParser
from pathlib import Path

import numpy as np

ENERGY_KWH = 1000.0
SLOT_S, STEP_S, SLOTS = 900, 60, 7 * 96
START_UTC_S = 1388534400
SERIES_SEED, IDENTIFY_SEEDS = 7, (1, 2, 3, 4)
# Notton form, Sungrow field fit (SimSES 1.3.12, sungrow.py): p0 and K of charging, discharging
CHARGE, DISCHARGE = (0.007701864, 0.017290859), (0.005511580, 0.018772838)


def simulation(power_kw, folder):
    """Return a SimSES system of ``ENERGY_KWH`` at half charge behind a converter of this size."""
    from simses.simulation.simulator import StorageSimulation

    config = ConfigParser()
    config.read_dict(
        {
            "GENERAL": {"START": "2014-01-01 00:00:00", "END": "2014-01-08 00:00:00"}
            | {"TIME_STEP": str(STEP_S), "LOOP": "1", "EXPORT_DATA": "False"},
            "BATTERY": {"START_SOC": "0.5", "EXACT_SIZE": "True"},
            "STORAGE_SYSTEM": {
                "STORAGE_SYSTEM_AC": f"system_1,{power_kw * 1e3},600,grid,no_housing,no_hvac",
                "ACDC_CONVERTER": "grid,SungrowAcDcConverter",
                "STORAGE_SYSTEM_DC": "system_1,no_loss,storage_1",
                "STORAGE_TECHNOLOGY": f"storage_1,{ENERGY_KWH * 1e3},lithium_ion,SonyLFP",
                "DCDC_CONVERTER": "no_loss,NoLossDcDcConverter",
                "THERMAL_SIMULATION": "False",
                "CYCLE_DETECTOR": "NoCycleDetector",
            },
        }
    )
    return StorageSimulation(f"{folder}/", config)


def week(power_kw, seed):
    """Return (set-points [kW, + charging as SimSES counts], state of charge after each)."""
    rng = np.random.default_rng(seed)
    asked_kw, soc = np.zeros(SLOTS), np.zeros(SLOTS)
    with tempfile.TemporaryDirectory() as folder:
        system = simulation(power_kw, folder)
        time_s = START_UTC_S
        for slot in range(SLOTS):
            order_kw = round(rng.uniform(-1, 1) * power_kw) * (rng.random() >= 0.1)
            moved = order_kw * SLOT_S / 3600 / ENERGY_KWH
            if not 0.15 < system.state.soc + moved < 0.85:
                order_kw = -order_kw
            for _ in range(SLOT_S // STEP_S):
                time_s += STEP_S
                system.run_one_step(time_s, power=order_kw * 1e3)
                given_kw = system.state.ac_power_delivered / 1e3
                if abs(given_kw - order_kw) > 1e-6:
                    sys.exit(f"slot {slot}: SimSES gave {given_kw} kW for {order_kw} kW")
            asked_kw[slot], soc[slot] = order_kw, system.state.soc
    return asked_kw, soc


def modelled_soc(asked_kw, power_kw, ohm_h):
    """Return the state of charge by the law of ``pcs_ohmic``, written out once more."""
    x = np.abs(asked_kw) / power_kw
    loss = [p0 + k * x * x for p0, k in (CHARGE, DISCHARGE)]
    with np.errstate(invalid="ignore"):
        in_kw = np.where(asked_kw > 0, asked_kw * x / (x + loss[0]), 0.0)
    out_kw = np.where(asked_kw < 0, power_kw * (x + loss[1]), 0.0)
    in_kw = 2 * in_kw / (1 + np.sqrt(1 + 4 * ohm_h * in_kw / ENERGY_KWH))
    out_kw = 2 * out_kw / (1 + np.sqrt(1 - 4 * ohm_h * out_kw / ENERGY_KWH))
    return 0.5 + np.cumsum(in_kw - out_kw) * SLOT_S / 3600 / ENERGY_KWH


def identify():
    """Print the resistance that fits four other weeks of both systems best.

    One for both directions: a pair is hardly better and hardly determined, since in a week charge
    and discharge balance and only the sum shows.
    """
    from scipy.optimize import least_squares

    weeks = [(p, *week(p, seed)) for p in (500.0, 1000.0) for seed in IDENTIFY_SEEDS]
    fit = least_squares(
        lambda r: np.concatenate([modelled_soc(a, p, r) - soc for p, a, soc in weeks]), 0.04
    )
    sys.stdout.write(f"ohm_h = {fit.x[0]:.5f}\n")
    for power_kw, asked_kw, soc in weeks:
        error = modelled_soc(asked_kw, power_kw, fit.x) - soc
        rmse, most = np.sqrt(np.mean(error**2)), np.max(np.abs(error))
        sys.stdout.write(f"{power_kw:g} kW: RMSE {rmse:.5f}, max {most:.5f}\n")


def series(path):
    """Write the two weeks of the test."""
    half, full = week(500.0, SERIES_SEED), week(1000.0, SERIES_SEED)
    head = "asked_500_kw,soc_500,asked_1000_kw,soc_1000"
    note = "# SimSES 1.3.12, 1000 kWh; made by tests/oracle/simses_series.py; kW + discharging"
    rows = [f"{-a:.0f},{s:.7f},{-b:.0f},{t:.7f}" for a, s, b, t in zip(*half, *full, strict=True)]
    Path(path).write_text("\n".join([note, head, *rows, ""]), encoding="utf-8")


if __name__ == "__main__":
    if sys.argv[1:] == ["identify"]:
        identify()
    elif sys.argv[1:2] == ["series"] and len(sys.argv) == 3:
        series(sys.argv[2])
    else:
        sys.exit(__doc__)
