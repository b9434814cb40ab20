"""Is the generated reference complete and up to date?"""

import json

from pydantic import BaseModel

from cosim.scenario import model
from cosim.scenario.reference import json_schema, reference_markdown, unit_of


def test_the_committed_pages_are_what_the_model_says(repository_root):
    docs = repository_root / "docs"
    assert (docs / "scenario.md").read_text(encoding="utf-8") == reference_markdown()
    assert json.loads((docs / "scenario.schema.json").read_text(encoding="utf-8")) == json_schema()


def test_every_key_of_every_part_is_in_the_reference():
    page = reference_markdown()
    parts = [
        part
        for part in vars(model).values()
        if isinstance(part, type)
        and issubclass(part, BaseModel)
        and part.__module__.startswith("cosim.scenario.")
        and part is not model.Part
        and not part.__name__.startswith("_")
    ]
    assert len(parts) > 30
    for part in parts:
        heading = f"## {part.__name__}"
        section = page[page.index(heading + ("\n" if f"{heading}\n" in page else " (")) :]
        section = section[: section.find("\n## ", 5)]
        for name, field in part.model_fields.items():
            assert f"| `{field.alias or name}` |" in section, (part, name)


def test_units_come_from_the_key_or_the_meaning():
    assert unit_of("capacity_kwh") == "kWh"
    assert unit_of("charge_kw_max") == "kW"
    assert unit_of("usd_per_kwh") == "USD/kWh"
    assert unit_of("days", "Length of the window [days].") == "days"
    assert unit_of("soc", "Quality in [0, 1].") == ""


def test_editors_accept_what_the_loader_accepts():
    schema = json_schema()
    assert schema["$schema"].endswith("2020-12/schema")
    assert "extends" in schema["properties"]
    assert {"type": "string"} in schema["$defs"]["Grid"]["properties"]["price"]["anyOf"]
    pv = schema["$defs"]["Site"]["properties"]["pv"]
    assert {"type": "null"} in pv["anyOf"]
