"""Fingerprints of the code that makes a result: results of other code are other results.

A finished run is found again by what went into it. Files and settings are part of that, and so is
the code: whoever mends a policy and asks again must not be given what the old one did.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from hashlib import blake2b
from importlib.util import find_spec
from pathlib import Path

from cosim.plugins import Kind, module_of

SHOWN_ONLY = ("cli", "report", "study", "store", "bench")
"""Parts of cosim that run, keep and show results but make none."""
CHECKPOINT = "actor.json"


@cache
def code_seal() -> str:
    """Fingerprint of everything in cosim that results depend on."""
    root = Path(__file__).resolve().parents[1]
    makes = [p for p in _sources(root) if p.relative_to(root).parts[0] not in SHOWN_ONLY]
    return _seal(makes)


@cache
def policy_seal(name: str, kind: Kind) -> str:
    """Fingerprint of the package that a policy comes from, and of its checkpoint.

    Args:
        name: ``NAME``, ``NAME@CHECKPOINT`` or ``module:Class``.
        kind: whether a scheduling policy or an energy layer is meant.

    Raises:
        UsageError: there is no such policy.
    """
    plain, _, checkpoint = name.partition("@")
    files = [*_package(module_of(plain, kind)), *_checkpoint(checkpoint)]
    return _seal(files)


def _package(module: str) -> list[Path]:
    """All source files of the top-level package of a module, or the module's own."""
    spec = find_spec(module.partition(".")[0])
    if spec is None:
        return []
    folders = [Path(folder) for folder in spec.submodule_search_locations or ()]
    if folders:
        return [path for folder in folders for path in _sources(folder)]
    return [Path(spec.origin)] if spec.origin and Path(spec.origin).is_file() else []


def _sources(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.py"))


def _checkpoint(named: str) -> list[Path]:
    """A checkpoint's facts carry the hash of its numbers; of another kind, all its files count."""
    path = Path(named)
    if not named or not path.exists():
        return []
    if path.is_file():
        return [path]
    facts = path / CHECKPOINT
    return [facts] if facts.is_file() else sorted(p for p in path.iterdir() if p.is_file())


def _seal(files: Iterable[Path]) -> str:
    seal = blake2b(digest_size=16)
    for path in files:
        content = path.read_bytes()
        seal.update(f"{path.parent.name}/{path.name} {len(content)}\n".encode())
        seal.update(content)
    return seal.hexdigest()
