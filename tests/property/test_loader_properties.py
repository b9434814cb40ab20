"""Laws of the loader: locks load back, text is never executed, and nothing crashes it."""

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from cosim.errors import ScenarioError
from cosim.scenario.load import load_scenario
from cosim.scenario.lock import lock_text, scenario_hash
from cosim.scenario.yaml12 import read_bytes, read_text

TINY = Path(__file__).parents[1] / "data" / "tiny.yaml"
positive = st.floats(min_value=1e-9, max_value=1e9)
values = st.one_of(
    st.booleans(),
    st.integers(-(10**20), 10**20),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=12),
    st.sampled_from(["NO", "on", "1e6", "12:30", "~", "null", "0x1F", "0o7", ".5", "", "<<", "="]),
)
words = st.text("abcdefghijklmnopqrstuvwxyz_", min_size=1, max_size=8)
options = st.dictionaries(words, st.one_of(values, st.lists(values, max_size=3)), max_size=4)


def overrides(scale, capacity, seeds, kind, images):
    return [
        f"scale={scale!r}",
        f"sites.north.battery.kind={kind}",
        f"sites.north.battery.capacity_kwh={capacity!r}",
        f"seeds={sorted(seeds)}",
        f"workload.images={images}".replace("'", ""),
    ]


@settings(max_examples=40, deadline=None)
@given(
    scale=st.floats(min_value=0.5, max_value=1e6),
    capacity=positive,
    seeds=st.sets(st.integers(0, 2**63), min_size=1, max_size=5),
    kind=st.sampled_from(["ideal", "linear"]),
    images=st.dictionaries(st.integers(1, 64), positive, min_size=1, max_size=4),
    given_options=options,
    about=st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=40),
)
def test_a_lock_loads_to_an_equal_scenario(
    scale, capacity, seeds, kind, images, given_options, about
):
    loaded = load_scenario(TINY, overrides(scale, capacity, seeds, kind, images))
    spec = loaded.scenario.policy.compare[0].model_copy(update={"options": given_options})
    choice = loaded.scenario.policy.model_copy(update={"compare": (spec,)})
    scenario = loaded.scenario.model_copy(update={"policy": choice, "about": about})
    with TemporaryDirectory() as folder:
        path = Path(folder) / "scenario.lock.yaml"
        path.write_text(lock_text(scenario), encoding="utf-8")
        again = load_scenario(path)
    assert again.scenario == scenario
    assert lock_text(again) == lock_text(scenario)
    assert scenario_hash(again) == scenario_hash(scenario)


@given(st.one_of(st.text(max_size=60), st.text("a:[]{}-&*!<>|'\"#%@ \n\t?,1.", max_size=40)))
def test_any_text_is_data_or_a_located_problem(text):
    try:
        read_text(text, "f")
    except ScenarioError as error:
        assert all(p.message for p in error.problems)  # noqa: PT017 - both outcomes are right


@given(st.binary(max_size=60))
def test_any_bytes_are_data_or_a_located_problem(raw):
    try:
        read_bytes(raw, "f")
    except ScenarioError as error:
        assert all(p.message for p in error.problems)  # noqa: PT017 - both outcomes are right


@settings(max_examples=60, deadline=None)
@given(
    path=st.sampled_from(
        ["clock", "clock.start", "models.small", "sites", "sites.north.battery", "seeds",
         "sites.north.gpus.clock", "workload.arrivals.profile", "policy.compare", "policy.energy",
         "sites.north.grid.price", "workload.home", "workload.images", "sites.north.models"]
    ),
    value=st.sampled_from(["[]", "{}", "3", "x", "true", "[[1]]", "{a: 1}", "{kind: x}",
                           "{kind: []}", "[null]", "{1: 2}", ".nan", "'9' ", "{kind: null}"]),
)  # fmt: skip
def test_any_value_anywhere_is_a_scenario_or_a_located_problem(path, value):
    try:
        load_scenario(TINY, [f"{path}={value}"])
    except ScenarioError as error:
        assert all(p.message and p.file for p in error.problems)  # noqa: PT017
