"""GPUs that sleep and models that load, worked out by hand for both engines.

An image of the light model takes 5 ns, 100 ns a step and 10 ns, and 1000 ns to load at 50 mW.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cosim.physics.cold_start import NOTHING, ColdStart, swap_j, swap_ns
from cosim.physics.gpu_sleep import GpuSleep, gap_energy_j
from cosim.run import run, staged
from cosim.scenario.load import load_scenario
from cosim.world.loading import ASLEEP, Loading, SleepPlan, loading, one_after_another

TINY = Path(__file__).parents[1] / "data" / "tiny.yaml"
SLEEP = SleepPlan(after_ns=500, mw=7, waking=Loading(40, 30))
END = 10_000
IMAGE_PJ = 15 * 200 + 100 * 500


@pytest.fixture(params=["reference", "fast"])
def play(request, one_site):
    """Let jobs arrive at one site whose GPUs sleep; each is (at, steps, and what else matters)."""

    def played(*asks, orders=(), services=(one_site.LIGHT, one_site.HEAVY), **site):
        rows = [one_site.Ask(at=at, steps=steps, **more) for at, steps, more in asks]
        site = {"sleep": SLEEP, **site}
        script = one_site.OneSite(request.param, rows, services=services, **site)
        for at_ns, act in orders:
            script.at(at_ns, lambda act=act: act(script))
        return script.play(END)

    return played


# sleep -------------------------------------------------------------------------------------


def test_whoever_comes_after_the_time_out_waits_for_waking_and_loading(play):
    """Idle from 115, asleep from 615; at 2000 it wakes, loads, and is asleep again from 3655."""
    site = play((0, 1, {}), (2000, 1, {}))
    assert site.start_ns == [0, 3040]
    assert site.finish_ns == [115, 3155]
    mean_mw = round((40 * 30 + 1000 * 50) / 1040)
    assert site.energy_pj == [IMAGE_PJ, IMAGE_PJ + 1040 * mean_mw]
    assert site.reading.slept_ns == (2000 - 615) + (END - 3655)
    assert site.reading.busy_ns == 2 * 115 + 1040


@pytest.mark.parametrize(("at_ns", "start_ns"), [(615, 615), (616, 616 + 1040)])
def test_the_time_out_itself_is_still_waiting(play, at_ns, start_ns):
    assert play((0, 1, {}), (at_ns, 1, {})).start_ns[1] == start_ns


def test_a_gpu_that_was_never_used_sleeps_from_the_beginning_on(play):
    site = play((5000, 1, {}))
    assert site.start_ns == [6040]
    assert site.reading.slept_ns == 4500 + (END - 6655)


def test_a_gpu_that_is_awake_goes_before_one_that_sleeps(play):
    site = play((0, 1, {}), (50, 9, {}), (1000, 1, {}), gpus=2)
    assert site.gpu == [0, 1, 1]
    assert site.start_ns[2] == 1000


def test_of_gpus_that_sleep_the_lowest_wakes(play):
    assert play((900, 1, {}), (901, 1, {}), gpus=3).gpu == [0, 1]


def test_a_gpu_that_fails_neither_sleeps_nor_wakes(play):
    """Asleep from 500, down from 700 to 900, and then idle without a model."""
    site = play((1000, 1, {}), faults=((700, 0, False), (900, 0, True)))
    assert site.start_ns == [2000]
    assert site.reading.slept_ns == 200 + (END - 2615)


def test_a_gpu_that_is_switched_off_sleeps_as_well(play):
    site = play((2000, 1, {}), orders=[(100, lambda s: s.limit(1, 0))])
    assert site.finished == []
    assert site.reading.slept_ns == END - 500


def test_reading_in_between_counts_no_sleep_twice(play):
    looks = [(at_ns, lambda s: s.look()) for at_ns in (200, 614, 700, 1999, 2000, 4000)]
    site = play((0, 1, {}), (2000, 1, {}), orders=looks)
    assert site.reading.slept_ns == (2000 - 615) + (END - 3655)


def test_batching_gpus_sleep_as_others_do(play):
    site = play((0, 1, {}), (2000, 1, {}), (2001, 1, {}), batch_max=2)
    assert site.start_ns == [0, 3040, 3155]
    assert site.reading.slept_ns == (2000 - 615) + (END - site.finish_ns[2] - 500)


def test_an_empty_day_costs_what_physics_says_of_one_gap():
    quiet = ["workload.scale=0", "sites.north.gpus.sleep={after_s: 100, sleep_w: 15, wake_s: 2}"]
    for engine in ("reference", "fast"):
        result = run(staged(load_scenario(TINY, quiet)), policy="home", engine=engine)
        ledger = result.ledger
        window_s = ledger.slots * ledger.slot_ns / 1e9
        gap_j = gap_energy_j(GpuSleep(55, 15, 0, 0, 100), window_s)
        expected_kwh = 2 * (gap_j + 100 * window_s) / 3.6e6  # and the servers' 100 W
        assert ledger.data["idle_kwh"][:, 0].sum() == pytest.approx(expected_kwh, rel=1e-12)
        asleep_h = 2 * (window_s - 100) / 3600
        assert ledger.data["gpu_asleep_h"].sum(axis=0) == pytest.approx([asleep_h, 0.0])
        share = (window_s - 100) / window_s / 2  # two GPUs of four
        assert result.kpis["asleep_share"] == pytest.approx(share)


def test_the_table_fills_in_what_a_scenario_leaves_out():
    on = staged(load_scenario(TINY, ["sites.north.gpus.sleep={}"]))
    sleep = on.plan(1).sites[0].sleep
    assert sleep == SleepPlan(300 * 10**9, 53_700, Loading(10**9, 55_000))
    (row,) = [row for row in on.provenance if row.used_for == "north: sleep"]
    assert row.assumed == "wake_s, wake_w"
    assert on.plan(1).sites[1].sleep is None


# adapters ----------------------------------------------------------------------------------


@pytest.fixture
def tinted(one_site):
    """The light model, and an adapter on it that loads in 100 ns at 40 mW."""
    whole = one_after_another(Loading(1000, 50), Loading(100, 40))
    light = replace(one_site.LIGHT, base=0)
    adapter = replace(light, load_ns=whole.ns, load_mw=whole.mw, adapter=Loading(100, 40))
    return light, adapter


def test_an_adapter_of_what_is_in_memory_loads_alone(play, tinted):
    site = play((0, 1, {}), (1, 1, {"service": 1}), (2, 1, {}), services=tinted, sleep=None)
    assert site.start_ns == [0, 115 + 100, 115 + 215]  # taken off in no time
    assert site.energy_pj == [IMAGE_PJ, IMAGE_PJ + 100 * 40, IMAGE_PJ]


def test_without_the_base_an_adapter_loads_both(play, tinted):
    site = play((600, 1, {"service": 1}), services=tinted)
    assert site.start_ns == [600 + 40 + 1100]


def test_what_is_seen_of_a_gpu_that_loads_an_adapter(play, tinted):
    """A load under way counts whole: here that of the adapter, there that of everything."""
    seen, stranger = [], replace(tinted[1], base=NOTHING)
    orders = [(120, lambda s: seen.append(s.look().backlog_ns))]
    for services in (tinted, (tinted[0], stranger)):
        asks = (0, 1, {}), (1, 1, {"service": 1})
        play(*asks, services=services, sleep=None, orders=orders)
    assert seen[1] - seen[0] == 1000


def test_loading_is_that_of_physics():
    """For all pairs of two bases, two adapters on one of them and one on the other."""
    more = "quality: {kind: saturating, k: 0.1}, value_usd: 1"
    sites = ["sites.north.models=[small, one, two, large, other]", "sites.south.models=[small]"]
    models = [
        f"models.one={{adapter_of: small, load_s: 3, load_w: 90, {more}}}",
        f"models.two={{adapter_of: small, load_s: 0.5, {more}}}",
        f"models.other={{adapter_of: large, load_s: 4, load_w: 70, {more}}}",
    ]
    loads = ["models.small.load_w=150", "models.large.load_w=120"]
    on = staged(load_scenario(TINY, [*models, *loads, *sites]))
    plans = [service.plan for service in on.services][:5]
    kinds = [(0, NOTHING), (0, 0), (0, 1), (1, NOTHING), (1, 2)]
    base = [(10, 150), (20, 120)]
    own = {NOTHING: (0, 0), 0: (3, 90), 1: (0.5, 55), 2: (4, 70)}
    for wanted, kind in enumerate(kinds):
        cold = ColdStart(base[kind[0]][0], own[kind[1]][0], base[kind[0]][1], own[kind[1]][1])
        for held, had in [(NOTHING, (NOTHING, NOTHING)), *enumerate(kinds)]:
            if held == wanted:
                continue
            found = loading(plans, None, held, wanted)
            assert found.ns == swap_ns(cold, had, kind)
            joule = found.ns * found.mw / 1e12
            assert joule == pytest.approx(swap_j(cold, had, kind), abs=found.ns * 0.5e-12)
    asleep = loading(plans, SleepPlan(1, 0, Loading(5, 9000)), ASLEEP, 1)
    assert asleep.ns == 5 + 13 * 10**9


def test_an_adapter_runs_as_its_base_does():
    changes = [
        "models.small.profile=sdxl",
        "models.tint={adapter_of: small, quality: {kind: saturating, k: 0.1}, value_usd: 1}",
        "sites.north.models=[small, tint]",
    ]
    on = staged(load_scenario(TINY, changes))
    base, tint = on.services[0], on.services[1]
    assert tint.plan.step_ns == base.plan.step_ns
    assert tint.plan.adapter.ns == 4_400_000_000  # the table's median
    assert tint.plan.load_ns == base.plan.load_ns + tint.plan.adapter.ns
    info = on.plan(1).info
    assert not np.array_equal(info.quality[0], info.quality[1])
    half = staged(load_scenario(TINY, [*changes, "models.tint.sampler=lightning"]))
    assert half.services[1].timing.step_s == pytest.approx(0.5 * base.timing.step_s)
