"""Write tests/data/energyplus_chiller.csv: what EnergyPlus says an air-cooled chiller draws.

EnergyPlus 25.2 runs its own ASHRAE 90.1-2019 secondary school in the typical weather of Phoenix
(January, April and July) and reports its chiller at every step; one step in twelve is kept. Needs
the package that brings the engine, model and weather, in an environment of its own:

    pip install pyenergyplus-lbnl==26.1.0
    python tests/oracle/make_energyplus_chiller.py
"""

import csv
import re
import tempfile
from pathlib import Path

MODEL = "model/ASHRAE901_SchoolSecondary_STD2019_Denver.idf"
WEATHER = "weather/USA_AZ_Phoenix-Sky.Harbor.Intl.AP.722780_TMY3.epw"
WATER_C = 6.7
NAMES = {
    "Chiller Electricity Rate": "power_w",
    "Chiller Evaporator Cooling Rate": "heat_w",
    "Chiller Condenser Inlet Temperature": "condenser_c",
    "Chiller Evaporator Outlet Temperature": "water_c",
}
TARGET = Path(__file__).parents[1] / "data/energyplus_chiller.csv"


def run(folder: Path) -> None:
    import pyenergyplus
    from pyenergyplus.api import EnergyPlusAPI

    data = Path(pyenergyplus.__file__).parent / "data"
    wanted = "".join(f"\nOutput:Variable,*,{name},Detailed;\n" for name in NAMES)
    model = folder / "in.idf"
    model.write_text((data / MODEL).read_text(errors="replace") + wanted)
    api = EnergyPlusAPI()
    order = ["-w", str(data / WEATHER), "-d", str(folder), str(model)]
    if api.runtime.run_energyplus(api.state_manager.new_state(), order) != 0:
        raise SystemExit("EnergyPlus failed: see its eplusout.err")


def steps(report: Path) -> list[dict[str, float]]:
    columns: dict[int, str] = {}
    found: list[dict[str, float]] = []
    for line in report.read_text(errors="replace").splitlines():
        number, _, rest = line.partition(",")
        head = re.match(r"\d+,COOLSYS1 CHILLER,([^\[]+) \[", rest)
        if head and head[1] in NAMES:
            columns[int(number)] = NAMES[head[1]]
        elif number == "2":
            found.append({})
        elif found and number.isdigit() and int(number) in columns:
            found[-1][columns[int(number)]] = float(rest.split(",")[0])
    return [step for step in found if len(step) == len(NAMES)]


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        run(Path(name))
        running = [step for step in steps(Path(name) / "eplusout.eso") if step["heat_w"] > 1.0]
    held = [step for step in running if abs(step["water_c"] - WATER_C) < 1e-9]
    with TARGET.open("w", encoding="utf-8", newline="") as file:
        out = csv.DictWriter(file, list(NAMES.values()), lineterminator="\n")
        out.writeheader()
        out.writerows(held[::12])


if __name__ == "__main__":
    main()
