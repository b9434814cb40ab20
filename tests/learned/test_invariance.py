"""Which shaping leaves the optimum where it is? Sparse random MDPs, solved to the end.

Twelve states, five actions, one rewarding pair; signals are drawn, so that nothing depends on what
a network happened to learn. The shaped rewards come from the project's own wrappers, the solution
from value iteration.
"""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="learning needs the extra `learn`")

from policies.learned.batch import Batch  # noqa: E402
from policies.learned.shaping.wrap import Additive, Potential  # noqa: E402

STATES, ACTIONS, GAMMA, ETA = 12, 5, 0.95, 0.4
COUNT = 40


class Table:
    """A signal looked up by state and action, which the view and the action name."""

    in_rewards = True

    def __init__(self, values):
        self.values = torch.from_numpy(values)

    def signal(self, seen):
        state = seen.views[:, 0].long()
        action = 0 if seen.actions is None else seen.actions[:, 0].long()
        return self.values[state, action]


def mdp(dice):
    """Transition chances, shape (states, actions, states), and rewards, (states, actions)."""
    chance = dice.dirichlet(np.full(STATES, 0.3), size=(STATES, ACTIONS))
    rewards = np.zeros((STATES, ACTIONS))
    rewards[dice.integers(STATES), dice.integers(ACTIONS)] = 1.0
    return chance, rewards


def every_step():
    """A batch of all (state, action, next state), in that order."""
    grid = np.indices((STATES, ACTIONS, STATES)).reshape(3, -1).astype(np.float64)
    state, action, later = (torch.from_numpy(each)[:, None] for each in grid)
    ones = torch.ones(len(state), 1, dtype=torch.float64)
    return Batch(
        views=state[:, None],
        actions=action[:, None],
        rewards=0.0 * ones,
        weights=ones,
        later=later,
        discount=GAMMA * ones[:, 0],
        returns=ones[:, 0],
        seen=state[:, None],
        seen_later=later,
        spread=1.0,
    )


def bonus(wrapper, chance):
    """Expected bonus of each pair."""
    each = wrapper.bonus(every_step(), 0)[0].numpy().reshape(STATES, ACTIONS, STATES)
    return (chance * each).sum(axis=2)


def solved(chance, rewards):
    """Q of the best policy."""
    q = np.zeros((STATES, ACTIONS))
    for _ in range(1500):
        q = rewards + GAMMA * chance @ q.max(axis=1)
    return q


def soft_policy(chance, rewards, alpha=0.2):
    q = np.zeros((STATES, ACTIONS))
    for _ in range(1500):
        q = rewards + GAMMA * chance @ (alpha * np.log(np.exp(q / alpha).sum(axis=1)))
    chances = np.exp((q - q.max(axis=1, keepdims=True)) / alpha)
    return chances / chances.sum(axis=1, keepdims=True)


def worlds():
    dice = np.random.default_rng(11)
    for _ in range(COUNT):
        yield (*mdp(dice), dice)


def test_a_state_potential_changes_no_optimum():
    for chance, rewards, dice in worlds():
        phi = np.repeat(dice.uniform(-1, 1, (STATES, 1)), ACTIONS, axis=1)
        shaped = solved(chance, rewards + bonus(Potential(Table(phi), ETA, 0), chance))
        plain = solved(chance, rewards)
        assert shaped == pytest.approx(plain - ETA * phi, abs=1e-9)
        assert (shaped.argmax(axis=1) == plain.argmax(axis=1)).all()


def test_a_state_potential_changes_no_soft_policy():
    for chance, rewards, dice in list(worlds())[:10]:
        phi = np.repeat(dice.uniform(-1, 1, (STATES, 1)), ACTIONS, axis=1)
        shaped = rewards + bonus(Potential(Table(phi), ETA, 0), chance)
        assert soft_policy(chance, shaped) == pytest.approx(soft_policy(chance, rewards), abs=1e-9)


def test_an_additive_bonus_changes_the_optimum_and_annealing_brings_it_back():
    changed = 0
    for chance, rewards, dice in worlds():
        table = Table(dice.uniform(-1, 1, (STATES, ACTIONS)))
        shaped = solved(chance, rewards + bonus(Additive(table, ETA, 0), chance))
        plain = solved(chance, rewards)
        changed += bool((shaped.argmax(axis=1) != plain.argmax(axis=1)).any())
        late = Additive(table, ETA, anneal_updates=1)
        ended = late.bonus(every_step(), 1)[0]
        assert (ended == 0.0).all()
    assert changed == COUNT


def test_a_state_action_potential_needs_look_ahead_advice():
    """F = γΦ(s', a') − Φ(s, a): greedy on Q' alone is wrong, greedy on Q' + Φ right (Wiewiora)."""
    wrong = 0
    for chance, rewards, dice in worlds():
        phi = ETA * dice.uniform(-1, 1, (STATES, ACTIONS))
        plain = solved(chance, rewards)
        q = np.zeros((STATES, ACTIONS))
        for _ in range(1500):
            then = (q + phi).argmax(axis=1)
            at = np.arange(STATES)
            q = rewards - phi + GAMMA * chance @ (q + phi)[at, then]
        assert ((q + phi).argmax(axis=1) == plain.argmax(axis=1)).all()
        wrong += bool((q.argmax(axis=1) != plain.argmax(axis=1)).any())
    assert wrong == COUNT
