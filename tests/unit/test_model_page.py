"""Is the page of physical models complete, up to date and right about the scenario?"""

import importlib
import pkgutil
import re
from dataclasses import fields, is_dataclass

import pytest

from cosim import physics
from cosim.scenario import shape
from cosim.scenario.model import Scenario
from cosim.scenario.model_page import REACHED, _meanings, models, models_markdown

CHOSEN = {
    "cooling": ("sites", "NAME", "cooling"),
    "clock": ("sites", "NAME", "gpus", "clock"),
    "quality": ("models", "NAME", "quality"),
    "battery": ("sites", "NAME", "battery"),
    "backup": ("sites", "NAME", "backup"),
    "sampler": ("models", "NAME", "sampler"),
}


def annotation_at(keys):
    """The annotation of a key of the scenario; names stand where a mapping has any key."""
    annotation, data = Scenario, {}
    for key in keys:
        options = shape.kinds(annotation)
        found = None
        for part in options.values() or [None]:
            step = {"kind": part.model_fields["kind"].annotation.__args__[0]} if part else data
            found = found or shape.child(annotation, step, key)
        annotation = found
        assert annotation is not None, keys
    return annotation


def test_the_committed_page_is_what_the_code_says(repository_root):
    page = (repository_root / "docs" / "models.md").read_text(encoding="utf-8")
    assert page == models_markdown()


def test_every_record_with_ranges_is_a_model_with_equation_and_source():
    bare = []
    for info in pkgutil.iter_modules(physics.__path__):
        if info.name.endswith(("_scalar", "_row")):
            continue
        module = importlib.import_module(f"cosim.physics.{info.name}")
        for name, record in vars(module).items():
            own = is_dataclass(record) and getattr(record, "__module__", "") == module.__name__
            if own and "RANGES" in vars(record) and "EQUATION" not in vars(record):
                bare.append(name)
    assert bare == ["Location"]  # a place is no model
    assert all(model.record.SOURCE for model in models())


def test_every_field_has_a_meaning():
    for record, _ in models():
        told = _meanings(record)
        assert {field.name for field in fields(record)} <= set(told), record
        assert all(told.values()), record


@pytest.mark.parametrize(("record", "key"), REACHED.items())
def test_the_keys_that_choose_a_model_exist(record, key):
    assert record in {model.record.__name__ for model in models()}
    path, _, kind = key.partition(" ")
    annotation = annotation_at(path.split("."))
    if kind:
        assert kind.strip("()") in shape.kinds(annotation), key


@pytest.mark.parametrize(("part", "path"), CHOSEN.items())
def test_every_kind_of_the_scenario_leads_to_a_model(part, path):
    entries = [key for key in REACHED.values() if key.startswith(".".join(path))]
    whole = any(" " not in key for key in entries)
    kinds = {re.search(r"\((.+)\)", key)[1] for key in entries if " " in key}
    assert entries, part
    assert whole or kinds >= set(shape.kinds(annotation_at(path))), part
