"""``cosim traces``: what data there is, whose it is, and whether it is still what it was."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cosim.cli import console, options
from cosim.errors import TraceError

if TYPE_CHECKING:
    from cosim.traces.catalogue import Entry


@click.group("traces")
def command() -> None:
    """List and check the traces that ship with cosim; bring your own; fit a workload."""


@command.command("list")
@click.option("--kind", help="Only this kind: weather, price, carbon, jobs, profile.")
@options.json_option
def list_(kind: str | None, as_json: bool) -> None:
    """List every trace with its place, coverage, owner and columns."""
    from cosim.traces.catalogue import Catalogue

    entries = [e for e in Catalogue.load().entries.values() if kind in (None, e.kind)]
    if as_json:
        console.emit_json({"traces": [_facts(entry) for entry in entries]})
        return
    rows = [(e.id, e.place, _coverage(e), e.owner, " ".join(e.columns)) for e in entries]
    console.table(("trace", "place", "coverage", "owner", "columns"), rows)
    console.next_step("cosim traces check")


def _coverage(entry: Entry) -> str:
    if not entry.stamped:
        return f"{entry.rows} rows"
    span = f"{entry.start_utc[:10]} – {entry.end_utc[:10]}"
    return f"typical year ({span})" if entry.calendar == "nominal" else span


def _facts(entry: Entry) -> dict[str, Any]:
    names = (
        *("id", "kind", "what", "place", "owner", "licence", "remarks", "sha256", "rows"),
        *("calendar", "step_s", "start_utc", "end_utc", "units", "packages"),
    )
    return {name: getattr(entry, name) for name in names}


@command.command("check")
@click.argument("ids", nargs=-1, metavar="[ID]...")
@options.json_option
def check(ids: tuple[str, ...], as_json: bool) -> None:
    """Check hash, columns, coverage, gaps, range and clock of all traces, or of those named."""
    from cosim.traces.catalogue import Catalogue
    from cosim.traces.checks import check_catalogue, check_entry

    catalogue = Catalogue.load()
    for trace_id in ids:
        catalogue.entry(trace_id)
    named = [row for trace_id in ids for row in check_entry(catalogue, trace_id)]
    results = named if ids else check_catalogue(catalogue)
    if as_json:
        rows = [vars(row) for row in results]
        console.emit_json({"ok": all(r.status != "fail" for r in results), "checks": rows})
    else:
        cells = [(row.trace, row.check, row.status, row.detail) for row in results]
        console.table(("trace", "check", "status", "detail"), cells)
    failed = [f"{row.trace}: {row.check}: {row.detail}" for row in results if row.status == "fail"]
    if failed:
        raise TraceError("\n".join([*failed, f"{len(failed)} of {len(results)} checks failed."]))
    console.next_step("cosim show scenarios/quickstart.yaml")


@command.command("import")
@click.argument("recipe", type=click.Path(path_type=Path), metavar="RECIPE")
@click.option(
    *("--from", "source"),
    type=click.Path(path_type=Path),
    required=True,
    metavar="FOLDER",
    help="Folder that the recipe's paths are relative to.",
)
@options.json_option
def import_(recipe: Path, source: Path, as_json: bool) -> None:
    """Bring the files that RECIPE (a TOML file beside a scenario) names into data/ beside it."""
    from cosim.traces.importers.bring import bring
    from cosim.traces.importers.recipe import read_recipe

    done = bring(read_recipe(recipe), source)
    if as_json:
        console.emit_json({"files": [asdict(one) for one in done]})
        return
    flags = [", ".join(f"{share:.1%} {flag}" for flag, share in f.flagged.items()) for f in done]
    rows = [
        (f.name, f"{f.rows:,}", f"{f.left:,}", f.span, x) for f, x in zip(done, flags, strict=True)
    ]
    console.table(("file", "rows", "left out", "covers", "flagged"), rows)
    console.next_step(f"cosim validate {recipe.parent / 'scenario.yaml'}")


@command.command("fit-workload")
@click.argument("file", type=click.Path(path_type=Path), metavar="FILE")
@click.option("--utc-offset-h", default=0.0, help="Local time minus the file's clock [h].")
@options.json_option
def fit_workload(file: Path, utc_offset_h: float, as_json: bool) -> None:
    """Calibrate profile, arrival process and marks on a request file (CSV or CSV.GZ)."""
    from cosim.scenario.lock import as_yaml
    from cosim.traces.fit import fit_workload as fit

    if not file.is_file():
        raise TraceError(f"no file {file}")
    found = fit(file, utc_offset_h=utc_offset_h)
    if as_json:
        console.emit_json({**asdict(found), "workload": found.scenario()})
        return
    shown = {k: v for k, v in asdict(found).items() if not isinstance(v, tuple | dict)}
    rows = [(k, f"{v:,.4g}" if isinstance(v, float) else str(v)) for k, v in shown.items()]
    console.table(("statistic", "value"), rows)
    click.echo(as_yaml({"workload": found.scenario()}), nl=False)
    console.next_step("put this `workload:` into a scenario, then cosim validate SCENARIO")
