"""Do run, compare, report and reproduce work from a YAML to a page?"""

import json


def test_run_leaves_a_folder_with_a_report(cosim, tiny, tmp_path):
    code, out, err = cosim("run", tiny, "-p", "home", "--seed", 7, "--out", "r", "--json")
    assert code == 0, err
    found = json.loads(out)
    assert (found["policy"], found["seed"]) == ("home", 7)
    assert found["kpis"]["jobs"] > 50
    assert found["kpis"]["utility_usd"] < found["kpis"]["revenue_usd"]
    assert (tmp_path / "r" / "report.html").stat().st_size > 10_000
    assert err.splitlines()[-1].startswith("next: cosim compare")


def test_a_report_can_be_written_again(cosim, tiny, tmp_path):
    assert cosim("run", tiny, "--out", "r", "-q")[0] == 0
    (tmp_path / "r" / "report.html").unlink()
    code, _, err = cosim("report", "r")
    assert code == 0, err
    assert (tmp_path / "r" / "report.html").is_file()
    assert cosim("report", "r", "--out", "other.html")[0] == 0
    assert (tmp_path / "other.html").is_file()
    assert cosim("run", tiny, "--out", "r")[0] == 2  # nothing is overwritten


def test_the_same_run_has_the_same_digest_and_another_seed_another(cosim, tiny):
    digests = []
    for seed, folder in ((1, "a"), (1, "b"), (2, "c")):
        code, out, err = cosim("run", tiny, "--seed", seed, "--out", folder, "--json", "-q")
        assert code == 0, err
        digests.append(json.loads(out)["digest"])
    assert digests[0] == digests[1] != digests[2]


def test_compare_prints_paired_differences_and_a_report(cosim, tiny, tmp_path):
    code, out, err = cosim("compare", tiny, "--seeds", "1,2,3", "--jobs", 1, "--json")
    assert code == 0, err
    found = json.loads(out)
    assert found["scenario"] == "tiny"
    assert found["seeds"] == [1, 2, 3]
    assert found["baseline"] == "home"
    assert list(found["policies"]) == ["home", "greedy-utility"]
    for kpis in found["policies"].values():
        for name in ("utility_usd", "energy_cost_usd", "late_share", "carbon_kg"):
            low, high = kpis[name]["ci95"]
            assert low <= kpis[name]["mean"] <= high
    assert "diff" in found["paired"]["greedy-utility"]["utility_usd"]
    (folder,) = (tmp_path / "runs").iterdir()
    assert (folder / "report.html").is_file()
    assert "greedy-utility" in err
    assert err.splitlines()[-1].startswith("next: cosim reproduce")


def test_a_report_is_reproduced(cosim, tiny):
    code, _, err = cosim("compare", tiny, "--seed", 1, "--jobs", 1, "--out", "c", "-q")
    assert code == 0, err
    code, out, err = cosim("reproduce", "c/report.html", "--json")
    assert code == 0, err
    assert json.loads(out)["matches"] is True


def test_a_bad_policy_or_scenario_leaves_nothing_behind(cosim, tiny, tmp_path):
    assert cosim("compare", tiny, "-p", "nobody")[0] in (2, 3)
    assert cosim("run", tiny, "-o", "scale=-1")[0] == 3
    assert cosim("compare", tiny, "-p", "home", "-p", "os:nothing")[0] == 2
    assert list(tmp_path.iterdir()) == []


def test_levers_tell_what_is_at_stake_and_fail_where_nothing_is(cosim, tiny):
    code, out, err = cosim("show", tiny, "--levers", "--seed", 1, "--jobs", 1, "--json")
    found = json.loads(out)
    assert code == (0 if found["passed"] else 3)
    assert {row["name"] for row in found["levers"]} >= {"steps", "transfer"}
    assert {row["site"] for row in found["loads"]} == {"north", "south"}
    assert "what switching each lever off costs" in err
    assert err.splitlines()[-1].startswith("next: ")
