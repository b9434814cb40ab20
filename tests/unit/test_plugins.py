"""From names to policies: what is registered, what is refused, and in which words."""

from __future__ import annotations

import subprocess
import sys
from textwrap import dedent

import pytest

from cosim import plugins
from cosim.errors import PolicyError, UsageError
from cosim.plugins import available, load_policy
from policies.energy.simple import Idle
from policies.heuristics.utility import GreedyUtility

GOOD = '''
class Mine:
    """Mine in one line.

    More words.
    """

    def __init__(self, share, checkpoint=None):
        self.share, self.checkpoint = share, checkpoint

    def reset(self, world, rng):
        pass

    def decide(self, observation):
        pass
'''


@pytest.fixture
def write_module(tmp_path, monkeypatch):
    """Write a module under a name of this test alone and make it importable."""
    monkeypatch.syspath_prepend(tmp_path)
    written = []

    def write(name, text):
        (tmp_path / f"{name}.py").write_text(dedent(text), encoding="utf-8")
        written.append(name)
        return name

    yield write
    for name in written:
        sys.modules.pop(name, None)


class FakeEntry:
    """An entry point as another package would register it."""

    def __init__(self, name, value, owner):
        self.name, self.value = name, value
        self.dist = type("Distribution", (), {"name": owner})()


@pytest.fixture
def register(monkeypatch):
    """Replace what is registered by some entry points."""

    def replace(*entries):
        monkeypatch.setattr(plugins, "entry_points", lambda *, group: list(entries))

    return replace


def test_the_names_that_studies_rely_on_are_registered():
    wanted = [
        "home",
        "round-robin",
        "random",
        "least-loaded",
        "earliest-finish",
        "cheapest",
        "greenest",
    ]
    wanted += ["greedy-utility", "price-aware", "fixed-steps"]
    wanted += ["power-of-two", "cached-load", "defer", "wait-awhile"]
    assert set(wanted) <= set(available("schedule"))
    assert {"idle", "self-consumption", "price-threshold", "paper-inner"} <= set(
        available("energy")
    )


@pytest.mark.parametrize("kind", ["schedule", "energy"])
def test_every_registered_name_has_a_summary_sentence(kind):
    for name, summary in available(kind).items():
        assert summary.endswith("."), name
        assert load_policy(name, kind=kind).name == name


def test_listing_imports_no_policy_module():
    code = (
        "import sys; from cosim.plugins import available; available('schedule');"
        "available('energy'); bad = {'torch', 'pandas', 'policies.heuristics.utility'};"
        "sys.exit(' '.join(bad & set(sys.modules)) or 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_names_and_options_reach_the_constructor():
    policy = load_policy("greedy-utility", {"margin_s": 2.5}, kind="schedule")
    assert isinstance(policy, GreedyUtility)
    assert policy.margin_s == 2.5


def test_module_and_class_with_a_checkpoint(write_module):
    name = write_module("cosim_test_good", GOOD)
    policy = load_policy(f"{name}:Mine@runs/best.safetensors", {"share": 1}, kind="schedule")
    assert (policy.share, policy.checkpoint) == (1, "runs/best.safetensors")


@pytest.mark.parametrize(
    ("spec", "kind", "text"),
    [
        ("greedy-utilty", "schedule", "unknown scheduling policy `greedy-utilty` — did you mean"),
        ("zzz", "energy", "unknown energy layer `zzz` — known: idle, look-ahead, paper-inner"),
        ("idle", "schedule", "`idle` is an energy layer; a scheduling policy is needed"),
        ("home", "energy", "`home` is a scheduling policy; an energy layer is needed"),
        ("home@", "schedule", "names no checkpoint"),
        ("no_such_module_here:X", "schedule", "no module `no_such_module_here`.*PYTHONPATH"),
        ("policies.energy.simple:Idel", "energy", "no `Idel` — did you mean `Idle`"),
        ("../evil:X", "schedule", "not of the form `module:Class`"),
        ("a:b:c", "schedule", "not of the form `module:Class`"),
        ("", "schedule", "unknown scheduling policy ``"),
    ],
)
def test_words_that_name_no_policy_are_usage_errors(spec, kind, text):
    with pytest.raises(UsageError, match=text) as caught:
        load_policy(spec, kind=kind)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("spec", "options", "text"),
    [
        ("home", {"stepps": 3}, r"unknown option `stepps` — did you mean `steps`\?.*steps=None"),
        ("idle", {"clok": 1, "speed": 2}, "`clok`.*`speed`"),
        ("random", {"steps": 6}, "unknown option `steps`.*it takes no options"),
        ("home@x.safetensors", {}, "unknown option `checkpoint`"),
        ("home@x", {"checkpoint": "y"}, "given twice"),
        ("os.path:sep", {}, "is a str, not a policy class"),
        ("fractions:Fraction", {}, "has no method `reset` and `decide`"),
    ],
)
def test_options_and_objects_that_do_not_fit_are_policy_errors(spec, options, text):
    kind = "energy" if spec == "idle" else "schedule"
    with pytest.raises(PolicyError, match=text) as caught:
        load_policy(spec, options, kind=kind)
    assert caught.value.exit_code == 5


