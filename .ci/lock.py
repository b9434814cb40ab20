"""Writes constraints.txt: what pip resolves today for the core, every extra and the build backend.

The answer comes from pip's own report of a dry run, so nothing is installed. The core is
resolved together with the extras that the tests use; the other extras have to fit it.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

ROOT = Path(__file__).resolve().parent.parent
HEADER = """\
# Every package that the set-up commands may install, pinned: the core, all extras of
# pyproject.toml and the build backend, as resolved for CPython 3.11 on Linux. Used as
# `pip install -c constraints.txt`; a constraint installs nothing by itself. torch stays at the
# release that the learn extra names. Regenerate with: make lock
"""
TESTED = ("dev", "oracle", "learn")  # the extras that may hold back the core; the others follow it


def requirements(extras_wanted: Collection[str]) -> list[str]:
    """What pyproject.toml asks for: the build backend, the core and the extras wanted."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        declared = tomllib.load(file)
    extras = declared["project"]["optional-dependencies"]
    build = [*declared["build-system"]["requires"], "editables"]
    chosen = (line for extra in extras_wanted for line in extras[extra])
    return [*build, *declared["project"]["dependencies"], *chosen]


def all_extras() -> list[str]:
    """The names of the extras in pyproject.toml."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        return list(tomllib.load(file)["project"]["optional-dependencies"])


def resolve(wanted: list[str]) -> list[str]:
    """Lock lines for every distribution that `wanted` needs, as pip would install it today."""
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed"]
    command += ["--quiet", "--report", "-", *wanted]
    report = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return [pin(each["metadata"]) for each in json.loads(report)["install"]]


def pin(metadata: dict[str, str]) -> str:
    """One lock line; a local suffix such as +cpu names a build, not a version, and is dropped."""
    return f"{metadata['name']}=={metadata['version'].split('+')[0]}"


if __name__ == "__main__":
    tested = resolve(requirements(TESTED))
    pins = sorted(resolve([*tested, *requirements(all_extras())]), key=str.lower)
    (ROOT / "constraints.txt").write_text(HEADER + "\n".join(pins) + "\n", encoding="utf-8")
