"""From a name to a policy: entry points, ``module:Class``, ``NAME@CHECKPOINT``, pairs of layers.

Whoever installs a package with an entry point in the group ``cosim.policies``,
``cosim.energy_layers`` or ``cosim.learners`` adds a name; nothing here knows a policy by heart.
Names are listed without importing the modules behind them, so that a listing never loads a
learning library. A learner is trained under its name and acts as ``NAME@CHECKPOINT``.
"""

from __future__ import annotations

import ast
import inspect
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from cosim.errors import PolicyError, UsageError, did_you_mean

if TYPE_CHECKING:
    from cosim.decision import Policy
    from cosim.gym.learner import Recipe

Kind = Literal["schedule", "energy"]
Group = Literal["schedule", "energy", "learner"]

GROUPS: dict[Group, str] = {
    "schedule": "cosim.policies",
    "energy": "cosim.energy_layers",
    "learner": "cosim.learners",
}
WORDS: dict[Group, str] = {
    "schedule": "scheduling policy",
    "energy": "energy layer",
    "learner": "learner",
}
A_WORD: dict[Group, str] = {
    "schedule": "a scheduling policy",
    "energy": "an energy layer",
    "learner": "a learner",
}
EXTRAS = {
    "torch": "learn",
    "safetensors": "learn",
    "gymnasium": "learn",
    "stable_baselines3": "learn",
    "tensorboard": "learn",
    "simses": "bess",
}
OWN_DISTRIBUTION = "cosim-testbed"


def available(kind: Group) -> dict[str, str]:
    """Return the registered names of a kind with the first line of each one's docstring.

    Args:
        kind: ``schedule``, ``energy`` or ``learner``.

    Returns:
        Names in alphabetical order; the summary is empty where no source can be read.
    """
    entries = _entries(kind)
    return {name: _summary(entries[name].value) for name in sorted(entries)}


def names(kind: Group) -> list[str]:
    """Registered names of a kind, in alphabetical order; no source is read for it."""
    return sorted(_entries(kind))


def module_of(name: str, kind: Kind) -> str:
    """Name of the module that a policy comes from; a learner's is that of its recipe.

    Args:
        name: ``NAME`` or ``module:Class``.
        kind: whether a scheduling policy or an energy layer is meant.

    Raises:
        UsageError: no such name is registered.
    """
    if ":" in name:
        return name.partition(":")[0]
    found = {**_entries("learner"), **_entries(kind)}
    if name not in found:
        raise UsageError(f"unknown {WORDS[kind]} `{name}`{did_you_mean(name, sorted(found))}")
    return found[name].module


def load_policy(spec: str, options: Mapping[str, Any] | None = None, *, kind: Kind) -> Policy:
    """Build the policy that a user named.

    Args:
        spec: ``NAME``, ``NAME@CHECKPOINT``, ``module:Class`` or ``module:Class@CHECKPOINT``.
        options: keyword options of its constructor.
        kind: whether a scheduling policy or an energy layer is meant.

    Raises:
        UsageError: no such name, module or class, or an optional library is missing.
        PolicyError: it does not take these options, or is no policy.
    """
    name, _, checkpoint = spec.partition("@")
    given = dict(options or {})
    if checkpoint and "checkpoint" in given:
        raise PolicyError(spec, "the checkpoint is given twice", field="checkpoint")
    if "@" in spec:
        if not checkpoint:
            raise UsageError(f"`{spec}` names no checkpoint after the @")
        given["checkpoint"] = checkpoint
    maker = _from_module(name) if ":" in name else _maker(name, kind, given)
    _check_options(name, maker, given)
    return _construct(name, maker, given)


def load_recipe(name: str, options: Mapping[str, Any] | None = None) -> Recipe:
    """Build the learner that a user named, before it has seen a world.

    Args:
        name: ``NAME`` or ``module:Class``.
        options: keyword options of its constructor.

    Raises:
        UsageError: there is no such learner.
        PolicyError: it refuses the options.
    """
    maker = _from_module(name) if ":" in name else _from_entry(name, "learner")
    given = dict(options or {})
    _check_options(name, maker, given)
    recipe: Recipe = _built(name, maker, given)
    lacking = [word for word in ("options", "begin", "play") if not hasattr(recipe, word)]
    if lacking:
        raise PolicyError(name, f"is no learner: it has no `{'`, `'.join(lacking)}`")
    return recipe


