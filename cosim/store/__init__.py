"""The folder of a study: what was run, as files that survive a power cut.

    runs/20260102T030405Z-quickstart-1a2b3c4d/
        manifest.json  scenario.lock.yaml  compare.json  report.html
        home/seed-1/{ledger,jobs,bins}.parquet  run.json  kpis.json

Every file appears complete or not at all. A run counts as finished once its ``kpis.json`` is
there, which is written last; a stop at any point loses only the runs that were being worked on.

    study = cosim.load("runs/…")
    study.kpis                              # pandas: one row per policy and seed
    study.ledger.groupby("site").import_kwh.sum()
"""

from cosim.store.atomic import write_json, write_text
from cosim.store.directory import RunDirectory, new_folder
from cosim.store.names import policy_slug
from cosim.store.study import LoadedStudy, StoredRuns, load
from cosim.store.unit import load_run, save_run, scenario_from_text

__all__ = [
    "LoadedStudy",
    "RunDirectory",
    "StoredRuns",
    "load",
    "load_run",
    "new_folder",
    "policy_slug",
    "save_run",
    "scenario_from_text",
    "write_json",
    "write_text",
]