def test_a_required_option_is_asked_for(write_module):
    name = write_module("cosim_test_required", GOOD)
    with pytest.raises(PolicyError, match=r"option `share` must be given \(options: share,"):
        load_policy(f"{name}:Mine", kind="schedule")


def test_a_missing_optional_library_comes_with_its_install_command(write_module, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    name = write_module("cosim_test_torch", "import torch\nclass Mine: ...")
    with pytest.raises(UsageError, match=r"pip install 'cosim-testbed\[learn\]'"):
        load_policy(f"{name}:Mine", kind="schedule")


def test_an_optional_library_missing_at_construction_is_told_too(write_module, monkeypatch):
    monkeypatch.setitem(sys.modules, "safetensors", None)
    text = """
        class Mine:
            def __init__(self):
                import safetensors
        """
    name = write_module("cosim_test_late_import", text)
    with pytest.raises(UsageError, match=r"needs `safetensors`.*\[learn\]"):
        load_policy(f"{name}:Mine", kind="schedule")


@pytest.mark.parametrize(
    ("text", "words"),
    [("def broken(:", "SyntaxError"), ("1 / 0", "ZeroDivisionError: division by zero")],
)
def test_a_module_that_fails_on_import_is_named(text, words, write_module):
    name = write_module(f"cosim_test_{words[:6].lower()}", text)
    with pytest.raises(PolicyError, match=f"`{name}` fails on import: {words}"):
        load_policy(f"{name}:Mine", kind="schedule")


def test_an_unreadable_checkpoint_is_named(write_module):
    text = """
        class Mine:
            def __init__(self, checkpoint):
                open(checkpoint).close()
        """
    name = write_module("cosim_test_checkpoint", text)
    with pytest.raises(PolicyError, match=r"cannot be loaded.*nowhere\.safetensors"):
        load_policy(f"{name}:Mine@/nowhere.safetensors", kind="schedule")


def test_a_package_can_add_a_name_but_not_replace_ours(register):
    register(
        FakeEntry("idle", "json:JSONDecoder", "stranger"),
        FakeEntry("idle", "policies.energy.simple:Idle", "cosim-testbed"),
        FakeEntry("mine", "policies.energy.simple:Idle", "stranger"),
    )
    assert isinstance(load_policy("idle", kind="energy"), Idle)
    assert isinstance(load_policy("mine", kind="energy"), Idle)


def test_a_broken_package_does_not_break_the_listing(register):
    register(
        FakeEntry("broken", "no_such_module_here.deep:X", "stranger"),
        FakeEntry("idle", "policies.energy.simple:Idle", "cosim-testbed"),
    )
    listing = available("energy")
    assert listing["broken"] == ""
    assert listing["idle"].startswith("Leaves the battery alone")


def test_nothing_registered_tells_to_install(register):
    register()
    with pytest.raises(UsageError, match="pip install -e"):
        load_policy("home", kind="schedule")
