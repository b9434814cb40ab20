"""Where results go: a folder of its own under ``runs/`` unless the user names one."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from cosim.errors import UsageError

RUNS = Path("runs")


def new_folder(name: str) -> Path:
    """Return ``runs/<UTC stamp>-<name>``, not yet made, and not taken."""
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    candidates = [RUNS / f"{stamp}-{name}", *(RUNS / f"{stamp}-{name}-{i}" for i in range(2, 100))]
    return next(folder for folder in candidates if not folder.exists())


def latest_folder(name: str) -> Path:
    """Return the newest folder of a scenario, to resume it.

    Raises:
        UsageError: there is none.
    """
    found = sorted(RUNS.glob(f"*Z-{name}*")) if RUNS.is_dir() else []
    if not found:
        raise UsageError(f"nothing of `{name}` under {RUNS}/ to resume; name it with --out DIR")
    return found[-1]


def output_folder(name: str, out: Path | None, *, resume: bool) -> Path:
    """Return the folder of a command's results."""
    if out is not None:
        if out.exists() and not out.is_dir():
            raise UsageError(f"--out {out} is a file; name a folder")
        return out
    return latest_folder(name) if resume else new_folder(name)
