"""Published figures of batches, sleep, making, samplers and loading, as physics records.

``sampler("sdxl", "lightning")`` says what a step of SDXL-Lightning costs and is worth; each answer
carries its source and what in it is an assumption.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Generic, TypeVar

from cosim.errors import TraceError
from cosim.physics.cold_start import LoadQuantiles
from cosim.physics.embodied import EmbodiedCarbon
from cosim.physics.gpu_batch import BatchCurve
from cosim.physics.gpu_sleep import GpuSleep
from cosim.physics.resolution import PixelLaw
from cosim.physics.sampler import Sampler, from_scores
from cosim.traces.profile_rows import (
    Row,
    column_of,
    distinct,
    nearest_rows,
    pick,
    rows_of,
)

T = TypeVar("T")


@dataclass(frozen=True)
class Published(Generic[T]):
    """A physics record read from a table.

    Attributes:
        value: the record.
        assumed: columns that are assumptions.
        source: who published the rest.
    """

    value: T
    assumed: tuple[str, ...]
    source: str


def batch_curve(
    model: str, gpu: str, *, px: int | None = None, root: Path | None = None
) -> Published[BatchCurve]:
    """Return what a batch costs: laws fitted to published points, at one edge of the image.

    Raises:
        TraceError: for an unknown combination.
    """
    rows = _batch_rows(model, gpu, root)
    if px is not None:
        rows = pick(rows, "px", str(px), within=f" for `{model}` on `{gpu}`")
    return _batch_curve(rows[0])


def batch_curve_near(
    model: str, gpu: str, px: int, root: Path | None = None
) -> tuple[Published[BatchCurve], int]:
    """Return what a batch costs at the published edge nearest to ``px``, and that edge [pixel]."""
    row = nearest_rows(_batch_rows(model, gpu, root), px)[0]
    return _batch_curve(row), int(row.number("px"))


def _batch_rows(model: str, gpu: str, root: Path | None) -> list[Row]:
    rows = pick(rows_of("batching", root), "model", model)
    return pick(rows, "gpu", gpu, within=f" for model `{model}`")


def _batch_curve(row: Row) -> Published[BatchCurve]:
    made = partial(
        BatchCurve,
        floor_s=row.number("floor_s"),
        base_s=row.number("base_s"),
        image_s=row.number("image_s"),
        base_j=row.number("base_j"),
        image_j=row.number("image_j"),
        batch_max=int(row.number("batch_max")),
    )
    return Published(_made(row, made), (), row.text("source"))


def gpu_sleep(
    gpu: str, *, after_idle_s: float = 300.0, root: Path | None = None
) -> Published[GpuSleep]:
    """Return the sleep of a GPU kind; while waking it is taken to draw its idle power."""
    row = pick(rows_of("sleep", root), "gpu", gpu)[0]
    idle_w = row.number("idle_w")
    made = partial(
        GpuSleep, idle_w, row.number("sleep_w"), row.number("wake_s"), idle_w, after_idle_s
    )
    return Published(_made(row, made), (*_assumed(row), "wake_w"), row.text("source"))


def embodied_carbon(gpu: str, root: Path | None = None) -> Published[EmbodiedCarbon]:
    """Return what making a GPU kind emitted."""
    row = pick(rows_of("embodied", root), "gpu", gpu)[0]
    made = partial(
        EmbodiedCarbon,
        row.number("gpu_kg"),
        row.number("server_kg"),
        int(row.number("gpus_per_server")),
        row.number("life_years"),
    )
    return Published(_made(row, made), _assumed(row), row.text("source"))


def sampler(
    model: str, name: str, *, steps: int | None = None, root: Path | None = None
) -> Published[Sampler]:
    """Return a sampler of a model relative to its reference sampler.

    Args:
        model: model name.
        name: sampler name, e.g. ``lightning``.
        steps: which row, where the sampler was published at several step counts.
        root: folder of traces; default: the bundled ones.

    Returns:
        The sampler. Where the reference was scored at one step count only, how steps compare and
        that quality goes like the score are assumptions, and named as such.

    Raises:
        TraceError: for an unknown name, or where no score was published.
    """
    rows = pick(rows_of("samplers", root), "model", model)
    rows = pick(rows, "sampler", name, within=f" for model `{model}`")
    if steps is not None:
        rows = pick(rows, "steps", str(steps), within=f" for `{model}` with `{name}`")
    row = rows[0]
    one_point = len(row.text("reference").split()) == 1 and row.text("kind") != "reference"
    read_as = ("step_gain", "ceiling") if one_point else ()
    made = _made(row, partial(_sampler, row))
    return Published(made, (*_assumed(row), *read_as), row.text("source"))


def _sampler(row: Row) -> Sampler:
    steps, factor = row.number("steps"), row.number("time_factor")
    worth, score = row.optional("equivalent_steps"), row.optional("score")
    if row.text("kind") == "reference":
        return Sampler()
    if worth is not None:
        return Sampler(worth / steps, factor)
    if score is None:
        raise ValueError(
            f"no score was published for `{row.text('sampler')}` of `{row.text('model')}`"
        )
    points = [point.split(":") for point in row.text("reference").split()]
    counts, scores = (tuple(float(pair[i]) for pair in points) for i in (0, 1))
    return from_scores(steps, score, counts, scores, factor)


def samplers(root: Path | None = None) -> list[tuple[str, str, bool]]:
    """List (model, sampler, whether a scenario can name it) in file order.

    Those without a published score need the scenario's own figures.
    """
    return [
        (row.text("model"), row.text("sampler"), _usable(row)) for row in rows_of("samplers", root)
    ]


def _usable(row: Row) -> bool:
    return row.optional("score") is not None or row.optional("equivalent_steps") is not None


UNETS = frozenset({"sd15", "sd21", "sdxl"})
"""Models of the tables that denoise with a U-Net; the others are transformers."""


def family_of(model: str) -> str:
    """Return the row of the resolution table that speaks for a model."""
    return "unet" if model in UNETS else "any"


def pixel_law(px: int, family: str = "unet", root: Path | None = None) -> Published[PixelLaw]:
    """Return how cost grows with pixels, for a service measured at ``px``; price per pixel."""
    row = pick(rows_of("resolution", root), "family", family)[0]
    made = partial(PixelLaw, px, row.number("time_exponent"), row.number("energy_exponent"))
    return Published(_made(row, made), (*_assumed(row), "value_exponent"), row.text("source"))


def load_quantiles(what: str, root: Path | None = None) -> Published[LoadQuantiles]:
    """Return loading times of ``base-model`` or ``lora`` as a distribution."""
    rows = pick(rows_of("load_quantiles", root), "what", what)
    levels, seconds = column_of(rows, "quantile"), column_of(rows, "load_s")
    made = partial(LoadQuantiles, tuple(levels.tolist()), tuple(seconds.tolist()))
    return Published(_made(rows[0], made), (), rows[0].text("source"))


def check_service_tables(root: Path | None = None) -> list[str]:
    """Read every row of these tables; return what is wrong, one line each."""
    found = []
    for read in _readings(root):
        try:
            read()
        except TraceError as error:
            found.append(str(error))
    return found


def _readings(root: Path | None) -> Iterator[Callable[[], object]]:
    for row in rows_of("batching", root):
        yield partial(batch_curve, row.text("model"), row.text("gpu"), root=root)
    for row in rows_of("samplers", root):
        if _usable(row):
            yield partial(sampler, row.text("model"), row.text("sampler"), root=root)
    for row in rows_of("sleep", root):
        yield partial(gpu_sleep, row.text("gpu"), root=root)
    for row in rows_of("embodied", root):
        yield partial(embodied_carbon, row.text("gpu"), root)
    for row in rows_of("resolution", root):
        yield partial(pixel_law, 1024, row.text("family"), root)
    for what in distinct(row.text("what") for row in rows_of("load_quantiles", root)):
        yield partial(load_quantiles, what, root)


def _assumed(row: Row) -> tuple[str, ...]:
    return tuple(row.text("assumed").split())


def _made(row: Row, make: Callable[[], T]) -> T:
    """Make a record; a figure that physics refuses is an error of that line of the table."""
    try:
        return make()
    except ValueError as error:
        raise TraceError(f"profiles/{row.table}.csv:{row.line}: {error}") from error
