"""Options and arguments that several commands share."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from cosim.errors import UsageError

if TYPE_CHECKING:
    from cosim.plugins import Kind
    from cosim.scenario.load import Draft, Loaded
    from cosim.scenario.model import Scenario

SEEDS_MAX = 10_000
F = TypeVar("F", bound=Callable[..., Any])


def scenario_argument(function: F) -> F:
    """SCENARIO: a YAML file."""
    return click.argument("scenario", metavar="SCENARIO")(function)


def policies_option(function: F) -> F:
    """``-p NAME``, as often as wanted."""
    return click.option(
        *("-p", "--policy", "policies"),
        multiple=True,
        metavar="NAME",
        help="Policy NAME, NAME@CHECKPOINT or module:Class, with an energy layer of its own "
        "NAME+LAYER; repeat it. The first is the baseline.",
    )(function)


def _known_layer(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """Refuse an energy layer that does not exist."""
    del ctx, param
    known_policies((value,) if value else (), "energy")
    return value


def energy_option(function: F) -> F:
    """``--energy NAME``: the layer under policies that bring none."""
    return click.option(
        "--energy",
        metavar="NAME",
        callback=_known_layer,
        help="Energy layer under policies without one of their own; default: the scenario's.",
    )(function)


def overrides_option(function: F) -> F:
    """``-o key.path=value``, as often as wanted."""
    return click.option(
        "-o",
        "--override",
        "overrides",
        multiple=True,
        metavar="KEY=VALUE",
        help="Override one value, e.g. -o sites.paris.gpus.count=8; may be repeated.",
    )(function)


def json_option(function: F) -> F:
    """``--json``: results for programs on stdout."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout.")(function)


def quiet_option(function: F) -> F:
    """``--quiet``: errors only."""
    return click.option("-q", "--quiet", is_flag=True, help="Print errors only.")(function)


def engine_option(function: F) -> F:
    """``--engine``: how pools advance; all engines give the same results."""
    return click.option(
        "--engine",
        type=click.Choice(["reference", "fast"]),
        help="Engine; default: the scenario's.",
    )(function)


def jobs_option(function: F) -> F:
    """``--jobs N``: processes."""
    return click.option(
        "-j",
        "--jobs",
        type=click.IntRange(min=1),
        default=_cores,
        show_default="cores of this machine",
        help="Processes to run side by side; results do not depend on it.",
    )(function)


def cluster_option(function: F) -> F:
    """``--cluster ADDRESS``: a Dask scheduler."""
    return click.option(
        "--cluster",
        metavar="ADDRESS",
        help="Run on the Dask cluster whose scheduler is at ADDRESS, instead of --jobs.",
    )(function)


def days_option(function: F) -> F:
    """``--days WHICH``: at which dates windows begin."""
    return click.option(
        "--days",
        metavar="WHICH",
        help="test, train, window (the scenario's own) or dates, 2019-05-01,2019-05-06.."
        "2019-05-08; default: test where the scenario has test_days.",
    )(function)


def chosen_days(text: str | None) -> tuple[str | None, tuple[str, ...]]:
    """Which days are meant; dates become the scenario's, and go through the same checks."""
    if text is None or text in ("test", "train", "window"):
        return text, ()
    return "test", (f"test_days=[{text}]",)


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def seed_list(
    ctx: click.Context, param: click.Parameter, value: str | None
) -> tuple[int, ...] | None:
    """Read ``1,2,3`` or ``1..10``: distinct whole numbers, at least 0."""
    if value is None:
        return None
    try:
        seeds = tuple(seed for part in value.split(",") for seed in _seeds_in(part))
    except ValueError:
        said = f"`{value}` is not a list of whole numbers such as 1,2,3 or 1..10"
        raise click.BadParameter(said, ctx, param) from None
    if min(seeds, default=-1) < 0 or len(set(seeds)) != len(seeds):
        raise click.BadParameter(f"`{value}`: seeds are at least 0 and all different", ctx, param)
    return seeds


def _seeds_in(part: str) -> range:
    """The numbers of ``3`` or ``1..10``, both ends included.

    Raises:
        ValueError: it is neither, or has too many.
    """
    first, _, last = part.partition("..")
    found = range(int(first), int(last or first) + 1)
    if len(found) > SEEDS_MAX:
        raise ValueError(f"more than {SEEDS_MAX} seeds")
    return found


def seeds_options(function: F) -> F:
    """``--seeds 1,2,3`` or ``--seeds 1..10``, or ``--seed N``."""
    text = "Seeds; 1..10 are ten."
    many = click.option("--seeds", callback=seed_list, metavar="1,2,3", help=text)
    one = click.option("--seed", type=click.IntRange(min=0), help="A single seed.")
    return many(one(function))


def chosen_seeds(seeds: tuple[int, ...] | None, seed: int | None) -> tuple[int, ...] | None:
    """Return the seeds asked for; None leaves them to the scenario."""
    if seeds is not None and seed is not None:
        raise click.UsageError("give --seeds or --seed, not both")
    return (seed,) if seed is not None else seeds


def not_named(names: tuple[str, ...], scenario: Scenario) -> tuple[str, ...]:
    """Those of some policies that are not called so by the scenario itself."""
    return tuple(name for name in names if scenario.policy.called(name) is None)


def known_policies(names: tuple[str, ...], kind: Kind = "schedule") -> None:
    """Refuse policies that do not exist before anything runs; classes are tried when loaded.

    Raises:
        UsageError: naming every unknown one and the nearest that there is.
    """
    from cosim.scenario.names import policy_fault, registered

    known = registered(kind) if names else []
    faults = [fault for name in names if (fault := policy_fault(name, kind, known))]
    if faults:
        raise UsageError("\n".join(faults))


def values(pairs: tuple[str, ...], flag: str) -> dict[str, Any]:
    """Read ``name=value`` pairs; a value is read by the rules of the scenario file.

    Raises:
        ScenarioError: a value is not YAML.
    """
    from cosim.scenario.yaml12 import read_text

    found: dict[str, Any] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name.strip() or not value.strip():
            raise click.UsageError(f"{flag} {pair}: must be name=value")
        found[name.strip()] = read_text(value, f"{flag} {pair}").data
    return found


def load(scenario: str, overrides: tuple[str, ...], engine: str | None = None) -> Loaded:
    """Load a scenario named on the command line; shipped ones are found from any folder."""
    return draft(scenario, overrides, engine).checked()


def draft(scenario: str, overrides: tuple[str, ...], engine: str | None = None) -> Draft:
    """Read a scenario named on the command line, to be checked with what varies in it."""
    from cosim.scenario.load import draft as read

    extra = (f"engine={engine}",) if engine else ()
    return read(found(scenario), (*overrides, *extra))


def found(scenario: str) -> Path:
    """Where there is no such file, ``scenarios/…`` means the ones that ship with cosim."""
    path = Path(scenario)
    if path.exists() or path.parts[:1] != ("scenarios",) or ".." in path.parts:
        return path
    from cosim.traces.catalogue import bundled

    shipped = bundled("scenarios").joinpath(*path.parts[1:])
    return shipped if shipped.is_file() else path
