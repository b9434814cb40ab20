"""Does the command split regrets the same way, however many processes it may use?"""

import json


def test_two_processes_find_what_one_finds(cosim, tiny, tmp_path):
    found = []
    for jobs in ("1", "2"):
        asked = ("regret", tiny, "-p", "price-aware", "--seeds", "1,2", "--jobs", jobs)
        code, out, err = cosim(*asked, "--json", "--out", jobs)
        assert code == 0, err
        found.append(json.loads(out))
        kept = json.loads((tmp_path / jobs / "regret.json").read_text(encoding="utf-8"))
        assert kept == found[-1]
    alone, together = (figures(one) for one in found)
    assert together == alone
    assert list(together) == ["home", "price-aware", "hindsight"]
    assert [len(values) for values in together["home"].values()] == [2] * 10
    regret = {policy: row["regret_usd"]["mean"] for policy, row in found[1]["policies"].items()}
    assert regret["home"] > regret["price-aware"] > 0.0


def figures(found):
    """Policy → figure → values by seed, without the times that decisions took."""
    rows = found["by_seed"]
    assert all(min(row["decide_ms_p99"]) > 0.0 for row in rows.values())
    return {
        policy: {name: row[name] for name in row if not name.startswith("decide_ms")}
        for policy, row in rows.items()
    }
