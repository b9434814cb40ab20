"""Files that appear complete or not at all: written beside their place, flushed, then renamed."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cosim.errors import UsageError

_TEMPORARY = ".tmp"


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary file in the same folder that takes the place of ``path`` at the end.

    Nothing is left behind when writing fails; a killed process leaves a hidden ``.tmp`` file,
    which :func:`sweep` removes.

    Raises:
        UsageError: the folder cannot be written to.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}{_TEMPORARY}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        _flush(temporary)
        temporary.replace(path)
        _flush(path.parent)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise UsageError(f"{path} cannot be written: {reason}") from error
    finally:
        temporary.unlink(missing_ok=True)


def _flush(path: Path) -> None:
    """Force a file, or the entry of a rename in its folder, onto the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sweep(folder: Path) -> None:
    """Remove what a killed process left half-written in a folder."""
    for left in folder.glob(f".*{_TEMPORARY}"):
        left.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a text file atomically."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def write_json(path: Path, data: Any) -> None:
    """Write JSON atomically; a number that is not finite becomes null."""
    text = json.dumps(finite(data), indent=1, ensure_ascii=False, allow_nan=False)
    write_text(path, text + "\n")


def write_with(path: Path, write: Callable[[Path], None]) -> None:
    """Let a library write a file atomically."""
    with replacing(path) as temporary:
        write(temporary)


def finite(data: Any) -> Any:
    """Plain data with null where a number is not finite: JSON knows no NaN."""
    if isinstance(data, Mapping):
        return {str(key): finite(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [finite(value) for value in data]
    if isinstance(data, float):
        return float(data) if math.isfinite(data) else None
    return data


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object that cosim wrote.

    Raises:
        UsageError: it cannot be read, or was damaged.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError):
        raise UsageError(f"{path} is damaged: it is not JSON") from None
    if not isinstance(data, dict):
        raise UsageError(f"{path} is damaged: it is not a JSON object")
    return data
