"""cosim: co-simulation of energy management and AIGC workloads across distributed data centres.

The package imports in milliseconds; what needs pandas or pvlib is loaded when it is asked for.
"""

from __future__ import annotations

__version__ = "0.1.0"

TYPE_CHECKING = False  # as in `typing`, whose import takes longer than `cosim --help` itself
if TYPE_CHECKING:
    from typing import Any

    from cosim.check import check_policy
    from cosim.run import run
    from cosim.scenario.load import load_scenario
    from cosim.store import load

__all__ = ["__version__", "check_policy", "load", "load_scenario", "run"]

_HOME = {
    "check_policy": "cosim.check",
    "load": "cosim.store",
    "load_scenario": "cosim.scenario.load",
    "run": "cosim.run",
}


def __getattr__(name: str) -> Any:
    """Load a public name on first use (PEP 562)."""
    if name not in _HOME:
        raise AttributeError(f"module `cosim` has no attribute `{name}`")
    from importlib import import_module

    return getattr(import_module(_HOME[name]), name)
