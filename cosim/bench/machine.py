"""The machine on which something was measured: figures without it mean little."""

from __future__ import annotations

import os
import platform
import resource
import sys
from pathlib import Path
from typing import Any


def header() -> dict[str, Any]:
    """Processor, cores, load, versions and whether the kernels were compiled before.

    Returns:
        ``cpu``, ``cores``, ``load_average`` (1, 5 and 15 minutes; None where it is not told),
        ``versions`` and ``kernels`` (``warm``, or ``cold`` where this run compiles them, untimed).
    """
    from importlib.metadata import version

    from cosim.cache import kernels_are_compiled
    from cosim.run import versions

    return {
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "load_average": [round(load, 2) for load in os.getloadavg()],
        "versions": {**versions(), "numba": version("numba")},
        "kernels": "warm" if kernels_are_compiled() else "cold",
    }


def in_words(found: dict[str, Any]) -> str:
    """The header as a line."""
    shown = ("cosim", "python", "simpy", "numpy", "numba")
    versions = ", ".join(f"{name} {found['versions'][name]}" for name in shown)
    load = " ".join(f"{load:.2f}" for load in found["load_average"])
    kernels = "compiled before" if found["kernels"] == "warm" else "compiled now, untimed"
    return f"{found['cpu']}, {found['cores']} cores, load {load}; {versions}; kernels {kernels}"


def peak_mb() -> float:
    """Most memory that this process has had [MiB]."""
    try:
        # the kernel's own number: ru_maxrss begins with what the parent had when it forked
        status = Path("/proc/self/status").read_text(encoding="ascii")
        (line,) = (row for row in status.splitlines() if row.startswith("VmHWM:"))
        return int(line.split()[1]) / 1024
    except (OSError, ValueError):
        per_mb = 1024.0**2 if sys.platform == "darwin" else 1024.0
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / per_mb


def _cpu() -> str:
    try:
        rows = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(row.split(":", 1)[1].strip() for row in rows if row.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
