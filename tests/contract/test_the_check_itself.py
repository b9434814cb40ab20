"""Does the conformance suite catch what it is there to catch, and name it?"""

import gc
import sys
import time

import numpy as np
import pytest

from cosim.check import check_policy, find_faults
from cosim.check.fingerprint import differing, fingerprint
from cosim.check.player import play
from cosim.check.stagehand import lively_plan, other_future
from cosim.decision import CallbackRule, Decision, Placement
from cosim.errors import PolicyError, UsageError
from cosim.plugins import load_policy
from cosim.scenario.load import load_scenario
from cosim.scenario.model import Scenario
from cosim.world.plan import Outside
from policies.energy.simple import Idle
from policies.heuristics.static import Home, split_rule

FEW = (0, 4, 8)


def world_of_the_caller():
    """The running World, found by climbing the call stack: what a cheater would do."""
    frame = sys._getframe()
    while frame is not None:
        owner = frame.f_locals.get("self")
        if hasattr(owner, "plan") and hasattr(owner, "engine"):
            return owner
        frame = frame.f_back
    raise AssertionError


def by_number(home, number):
    """A decision that depends on a number."""
    steps = home.world.steps
    rule = home.rule(None)
    return Decision(
        split_rule(home.world, rule.shares[:, :, :-2], steps[int(number) % len(steps)])
    )


class KnowsPrices(Home):
    """Holds the plan's arrays and looks at tomorrow's price."""

    def decide(self, seen):
        outside = world_of_the_caller().plan.outside
        price = outside.price_usd_kwh[outside.history + seen.slot + 1, 2]
        return by_number(self, price < 0.0)


class KnowsTheSun(Home):
    """Finds the weather by rummaging in memory."""

    def decide(self, seen):
        arrays = [o for o in gc.get_objects() if type(o) is Outside]  # asks no proxy for its class
        newest = world_of_the_caller().plan.outside
        assert any(one is newest for one in arrays)
        return by_number(self, newest.solar_bin_kw[seen.slot * 10].sum())


class KnowsJobs(Home):
    """Knows how many jobs will come."""

    def decide(self, seen):
        arrivals = world_of_the_caller().plan.jobs.arrival_ns
        return by_number(self, (arrivals >= seen.time_ns).sum())


class KnowsOnArrival(Home):
    """Decides like anyone, but its callback knows the next job."""

    def decide(self, seen):
        state = world_of_the_caller()
        jobs, world = state.plan.jobs, self.world

        def place(job, queues):
            last = int(jobs.images[-1]) + len(jobs)
            return Placement(int(world.home_service[job.home]), world.steps[last % 10])

        return Decision(CallbackRule(place))


class ReadsWhatIsPublic(Home):
    """Reads the same arrays, but only prices that are public: no fault."""

    def decide(self, seen):
        outside = world_of_the_caller().plan.outside
        public = outside.price_usd_kwh[outside.history + seen.slot + 1, 0]
        return by_number(self, public < 0.0)


@pytest.mark.parametrize("cheat", [KnowsPrices, KnowsTheSun, KnowsJobs, KnowsOnArrival])
def test_knowledge_of_the_future_is_found(cheat):
    (finding,) = find_faults(cheat)
    assert finding.rule == "leakage"
    assert "future" in finding.message


def test_public_knowledge_is_no_fault():
    assert find_faults(ReadsWhatIsPublic, slots=FEW) == []


@pytest.fixture(scope="module")
def tiny(pytestconfig):
    return load_scenario(pytestconfig.rootpath / "tests" / "data" / "tiny.yaml").scenario


def with_forecast(scenario, kind):
    data = scenario.model_dump(by_alias=True)
    return Scenario.model_validate({**data, "forecast": {"kind": kind}})


@pytest.mark.parametrize("kind", ["seasonal", "persistence"])
def test_a_scenario_of_ones_own(tiny, kind):
    world = with_forecast(tiny, kind)
    assert find_faults("price-aware", scenario=world, slots=FEW) == []
    (finding,) = find_faults(KnowsJobs, scenario=world, slots=FEW)
    assert finding.rule == "leakage"


def test_with_perfect_forecasts_the_future_is_no_secret(tiny):
    assert find_faults(KnowsJobs, scenario=with_forecast(tiny, "perfect"), slots=FEW) == []


class KnowsTheWind(Idle):
    """An energy layer that knows the wind of its own slot."""

    def decide(self, seen):
        outside = world_of_the_caller().plan.outside
        wind_kw = outside.wind_kw[outside.history + seen.slot]
        return Decision(battery_kw=np.minimum(wind_kw - 1.0, seen.battery_high_kw))