def parted(spec: str) -> tuple[str, str | None]:
    """Part a scheduler from the energy layer that it brings along: ``price-aware+look-ahead``.

    A `+` in the path of a checkpoint is part of the path, unless an energy layer's name follows.

    Args:
        spec: ``NAME``, ``NAME@CHECKPOINT`` or ``module:Class``, and after a `+` an energy layer.

    Returns:
        (scheduler, energy layer or None).
    """
    schedule, plus, energy = spec.rpartition("+")
    if not plus or not schedule:
        return spec, None
    layer = energy.partition("@")[0]
    module = ":" in layer and all(part.isidentifier() for part in re.split(r"[.:]", layer))
    if "@" in schedule and not module and layer not in _entries("energy"):
        return spec, None
    return schedule, energy


@contextmanager
def extras_of(name: str) -> Iterator[None]:
    """Tell how to install what a learner lacks once it begins.

    Raises:
        UsageError: a library of an extra is not here.
    """
    try:
        yield
    except ImportError as problem:
        raise _missing(name, "", problem) from None


def _maker(name: str, kind: Kind, given: Mapping[str, Any]) -> Any:
    """What makes a policy: its class, or of a learner what acts from a checkpoint.

    Raises:
        UsageError: there is no such policy, or a learner has no checkpoint.
    """
    if kind != "schedule" or name in _entries("schedule") or name not in _entries("learner"):
        return _from_entry(name, kind)
    if "checkpoint" not in given:
        raise UsageError(needs_checkpoint(name))
    return _from_entry(name, "learner").play


def needs_checkpoint(name: str) -> str:
    """What to say where a learner is named that was not trained."""
    return (
        f"`{name}` learns, and acts from a checkpoint: `{name}@FOLDER`, "
        f"made by cosim train SCENARIO -p {name}"
    )


def _entries(kind: Group) -> dict[str, EntryPoint]:
    """Registered entry points by name; another package cannot replace one of ours."""
    return _listed(GROUPS[kind], entry_points, tuple(sys.path))


@lru_cache(maxsize=16)
def _listed(
    group: str, listing: Callable[..., Iterable[EntryPoint]], path: tuple[str, ...]
) -> dict[str, EntryPoint]:
    """What is installed on a path does not change while we run; a study asks for every run."""
    del path
    found: dict[str, EntryPoint] = {}
    for entry in listing(group=group):
        ours = entry.dist is not None and entry.dist.name == OWN_DISTRIBUTION
        if ours or entry.name not in found:
            found[entry.name] = entry
    return found


def _summary(value: str) -> str:
    """First line of the docstring of ``module:Class``, read from its source, not imported."""
    module, _, attribute = value.partition(":")
    try:
        spec = find_spec(module)
        if spec is None or spec.origin is None:
            return ""
        tree = ast.parse(Path(spec.origin).read_text(encoding="utf-8"))
    except Exception:  # a stranger's broken package must not break the listing of all others
        return ""
    for node in tree.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and node.name == attribute:
            return (ast.get_docstring(node) or "").split("\n", 1)[0]
    return ""


def _from_entry(name: str, kind: Group) -> Any:
    entries = _entries(kind)
    if name in entries:
        return _import(name, entries[name].value)
    if not entries:
        raise UsageError(
            f"no {WORDS[kind]} is registered, so `{name}` cannot be found; "
            "install the project itself: pip install -e ."
        )
    for other in GROUPS:
        if other != kind and name in _entries(other):
            raise UsageError(f"`{name}` is {A_WORD[other]}; {A_WORD[kind]} is needed here")
    raise UsageError(f"unknown {WORDS[kind]} `{name}`{did_you_mean(name, sorted(entries))}")


def _from_module(name: str) -> Any:
    module, _, attribute = name.partition(":")
    parts = [*module.split("."), attribute]
    if not all(part.isidentifier() for part in parts):
        raise UsageError(f"`{name}` is not of the form `module:Class`, e.g. `my_policies:Mine`")
    return _import(name, name)


