"""Are names of the profile tables found at load, each at its place with the nearest fix?"""

import pytest

from cosim.errors import ScenarioError
from cosim.scenario.load import load_scenario

OWN = "models.small.timing.zz={step_s: 1, step_w: 2}"


def problems(path, *overrides):
    with pytest.raises(ScenarioError) as caught:
        load_scenario(path, overrides)
    return {problem.path: problem.message for problem in caught.value.problems}


@pytest.mark.parametrize(
    ("override", "path", "words"),
    [
        ("sites.paris.gpus.kind=h10", "sites.paris.gpus.kind", "mean `h100`?; a kind of your own"),
        ("sites.paris.gpus.kind=b200", "sites.paris.models.0", "give `models.sdxl.timing.b200`"),
        ("sites.paris.wind.turbine=nrel-5m", "sites.paris.wind.turbine", "mean `nrel-5mw`?"),
        ("models.sdxl.profile=sdlx", "models.sdxl.profile", "mean `sdxl`?"),
        ("models.sdxl.stack=x", "sites.paris.models.0", "no stack `x`"),
        ("models.sdxl.sampler=lightningg", "models.sdxl.sampler", "mean `lightning`?"),
        ("models.sdxl.sampler=turbo", "models.sdxl.sampler", "no score was published"),
        ("models.sd15.sampler={name: lcm, steps: 8}", "models.sd15.sampler.name", "known: 4"),
    ],
)
def test_a_wrong_name_is_found_when_the_scenario_is_loaded(repository_root, override, path, words):
    found = problems(repository_root / "scenarios/quickstart.yaml", override)
    assert list(found) == [path]
    assert words in found[path]


def test_the_place_is_that_of_the_file(repository_root, tmp_path):
    text = (repository_root / "scenarios/quickstart.yaml").read_text()
    path = tmp_path / "s.yaml"
    path.write_text(text.replace("gpus: {kind: a100,", "gpus: {kind: a10,"))
    with pytest.raises(ScenarioError) as caught:
        load_scenario(path)
    (problem,) = caught.value.problems
    line = path.read_text().splitlines()[problem.line - 1]
    assert line[problem.column - 1 :].startswith("kind: a10") or "a10," in line


def test_what_is_given_is_not_looked_up(tiny):
    """A GPU kind of one's own needs its own idle power, clock and timing, and nothing else."""
    base = ["sites.north.gpus.kind=zz", OWN]
    load_scenario(tiny, base)
    found = problems(tiny, *base, "sites.north.gpus.clock=null", "sites.north.gpus.idle_w=null")
    assert "needs idle_w, clock" in found["sites.north.gpus.kind"]
    found = problems(tiny, *base, "sites.north.gpus.embodied={}")
    assert "give gpu_kg" in found["sites.north.gpus.embodied"]
    load_scenario(tiny, [*base, "sites.north.gpus.embodied={gpu_kg: 150}"])


def test_a_model_is_looked_up_for_every_site_that_has_no_timing_for_it(tiny):
    found = problems(tiny, "models.small.timing={zz: {step_s: 1, step_w: 2}}")
    assert "or give timing.a100" in found["models.small"]


def test_batches_need_a_law(tiny):
    found = problems(tiny, "sites.north.gpus.batch_max=4")
    assert "batch: {fixed_share: ...}" in found["sites.north.gpus.batch_max"]
    law = "models.small.timing.a100.batch={fixed_share: 0.2}"
    load_scenario(tiny, ["sites.north.gpus.batch_max=4", law])


def test_broken_parts_do_not_hide_wrong_names(tiny):
    found = problems(
        tiny,
        "models.small.sampler=3",
        "sites.north.gpus.kind=[1]",
        "sites.south.gpus.kind=a1000",
        "sites.south.gpus.idle_w=null",
    )
    assert {"models.small.sampler", "sites.north.gpus.kind", "sites.south.gpus.kind"} <= set(found)


def test_an_adapter_needs_a_base_model(tiny):
    chain = ["models.small.adapter_of=large", "models.large.adapter_of=small"]
    found = problems(tiny, *chain)
    assert set(found) == {"models.small.adapter_of", "models.large.adapter_of"}
    assert "is an adapter itself" in found["models.small.adapter_of"]


def test_the_sleep_of_a_kind_without_figures_is_asked_for(tiny):
    base = ["sites.north.gpus.kind=zz", OWN]
    found = problems(tiny, *base, "sites.north.gpus.sleep={sleep_w: 10}")
    assert "give sleep_w and wake_s" in found["sites.north.gpus.sleep"]
    load_scenario(tiny, [*base, "sites.north.gpus.sleep={sleep_w: 10, wake_s: 1}"])


def test_an_adapter_is_looked_up_as_its_base(tiny):
    tint = "{quality: {kind: saturating, k: 0.1}, value_usd: 1, adapter_of: small"
    deployed = "sites.north.models=[small, tint]"
    load_scenario(tiny, [f"models.tint={tint}}}", deployed])
    found = problems(tiny, f"models.tint={tint}, px: 768}}", deployed)
    assert "no profile `small`" in found["models.tint.profile"]


@pytest.mark.parametrize(
    ("override", "path", "words"),
    [
        ("sites.north.gpus.cap_w=0", "sites.north.gpus.cap_w", "above 0"),
        ("sites.north.gpus.clock={kind: cubic, speed: [0.5, 0.9]}", "clock.speed", "ascend to 1"),
        ("sites.north.gpus.clock={kind: powerlaw, a: 3}", "clock.p0", "is required"),
        ("sites.north.gpus.clock={kind: roofline, delta: 0}", "clock.delta", "above 0"),
        ("sites.north.gpus.clock={kind: roofine, delta: 1}", "clock.kind", "mean `roofline`?"),
        ("sites.north.gpus.embodied={life_years: 60}", "embodied.life_years", "at most 50"),
        ("models.small.sampler={kind: own, ceiling: 2}", "sampler.ceiling", "at most 1"),
        ("models.small.px=20", "models.small.px", "at least 64"),
        ("models.small.steps=[8, 4]", "models.small.steps", "must ascend"),
        ("sites.north.grid.fossil_g_per_kwh=5", "grid.fossil_g_per_kwh", "at least 200"),
        ("models.small.lateness={kind: linear}", "lateness.scale_s", "is required"),
        ("models.small.lateness={kind: step, grace_s: 1, share: 2}", "lateness.share", "at most"),
        ("models.small.lateness={kind: linaer}", "lateness.kind", "mean `linear`?"),
        ("models.small.adapter_of=larg", "models.small.adapter_of", "mean `large`?"),
        ("sites.north.gpus.queue_limit=-1", "gpus.queue_limit", "at least 0"),
        ("sites.north.gpus.drop_late=after", "gpus.drop_late", "after_deadline"),
        (
            "sites.north.gpus.sleep={sleep_w: 56}",
            "sites.north.gpus",
            "at most idle_w, which is 55",
        ),
        ("sites.north.gpus.sleep={after_s: -1}", "sleep.after_s", "at least 0"),
    ],
)
def test_ranges_of_the_new_keys_are_told(tiny, override, path, words):
    found = problems(tiny, override)
    (key,) = found
    assert key.endswith(path)
    assert words in found[key]
