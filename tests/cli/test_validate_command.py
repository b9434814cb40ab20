"""Does ``cosim validate`` say everything that is wrong, where, and fast?"""

import json
import os
import resource
import subprocess
import sys

import pytest

FIVE = """\
name: five
clock: {start: 2019-04-22T00:00:00, days: 1}
models:
  small: {quality: {kind: sigmoid, a: 0.26, c0: 10}, value_usd: 0.02}
sites:
  potsdam:
    location: {lat_deg: 52.4, lon_deg: 13.1}
    models: [smal]
    gpus: {kind: a100, count: 8}
    cooling: {kind: constant, pue: 1.2}
    batery: {capacity_kwh: 8}
    battery: {capacity_kwh: -4, charge_kw_max: 1, discharge_kw_max: 1}
    grid:
      price: price/dayahead_de_fr_nl_be_2018:price_de_eur_mwh
      carbon: {kind: flat, g_per_kwh: 400}
workload: {arrivals: {jobs_per_day: 2400}}
"""


@pytest.fixture
def cosim(repository_root):
    """Run the command in a fresh interpreter, as a user does."""
    environment = {**os.environ, "PYTHONPATH": str(repository_root), "COSIM_DEBUG": ""}
    code = "from cosim.cli.main import main; main()"

    def run(*arguments, cwd=repository_root):
        return subprocess.run(
            [sys.executable, "-c", code, *map(str, arguments)],
            cwd=cwd,
            env=environment,
            capture_output=True,
            encoding="utf-8",
            check=False,
        )

    return run


def cpu_s_of_children():
    """Processor time of all sub-processes that have ended [s]."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def test_five_mistakes_give_five_located_errors_within_a_second(cosim, tmp_path):
    (tmp_path / "five.yaml").write_text(FIVE)
    took_s = []
    for _ in range(3):  # processor time, the best of three: other work on the machine is not ours
        before_s = cpu_s_of_children()
        ran = cosim("validate", "five.yaml", cwd=tmp_path)
        took_s.append(cpu_s_of_children() - before_s)
    *lines, tail = ran.stderr.splitlines()
    assert [line.split("  ")[:2] for line in lines] == [
        ["five.yaml:2:16", "clock.start"],
        ["five.yaml:8:14", "sites.potsdam.models.0"],
        ["five.yaml:11:5", "sites.potsdam.batery"],
        ["five.yaml:12:29", "sites.potsdam.battery.capacity_kwh"],
        ["five.yaml:14:14", "sites.potsdam.grid.price"],
    ]
    assert tail == "5 problems. Nothing was run."
    assert (ran.returncode, ran.stdout) == (3, "")
    assert min(took_s) < 2.0  # 0.5 to 0.9 s; the rest is for a core that two processes share


def test_a_sound_file_names_the_next_command(cosim, tiny):
    ran = cosim("validate", tiny)
    assert ran.returncode == 0
    assert ran.stderr.splitlines() == [
        f"{tiny}: fine (2 sites, 2 models, 9 slots)",
        f"next: cosim compare {tiny}",
    ]


def test_several_files_are_all_checked(cosim, tiny, tmp_path):
    bad = tmp_path / "bad.yaml"
    bad.write_text("name: [")
    ran = cosim("validate", bad, tiny, tmp_path / "absent.yaml")
    assert ran.returncode == 3
    assert f"{tiny}: fine" in ran.stderr
    assert "bad.yaml:1:8" in ran.stderr
    assert "absent.yaml  no such file" in ran.stderr


def test_json_carries_the_same_facts(cosim, tmp_path):
    (tmp_path / "five.yaml").write_text(FIVE)
    ran = cosim("validate", "five.yaml", "--json", cwd=tmp_path)
    found = json.loads(ran.stdout)
    assert (found["ok"], ran.returncode) == (False, 3)
    (file,) = found["files"]
    assert [p["line"] for p in file["problems"]] == [2, 8, 11, 12, 14]


def test_an_object_tag_runs_nothing(cosim, tmp_path):
    mark = tmp_path / "executed"
    (tmp_path / "evil.yaml").write_text(f"name: !!python/object/apply:os.mkdir ['{mark}']\n")
    ran = cosim("validate", tmp_path / "evil.yaml")
    assert ran.returncode == 3
    assert "builds no objects" in ran.stderr
    assert not mark.exists()
