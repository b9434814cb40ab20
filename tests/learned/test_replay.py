"""Is what is drawn what was played, across the ends of days and of the ring?"""

import numpy as np
import pytest

from cosim.gym.learner import Episode
from policies.learned.replay import Replay, returns_to_go

GAMMA = 0.9


def numbered(first, slots, *, terminal=False):
    """An episode whose views, actions and rewards tell which slot they belong to."""
    names = np.arange(first, first + slots + 1, dtype=np.float32)
    return Episode(names[:, None], -names[:-1, None], 10 * names[:-1], terminal)


def filled(n_step, *episodes, capacity=64):
    replay = Replay(capacity, 1, 1, gamma=GAMMA, n_step=n_step)
    for episode in episodes:
        replay.add(episode)
    return replay


@pytest.mark.parametrize("n_step", [1, 2, 5])
def test_stretches_follow_the_day_and_stop_at_its_end(n_step):
    replay = filled(n_step, numbered(100, 6), numbered(200, 3, terminal=True))
    sample = replay.draw(500, np.random.default_rng(1))
    for row in range(500):
        first = sample.views[row, 0, 0]
        left = 106 - first if first < 150 else 203 - first
        slots = int(min(n_step, left))
        names = first + np.arange(slots)
        assert sample.views[row, :slots, 0].tolist() == names.tolist()
        assert sample.actions[row, :slots, 0].tolist() == (-names).tolist()
        assert sample.rewards[row].tolist() == [*(10 * names), *[0.0] * (n_step - slots)]
        weights = [*(GAMMA ** np.arange(slots)), *[0.0] * (n_step - slots)]
        assert sample.weights[row] == pytest.approx(weights)
        assert sample.later[row, 0] == first + slots
        ended = first > 150 and slots == left
        assert sample.discount[row] == pytest.approx(0.0 if ended else GAMMA**slots)
    assert set(sample.views[:, 0, 0]) == {*range(100, 106), *range(200, 203)}


def test_the_oldest_slots_make_room_and_no_stretch_crosses_into_the_new():
    replay = filled(4, *(numbered(100 * k, 7) for k in range(1, 7)), capacity=20)
    sample = replay.draw(400, np.random.default_rng(2))
    drawn = set(sample.views[:, 0, 0])
    assert {*range(500, 507), *range(600, 607)} <= drawn
    assert not any(name < 400 for name in drawn)
    assert ((sample.later[:, 0] // 100) == (sample.views[:, 0, 0] // 100)).all()
    assert replay.slots == 42


def test_a_day_longer_than_the_ring_is_refused():
    with pytest.raises(ValueError, match="a day of 20 slots does not fit into 20 rows"):
        filled(1, numbered(0, 20), capacity=20)


def test_returns_of_a_terminal_end_are_plain_sums():
    episode = numbered(1, 3, terminal=True)
    wanted = [10 + GAMMA * 20 + GAMMA**2 * 30, 20 + GAMMA * 30, 30]
    assert returns_to_go(episode, GAMMA) == pytest.approx(wanted)


def test_a_day_that_is_cut_off_earns_its_mean_for_ever():
    constant = Episode(np.zeros((9, 1), np.float32), np.zeros((8, 1), np.float32), np.full(8, 2.0))
    assert returns_to_go(constant, GAMMA) == pytest.approx(np.full(8, 2.0 / (1 - GAMMA)))


def test_spread_is_that_of_the_returns_kept():
    episode = numbered(1, 5, terminal=True)
    found = returns_to_go(episode, GAMMA).astype(float)
    assert filled(1, episode).spread() == pytest.approx((found.mean(), found.std()))
    assert Replay(8, 1, 1, gamma=GAMMA, n_step=1).spread() == (0.0, 1.0)
