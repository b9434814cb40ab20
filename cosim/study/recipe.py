"""How a stage is prepared, as something small that can be sent anywhere.

A stage holds weather and prices of its whole window. A sweep has hundreds of them, so its workers
are sent the scenarios and prepare what they run; runs on one scenario that follow each other share
the stage.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from cosim.errors import CosimError
from cosim.prepare import Stage, stage
from cosim.prepare.stage import window_of
from cosim.scenario.model import Scenario
from cosim.study.code import code_seal

KEPT_MAX = 2


@dataclass(frozen=True)
class Recipe:
    """A scenario that is prepared where it is run.

    Attributes:
        key: fingerprint of the scenario; recipes with the same one give the same stage.
        scenario: the scenario.
        base: folder of its YAML, for traces beside it; the same on every machine.
        code: fingerprint of the code that is to run it, empty where any will do.
    """

    key: str
    scenario: Scenario = field(compare=False, repr=False)
    base: Path | None = None
    code: str = ""

    @property
    def slots(self) -> int:
        """Slots of its window."""
        return window_of(self.scenario).slots

    def prepared(self) -> Stage:
        """The stage.

        Raises:
            CosimError: this machine runs other code than the one that asks.
        """
        if self.code and self.code != code_seal():
            raise CosimError(
                "this worker has another version of cosim than the machine that sends the work; "
                "install the same one on both"
            )
        return _prepared(self)


@lru_cache(maxsize=KEPT_MAX)
def _prepared(recipe: Recipe) -> Stage:
    return stage(recipe.scenario, base=recipe.base)