def _import(name: str, value: str) -> Any:
    """Import ``module:Class``, turning every failure into a sentence."""
    module, _, attribute = value.partition(":")
    try:
        home = import_module(module)
    except ImportError as problem:
        raise _missing(name, module, problem) from None
    except Exception as problem:
        text = f"its module `{module}` fails on import: {type(problem).__name__}: {problem}"
        raise PolicyError(name, text) from problem
    if not hasattr(home, attribute):
        classes = [k for k, v in vars(home).items() if inspect.isclass(v)]
        hint = did_you_mean(attribute, classes)
        raise UsageError(f"policy `{name}`: `{module}` has no `{attribute}`{hint}")
    return getattr(home, attribute)


def _missing(name: str, module: str, problem: ImportError) -> UsageError:
    """Say which library a policy lacks and how to install it."""
    lacking = (problem.name or "").split(".")[0]
    if lacking in EXTRAS:
        install = f"pip install '{OWN_DISTRIBUTION}[{EXTRAS[lacking]}]'"
        return UsageError(f"policy `{name}` needs `{lacking}`, which is not here: {install}")
    if problem.name and (module == problem.name or module.startswith(f"{problem.name}.")):
        where = "install it, or run with PYTHONPATH=FOLDER naming the folder it is in"
        return UsageError(f"policy `{name}`: there is no module `{problem.name}`; {where}")
    return UsageError(f"policy `{name}`: its module `{module}` cannot be imported: {problem}")


def _check_options(name: str, maker: Any, given: Mapping[str, Any]) -> None:
    """Refuse options that the constructor does not take, and name those it does."""
    if not callable(maker):
        raise PolicyError(name, f"is a {type(maker).__name__}, not a policy class")
    accepted = _accepted(maker)
    if any(p.kind is p.VAR_KEYWORD for p in accepted.values()):
        return
    problems = [
        f"unknown option `{option}`{did_you_mean(option, list(accepted)) if accepted else ''}"
        for option in given
        if option not in accepted
    ]
    problems += [
        f"option `{option}` must be given"
        for option, parameter in accepted.items()
        if parameter.default is parameter.empty and option not in given
    ]
    if problems:
        raise PolicyError(name, f"{'; '.join(problems)} ({_options_text(maker)})")


def _accepted(maker: Any) -> dict[str, inspect.Parameter]:
    """Keyword options of a constructor, by name."""
    try:
        parameters = inspect.signature(maker).parameters.values()
    except (TypeError, ValueError):  # a class written in C tells no signature
        return {"options": inspect.Parameter("options", inspect.Parameter.VAR_KEYWORD)}
    unnamed = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.VAR_POSITIONAL)
    return {p.name: p for p in parameters if p.kind not in unnamed}


def _options_text(maker: Any) -> str:
    """List the options with their defaults."""
    parts = [
        p.name if p.default is p.empty else f"{p.name}={p.default!r}"
        for p in _accepted(maker).values()
    ]
    return f"options: {', '.join(parts)}" if parts else "it takes no options"


def _built(name: str, maker: Any, given: dict[str, Any]) -> Any:
    """Call a constructor, turning every failure into a sentence."""
    try:
        return maker(**given)
    except ImportError as problem:
        raise _missing(name, getattr(maker, "__module__", ""), problem) from None
    except (TypeError, ValueError) as problem:
        raise PolicyError(name, f"{problem} ({_options_text(maker)})") from problem
    except OSError as problem:
        raise PolicyError(name, f"cannot be loaded: {problem}") from problem


def _construct(name: str, maker: Any, given: dict[str, Any]) -> Policy:
    from cosim.decision import Policy  # listing names needs no arrays

    policy: Policy = _built(name, maker, given)
    lacking = [word for word in ("reset", "decide") if not callable(getattr(policy, word, None))]
    if lacking or not isinstance(policy, Policy):
        methods = " and ".join(f"`{word}`" for word in lacking)
        raise PolicyError(name, f"has no method {methods}; see cosim.decision.Policy")
    return policy
