"""Where results go: a folder of its own under ``runs/`` unless the user names one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from cosim.errors import UsageError

if TYPE_CHECKING:
    from cosim.scenario.model import Scenario

RUNS = Path("runs")


def output_folder(scenario: Scenario, out: Path | None, *, resume: bool) -> Path:
    """Return the folder of a command's results; it is made by whoever writes first.

    Args:
        scenario: what is run.
        out: the folder the user named.
        resume: go on in the newest folder of this scenario, unless one is named.

    Raises:
        UsageError: the folder is a file, or there is nothing to resume.
    """
    if out is not None and out.exists() and not out.is_dir():
        raise UsageError(f"--out {out} is a file; name a folder")
    if out is not None and out.is_dir() and any(out.iterdir()) and not resume:
        raise UsageError(f"--out {out} is not empty; name another folder (compare: or --resume)")
    if out is not None:
        return out
    if resume:
        return _latest(scenario)
    from cosim.store import new_folder

    return new_folder(scenario, RUNS)


def _latest(scenario: Scenario) -> Path:
    from cosim.scenario.lock import scenario_hash

    pattern = f"*Z-{scenario.name}-{scenario_hash(scenario)[:8]}*"
    found = sorted(RUNS.glob(pattern)) if RUNS.is_dir() else []
    if not found:
        raise UsageError(
            f"nothing of this `{scenario.name}` under {RUNS}/ to resume; name it with --out DIR"
        )
    return found[-1]
