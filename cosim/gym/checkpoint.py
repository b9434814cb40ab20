"""A checkpoint: the folder from which a trained policy acts.

    DIR/actor.json          what it is: learner, how the world was shown, how it was trained
    DIR/actor.safetensors   its numbers

Both names are fixed, so that nothing in the JSON can lead out of the folder; the JSON carries the
SHA-256 of the numbers, so that the two cannot be of different checkpoints.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cosim.errors import OtherWorldError, UsageError
from cosim.gym.tensors import from_bytes, to_bytes

if TYPE_CHECKING:
    from cosim.decision import WorldInfo
    from cosim.gym.codec import Codec
    from cosim.gym.worlds import Settings

FORMAT = 1
FACTS, NUMBERS = "actor.json", "actor.safetensors"
MAX_BYTES = 500_000_000
SHOWN = {
    **{"encoding": str, "clock": bool, "battery": bool, "refuse": bool, "detail": str},
    "room": bool,
}
"""What of the settings says how views and actions are laid out."""
SILENT: dict[str, Any] = {"room": False}
"""What those mean that a checkpoint written before they were there does not say."""


@dataclass(frozen=True)
class Checkpoint:
    """What acts.

    Attributes:
        facts: plain data.
        tensors: arrays by name.
        folder: where it was read from.
    """

    facts: dict[str, Any]
    tensors: dict[str, NDArray[Any]]
    folder: Path

    def fault(self, message: str, kind: type[UsageError] = UsageError) -> UsageError:
        """An error that says which checkpoint is meant."""
        return kind(f"checkpoint {self.folder}: {message}")

    def fact(self, name: str, kind: type) -> Any:
        """A fact of a given type.

        Raises:
            UsageError: it is missing or of another type.
        """
        value = self.facts.get(name)
        if not isinstance(value, kind):
            raise self.fault(f"`{name}` in {FACTS} is {value!r}; a {kind.__name__} is needed")
        return value

    def tensor(self, name: str, *shape: int) -> NDArray[np.float32]:
        """An array of finite numbers of a given shape.

        Raises:
            UsageError: it is missing, of another shape, or holds a NaN.
        """
        if name not in self.tensors:
            raise self.fault(f"{NUMBERS} has no array `{name}`")
        array = self.tensors[name]
        if array.shape != shape or array.dtype != np.float32:
            said = f"array `{name}` is {array.dtype} of shape {array.shape}"
            raise self.fault(f"{said}; float32 of shape {shape} is needed")
        if not np.isfinite(array).all():
            raise self.fault(f"array `{name}` holds a number that is not finite")
        return array


def write_checkpoint(
    folder: Path, facts: Mapping[str, Any], tensors: Mapping[str, NDArray[Any]]
) -> None:
    """Write a checkpoint; each file appears complete or not at all, the JSON last."""
    from cosim.store.atomic import write_json, write_with

    content = to_bytes(tensors)
    write_with(folder / NUMBERS, lambda path: _put(path, content))
    seal = {"format": FORMAT, "sha256": sha256(content).hexdigest()}
    write_json(folder / FACTS, {**seal, **facts, **seal})


def read_checkpoint(folder: Path) -> Checkpoint:
    """Read a checkpoint.

    Args:
        folder: its folder, or one of its two files.

    Raises:
        UsageError: there is none, it is damaged, of another version, or a link leads out of it.
    """
    home = folder.parent if folder.name in (FACTS, NUMBERS) else folder
    if not home.is_dir():
        raise UsageError(f"checkpoint {folder}: there is no such folder; `cosim train` makes one")
    facts = read_facts(home)
    content = _content(home, NUMBERS)
    found = Checkpoint(facts, from_bytes(content, home / NUMBERS), home)
    if facts.get("format") != FORMAT:
        said = f"format {facts.get('format')!r}"
        raise found.fault(f"{FACTS} has {said}; this version reads format {FORMAT}")
    if facts.get("sha256") != sha256(content).hexdigest():
        raise found.fault(f"{NUMBERS} is not the file that {FACTS} was written for")
    return found


def layout_of(codec: Codec, settings: Settings) -> dict[str, Any]:
    """How a world was shown to a learner, as plain data for a checkpoint."""
    every = asdict(settings)
    return {"settings": {name: every[name] for name in SHOWN}, **_names(codec)}


def codec_of(found: Checkpoint, world: WorldInfo) -> Codec:
    """The layouts that a checkpoint was trained with, in a world.

    Raises:
        OtherWorldError: they do not fit; names what differs first.
        UsageError: the checkpoint is damaged.
    """
    from cosim.gym.codec import Codec

    given: dict[str, Any] = {**SILENT, **found.fact("settings", dict)}
    if set(given) != set(SHOWN):
        raise found.fault(f"`settings` has {sorted(given)}; needed are {sorted(SHOWN)}")
    for name, kind in SHOWN.items():
        if not isinstance(given[name], kind):
            raise found.fault(f"`settings.{name}` is {given[name]!r}; a {kind.__name__} is needed")
    try:
        codec = Codec(world, **given)
    except UsageError as problem:
        raise found.fault(str(problem), OtherWorldError) from None
    for name, here in _names(codec).items():
        there: list[Any] = found.fact(name, list)
        if there != here:
            raise found.fault(_difference(name, there, here), OtherWorldError)
    return codec


def _names(codec: Codec) -> dict[str, list[str]]:
    """Names of all numbers of a view and of an action."""
    return {
        "view": [f"{each.site or 'all'}/{each.name}" for each in codec.view.columns],
        "action": [f"{each.place}/{each.name}" for each in codec.action.coordinates],
    }


def _difference(what: str, there: list[Any], here: list[str]) -> str:
    """In what a world differs from the one of the training."""
    pairs = zip(there, here, strict=False)
    at = next((k for k, (one, other) in enumerate(pairs) if one != other), None)
    if at is None:
        first = f"its {what} has {len(there)} numbers there, {len(here)} here"
    else:
        first = f"number {at} of its {what} is `{there[at]}` there and `{here[at]}` here"
    return f"it was trained in a world of another make: {first}"


def read_facts(home: Path) -> dict[str, Any]:
    """What a checkpoint says of itself, without its numbers.

    Raises:
        UsageError: there is none, or it is no JSON object.
    """
    content = _content(home, FACTS)
    try:
        facts = json.loads(content)
    except (ValueError, RecursionError):
        raise UsageError(f"checkpoint {home}: {FACTS} is not JSON") from None
    if not isinstance(facts, dict):
        raise UsageError(f"checkpoint {home}: {FACTS} is not a JSON object")
    return facts


def _content(home: Path, name: str) -> bytes:
    """Content of a file that lies in the folder itself."""
    path = home / name
    if not path.is_file():
        raise UsageError(f"checkpoint {home}: it has no {name}; `cosim train` makes one")
    if path.resolve().parent != home.resolve():
        raise UsageError(f"checkpoint {home}: {name} is a link that leads out of the folder")
    if path.stat().st_size > MAX_BYTES:
        raise UsageError(f"checkpoint {home}: {name} is larger than {MAX_BYTES} bytes")
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"checkpoint {home}: {name} cannot be read: {error.strerror}") from None


def _put(path: Path, content: bytes) -> None:
    path.write_bytes(content)
