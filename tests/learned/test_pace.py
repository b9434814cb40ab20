"""Is an update of ours about as quick as a textbook loop's?"""

import sys
from statistics import median
from time import process_time

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="learning needs the extra `learn`")

from textbook_sac import TextbookSac  # noqa: E402

from cosim.gym.learner import Episode  # noqa: E402
from cosim.plugins import load_recipe  # noqa: E402

COLUMNS, COORDINATES, SLOTS = 89, 56, 288  # of paper/flex in the shaping ablation
HIDDEN = BATCH = 128
ALIKE = {"hidden": HIDDEN, "batch": BATCH, "updates_per_slot": 1.0, "temperature": 0.0}
TIMES_MAX = 1.3


def a_day(seed):
    dice = np.random.default_rng(seed)
    views = dice.uniform(-1, 1, (SLOTS + 1, COLUMNS)).astype(np.float32)
    actions = dice.uniform(-1, 1, (SLOTS, COORDINATES)).astype(np.float32)
    return Episode(views, actions, dice.normal(size=SLOTS).astype(np.float32))


def seconds(call):
    began = process_time()
    call()
    return process_time() - began


@pytest.fixture
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.heavy
def test_an_update_takes_at_most_a_third_longer_than_a_textbook_loops(one_thread):
    """Both take turns, a day's updates each, so that a busy machine slows them alike."""
    ours = load_recipe("sac", ALIKE).begin(COLUMNS, COORDINATES, 1)
    theirs = TextbookSac(COLUMNS, COORDINATES, hidden=HIDDEN, batch=BATCH)
    day = a_day(1)
    theirs.remember(day)

    def textbook():
        for _ in range(SLOTS):
            theirs.update()

    ours.learn([day])  # warm-up is over after this day, and its updates are made
    ratios = [seconds(lambda: ours.learn([day])) / seconds(textbook) for _ in range(7)]
    sys.stdout.write(f"\nan update takes {median(ratios):.2f} of a textbook loop's: {ratios}\n")
    assert median(ratios) < TIMES_MAX


def test_the_textbook_loop_learns():
    """It would be no measure if it did nothing: critics fit what one action earns."""
    loop = TextbookSac(3, 1, hidden=16, batch=16, rate=3e-3, gamma=0.0)
    dice = np.random.default_rng(3)
    views = dice.uniform(-1, 1, (200, 3)).astype(np.float32)
    actions = dice.uniform(-1, 1, (199, 1)).astype(np.float32)
    loop.remember(Episode(views, actions, 1.0 - (actions[:, 0] - 0.5) ** 2))
    for _ in range(600):
        loop.update()
    with torch.no_grad():
        mean = torch.tanh(loop.actor(torch.from_numpy(views))[:, :1])
    assert float((mean - 0.5).abs().mean()) < 0.25
