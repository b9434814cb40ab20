"""``cosim schema``: the scenario file for editors (JSON Schema) and for readers (Markdown)."""

from __future__ import annotations

import json

import click

from cosim.cli import console
from cosim.errors import UsageError


@click.command("schema")
@click.option("--markdown", is_flag=True, help="Print the reference page (docs/scenario.md).")
@click.option("--models", is_flag=True, help="Print the physical models (docs/models.md).")
def command(markdown: bool, models: bool) -> None:
    """Print the JSON Schema of the scenario file on stdout."""
    from cosim.scenario.reference import json_schema, reference_markdown

    if markdown and models:
        raise UsageError("--markdown and --models are two pages; ask for one")
    if models:
        from cosim.scenario.model_page import models_markdown

        click.echo(models_markdown(), nl=False)
        return
    if markdown:
        click.echo(reference_markdown(), nl=False)
        return
    click.echo(json.dumps(json_schema(), indent=1, ensure_ascii=False))
    console.next_step("cosim schema --markdown, or point your editor at docs/scenario.schema.json")
