"""``cosim bench``: every engine on the same jobs, timed, and held to the same results."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from cosim.cli import console, options

if TYPE_CHECKING:
    from cosim.bench.measure import Measure
    from cosim.bench.sizes import Size


@click.command("bench")
@click.option("--size", default="S", show_default=True, metavar="S|M|L|X|R", help="How large.")
@click.option("--repeat", type=click.IntRange(min=1), default=3, show_default=True)
@click.option(
    "--quick", is_flag=True, help="Scale slow engines up from size S and compare there; says so."
)
@options.json_option
@options.quiet_option
def command(size: str, repeat: int, quick: bool, as_json: bool, quiet: bool) -> None:
    """Time the textbook model, the reference and the fast engine on the same jobs.

    Processor time on one core, without drawing the jobs and compiling. Leaves with 1 if the
    engines disagree about a single job or meter bin. Size R times a learner's environment.
    """
    if size.upper() == "R":
        from cosim.cli.bench_learning import time_learning

        time_learning(repeat, as_json, quiet)
        return
    from cosim.bench.measure import identical
    from cosim.bench.sizes import size_named

    chosen = size_named(size.upper())
    measures, checked = _all(chosen, repeat, quick, quiet)
    same = identical(checked)
    if as_json:
        console.emit_json(_json(chosen, measures, same))
    if not quiet:
        _table(chosen, measures)
        console.say("IDENTICAL" if same else "DIFFERENT: the engines disagree; times are void")
    if not same:
        raise click.exceptions.Exit(1)


def _all(size: Size, repeat: int, quick: bool, quiet: bool) -> tuple[list[Measure], list[Measure]]:
    """Measure all engines, slow ones once where they take minutes; and what is to be compared.

    Where slow engines are scaled up from size S, the comparison is made on size S.
    """
    from cosim.bench.measure import SLOW, estimate, measure
    from cosim.bench.sizes import SIZES

    fast = measure("fast", size, repeat)
    scaled = quick and size.name != "S"
    measures, checked = [], [measure("fast", SIZES["S"], 1) if scaled else fast]
    for engine in SLOW:
        if not quiet:
            console.say(f"{engine} …")
        if scaled:
            small = measure(engine, SIZES["S"], 1)
            measures.append(estimate(engine, size, small, fast.steps))
            checked.append(small)
        else:
            measures.append(measure(engine, size, repeat if size.name == "S" else 1))
            checked.append(measures[-1])
    return [*measures, fast], checked


def _json(size: Size, measures: list[Measure], same: bool) -> dict[str, Any]:
    return {
        "size": size.name,
        "identical": same,
        "engines": {m.engine: _row(m, measures) for m in measures},
    }


def _row(measure: Measure, measures: list[Measure]) -> dict[str, Any]:
    seconds = {m.engine: m.median_s for m in measures}
    return {
        "cpu_s": measure.median_s,
        "cpu_s_min": min(measure.cpu_s),
        "cpu_s_max": max(measure.cpu_s),
        "jobs_per_s": measure.jobs / measure.median_s,
        "steps_per_s": measure.steps / measure.median_s,
        "peak_mb": measure.peak_mb,
        "ratio_textbook": seconds["textbook"] / measure.median_s,
        "ratio_reference": seconds["reference"] / measure.median_s,
        "digest": measure.digest,
        "estimated": measure.estimated,
    }


def _table(size: Size, measures: list[Measure]) -> None:
    rows = []
    for measure in measures:
        row = _row(measure, measures)
        times = f"{row['cpu_s']:.3f} ({row['cpu_s_min']:.3f}-{row['cpu_s_max']:.3f})"
        rows.append(
            (
                measure.engine + (" (estimated)" if measure.estimated else ""),
                times,
                f"{row['jobs_per_s'] / 1e3:.0f} k",
                f"{row['steps_per_s'] / 1e6:.2f} M",
                f"{row['peak_mb']:.0f}",
                f"{row['ratio_textbook']:.1f}",
                f"{row['ratio_reference']:.1f}",
            )
        )
    headings = ("engine", "CPU s", "jobs/s", "steps/s", "peak MB", "× textbook", "× reference")
    title = f"size {size.name}: {size.jobs} jobs, {size.sites} × {size.gpus} GPUs"
    console.table(headings, rows, title=title)
