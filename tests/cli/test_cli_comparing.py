"""Do the ways of comparing work from the command line: layers, days, enough seeds?"""

import json

import pytest


def test_schedulers_are_compared_under_the_energy_layers_that_are_asked_for(cosim, tiny, tmp_path):
    names = ("-p", "greedy-utility", "-p", "greedy-utility+self-consumption")
    code, out, err = cosim(
        *("compare", tiny, *names, "--energy", "idle", "--seed", 1, "--jobs", 1),
        *("--no-bound", "--out", "c", "--json"),
    )
    assert code == 0, err
    assert list(json.loads(out)["policies"]) == [
        "greedy-utility",
        "greedy-utility+self-consumption",
    ]
    assert "energy layer idle" in err
    assert "note: one seed gives no interval" in err
    layers = {
        mark["policy"]: mark["energy"]
        for file in (tmp_path / "c").glob("*/seed-1/kpis.json")
        if (mark := json.loads(file.read_text(encoding="utf-8")))
    }
    assert layers == {
        "greedy-utility": "idle",
        "greedy-utility+self-consumption": "self-consumption",
    }


def test_dates_are_judged_on_and_checked_as_the_scenarios_own(cosim, tiny):
    code, out, err = cosim(
        *("compare", tiny, "--days", "2019-05-01..2019-05-02", "--seeds", "1..2", "--jobs", 1),
        *("--no-bound", "--json"),
    )
    assert code == 0, err
    assert json.loads(out)["days"] == ["2019-05-01", "2019-05-02"]
    assert "judged on 2 test_days: 2019-05-01, 2019-05-02 (--days window: its own window)" in err
    assert "note: 2 days × 2 seeds" in err
    code, _, err = cosim("compare", tiny, "--days", "2019-05-02..2019-05-01")
    assert code == 3
    assert "test_days.0" in err
    code, _, err = cosim("compare", tiny, "--days", "train")
    assert (code, err) == (2, "`tiny` has no `train_days`; add them to the scenario\n")


def test_seeds_are_added_from_the_command_line(cosim, tiny):
    code, out, err = cosim(
        *("compare", tiny, "--until-interval", "50%", "--max-seeds", 8, "--jobs", 1),
        *("--no-bound", "--json"),
    )
    assert code == 0, err
    found = json.loads(out)
    assert found["stopping"]["looks"] == [5, 8]
    assert found["stopping"]["reached"]
    assert found["seeds"] == [1, 2, 3, 4, 5]
    assert "note: enough seeds" in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--energy", "idel"), "no energy layer `idel` — did you mean `idle`"),
        (("-p", "home+idel"), "no energy layer `idel`"),
        (("--max-seeds", 9), "--max-seeds goes with --until-interval"),
        (("--until-interval", "x"), "is no width of an interval"),
        (("--until-interval", 1, "--max-seeds", 3), "at most 3 seeds are too few"),
        (("--seeds", "3..1"), "seeds are at least 0 and all different"),
        (("--seeds", "1..999999"), "is not a list of whole numbers"),
    ],
)
def test_what_cannot_be_compared_is_a_sentence_and_leaves_nothing(
    cosim, tiny, tmp_path, arguments, said
):
    code, _, err = cosim("compare", tiny, *arguments)
    assert code == 2, err
    assert said in err
    assert list(tmp_path.iterdir()) == []
