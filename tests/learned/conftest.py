"""What the tests of learners share: a small problem with a known answer, and a way to play it."""

import numpy as np
import pytest

from cosim.gym.learner import Episode

TINY = {"hidden": 16, "batch": 16, "warmup_slots": 8, "updates_per_slot": 1.0}


class Target:
    """Do what the view says: reward 1 − |action − view/2|², drawn views; the best return is known.

    The optimum is action = view/2 in every slot, whatever came before.
    """

    columns, coordinates, slots = 3, 2, 16

    def __init__(self, seed=0):
        self.dice = np.random.default_rng(seed)

    def play(self, learner, *, explore=True, slots=slots):
        views = self.dice.uniform(-1, 1, (slots + 1, self.columns)).astype(np.float32)
        rows = [learner.act(view[None], explore=explore)[0] for view in views[:-1]]
        actions = np.array(rows, dtype=np.float32)
        rewards = 1.0 - ((actions - 0.5 * views[:-1, : self.coordinates]) ** 2).sum(axis=1)
        return Episode(views, actions, rewards.astype(np.float32))

    def drawn(self, slots=slots, *, terminal=False):
        """An episode of drawn actions."""
        views = self.dice.uniform(-1, 1, (slots + 1, self.columns)).astype(np.float32)
        actions = self.dice.uniform(-1, 1, (slots, self.coordinates)).astype(np.float32)
        rewards = self.dice.normal(size=slots).astype(np.float32)
        return Episode(views, actions, rewards, terminal)


@pytest.fixture
def target():
    return Target()


@pytest.fixture(scope="session")
def make_target():
    return Target


@pytest.fixture(scope="session")
def tiny_options():
    """Options that make an update cheap."""
    return dict(TINY)