def test_an_energy_layer_is_held_to_the_same():
    (finding,) = find_faults(KnowsTheWind, kind="energy")
    assert finding.rule == "leakage"
    assert "battery_kw" in finding.message


class Moody(Home):
    def decide(self, seen):
        return by_number(self, np.random.default_rng().integers(1000))


class Remembers(Home):
    runs = 0

    def reset(self, world, rng):
        super().reset(world, rng)
        self.runs += 1

    def decide(self, seen):
        return by_number(self, self.runs)


class Watches(Home):
    def decide(self, seen):
        return by_number(self, time.time() // 43_200)


class Scribbles(Home):
    """Its arrays cannot be made writable, but a record can be forced open."""

    def decide(self, seen):
        object.__setattr__(seen, "soc", seen.soc + 0.77)
        return super().decide(seen)


class ScribblesNaively(Home):
    def decide(self, seen):
        seen.soc[:] = 0.0
        return super().decide(seen)


class MovesSites(Home):
    def decide(self, seen):
        self.world.gpus[0] += 1
        return super().decide(seen)


class Nothing(Home):
    def decide(self, seen):
        return None


class WrongShape(Home):
    def decide(self, seen):
        rule = super().rule(seen)
        return Decision(type(rule)(rule.shares[:, :, 1:], rule.steps))


class NotANumber(Idle):
    def decide(self, seen):
        return Decision(battery_kw=np.full(3, np.nan))


class Falls(Home):
    def decide(self, seen):
        if seen.slot == 5:
            raise KeyError("price")
        return super().decide(seen)


class WrongAnswer(Home):
    def decide(self, seen):
        def place(job, queues):
            raise RuntimeError("no idea")

        return Decision(CallbackRule(place))


class NoMethods:
    reset = None


@pytest.mark.parametrize(
    ("policy", "kind", "rule", "said"),
    [
        (Moody, "schedule", "deterministic", "same dice"),
        (Remembers, "schedule", "deterministic", "reset"),
        (Watches, "schedule", "clock", "time of day"),
        (Scribbles, "schedule", "observation", "wrote into the observation"),
        (ScribblesNaively, "schedule", "runs", "read-only"),
        (MovesSites, "schedule", "observation", "static facts"),
        (Nothing, "schedule", "runs", "returned NoneType"),
        (WrongShape, "schedule", "runs", "shape"),
        (NotANumber, "energy", "runs", "NaN"),
        (Falls, "schedule", "runs", "KeyError"),
        (WrongAnswer, "schedule", "runs", "no idea"),
        (NoMethods, "schedule", "methods", "reset"),
    ],
)
def test_broken_rules_are_named(policy, kind, rule, said):
    found = find_faults(policy, kind=kind, slots=range(7))
    assert [f.rule for f in found][:1] == [rule], found
    assert any(said in str(f) for f in found)


def test_the_slot_is_named():
    (finding,) = find_faults(Falls)
    assert finding.slot == 5


def test_check_policy_raises_with_every_finding():
    with pytest.raises(PolicyError, match=r"(?s)policy `Remembers`.*\[deterministic\]"):
        check_policy(Remembers, slots=FEW)
    with pytest.raises(UsageError, match="unknown scheduling policy"):
        check_policy("no-such-policy")
    with pytest.raises(PolicyError, match="unknown option"):
        check_policy("home", options={"nonsense": 1})


def test_an_instance_can_be_checked():
    assert find_faults(Home(), slots=FEW) == []


@pytest.mark.parametrize("slot", range(12))
def test_the_worlds_own_observation_is_the_same_whatever_is_to_come(slot):
    """Bit for bit, in every slot up to the one at whose beginning the futures part."""
    plan = lively_plan(3)
    seen = [play_home(one, slot) for one in (plan, other_future(plan, slot))]
    assert len(seen[0]) == slot + 1
    assert [fingerprint(s.seen) for s in seen[0]] == [fingerprint(s.seen) for s in seen[1]]


def test_the_other_future_is_another_one_and_shows_up_a_slot_later():
    plan = lively_plan(3)
    other = other_future(plan, 5)
    assert len(other.jobs) < len(plan.jobs)
    past = plan.jobs.arrival_ns < 5 * plan.info.slot_ns
    assert np.array_equal(plan.jobs.images[past], other.jobs.images[: past.sum()])
    seen = [play_home(one, 6)[6].seen for one in (plan, other)]
    fields = set(differing(*seen))
    assert {"solar_kw", "wind_kw", "temp_out_c", "carbon_g_kwh", "price_usd_kwh"} <= fields
    assert {"arrivals", "forecast.price.values"} <= fields


def play_home(plan, last):
    idle = load_policy("idle", kind="energy")
    home = load_policy("earliest-finish", kind="schedule")
    return play(home, idle, plan, kind="schedule", seed=1, last=last).slots
