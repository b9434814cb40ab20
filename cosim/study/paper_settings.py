"""Training the settings of figures 8 and 10: weights of the shaping, and sizes of its model.

Each setting trains the paper's learner (SAC with corrected DRESS, additive) alone, on the days and
seeds that all settings share, into a folder of its own:

    DIR/fig08/eta-0.4/paper-fig08/    as of one scenario of ``cosim shaping``
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from cosim.scenario.load import Loaded
from cosim.study.shaping_arms import arms
from cosim.study.shaping_folder import TERMS, ShapingFolder
from cosim.study.shaping_study import Design, ablate
from cosim.study.shaping_verdict import Course, course_of
from cosim.study.stacked_training import Beat

JEMAS = "sac-dress-additive"
"""The paper's learner as far as it is known, among the arms of ``cosim shaping``."""
BEST_ETA, CONDITIONED, BLIND = "eta-0.4", "W3-M128", "W3-M128-unconditioned"
SETTINGS: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    "fig08": {
        "eta-0.1": {"eta": 0.1},
        "eta-0.2": {"eta": 0.2},
        BEST_ETA: {"eta": 0.4},
        "eta-0.8": {"eta": 0.8},
    },
    "fig10": {
        CONDITIONED: {"denoising_steps": 3, "latent": 128},
        "W5-M128": {"denoising_steps": 5, "latent": 128},
        "W7-M128": {"denoising_steps": 7, "latent": 128},
        "W3-M64": {"denoising_steps": 3, "latent": 64},
        "W3-M256": {"denoising_steps": 3, "latent": 256},
        BLIND: {"denoising_steps": 3, "latent": 128, "unconditioned": True},
    },
}
Told = Callable[[str, int, int], None]


def train(loaded: Loaded, figure: str, out: Path, beat: Beat, told: Told) -> None:
    """Train the settings of a figure that have not ended yet.

    Args:
        loaded: the figure's scenario.
        figure: ``fig08`` or ``fig10``.
        out: folder of all figures.
        beat: seeds and episodes.
        told: called with (setting, episodes done, of).

    Raises:
        UsageError: a folder holds a training of other terms.
    """
    arm = arms()[JEMAS]
    for setting, options in SETTINGS[figure].items():

        def said(name: str, done: int, total: int, setting: str = setting) -> None:
            del name
            told(setting, done, total)

        design, folder = Design(beat, options=options), out / figure / setting
        command = f"cosim paper --train {figure}"
        ablate(loaded, design, [arm], folder, resume=True, command=command, told=said)


def courses(out: Path, figure: str) -> dict[str, Course]:
    """What the settings that have ended did, in the order of the figure."""
    found = {}
    for setting in SETTINGS[figure]:
        for terms in sorted((out / figure / setting).glob(f"*/{TERMS}"))[:1]:
            folder = ShapingFolder(terms.parent)
            if folder.has(JEMAS):
                found[setting] = course_of(folder.log(JEMAS))
    return found
