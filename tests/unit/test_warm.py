"""Is the fast engine compiled once, by the parent, before workers start?"""

from contextlib import contextmanager

import pytest

from cosim.cache import kernels_are_compiled
from cosim.errors import CosimError
from cosim.run import staged
from cosim.scenario.load import load_scenario
from cosim.study import executors, warm
from cosim.study.executors import run_units
from cosim.study.units import Unit
from cosim.world import kernel_calls

UNITS = [Unit("home", 1, stage="a"), Unit("home", 2, stage="a")]


def at(tiny, engine):
    return staged(load_scenario(tiny, [f"engine={engine}", "clock.days=0.0625"]))


@pytest.fixture
def order(monkeypatch):
    """What happens, in order; the pool stops the study before it starts a process."""
    happened = []

    @contextmanager
    def pool(stages, workers):
        happened.append(f"{workers} workers")
        raise CosimError("stop here")
        yield

    def compile_once(stages):
        warm.compile_once(stages, compiled=lambda: False, play=lambda _: happened.append("play"))

    monkeypatch.setattr(executors, "_pool", pool)
    monkeypatch.setattr(executors, "compile_once", compile_once)
    return happened


@pytest.mark.parametrize(
    ("engine", "happens"), [("fast", ["play", "2 workers"]), ("reference", ["2 workers"])]
)
def test_the_parent_compiles_before_workers_start(tiny, order, engine, happens):
    with pytest.raises(CosimError, match="stop here"):
        run_units({"a": at(tiny, engine)}, UNITS, jobs=2)
    assert order == happens


def test_one_process_compiles_when_it_gets_there(tiny, order):
    run_units({"a": at(tiny, "fast")}, UNITS[:1], jobs=2)
    assert order == []


def test_what_is_compiled_is_left_alone(tiny):
    played = []
    warm.compile_once([at(tiny, "fast")], compiled=lambda: True, play=played.append)
    assert played == []


def test_the_run_that_compiles_goes_through_window_and_drain(tiny, monkeypatch):
    called = set()

    def spy(name):
        compiled = getattr(kernel_calls, name)

        def call(*arguments):
            called.add(name)
            return compiled(*arguments)

        monkeypatch.setattr(kernel_calls, name, call)

    names = {"play", "look", "enforce", "open_gates", "close_slot"}
    for name in names:
        spy(name)
    warm.play_one_job(at(tiny, "fast"))
    assert called == names
    assert kernels_are_compiled()
