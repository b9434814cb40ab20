"""Does shaping shape each row, leave terminal states alone, and read one snapshot?"""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="learning needs the extra `learn`")

from policies.learned.actor import Moments  # noqa: E402
from policies.learned.batch import as_batch  # noqa: E402
from policies.learned.recipe import KINDS, Recipe  # noqa: E402
from policies.learned.replay import Replay  # noqa: E402
from policies.learned.sac import Sac  # noqa: E402
from policies.learned.shaping.chain import Chain  # noqa: E402
from policies.learned.shaping.wrap import Additive, Potential, Unshaped, shaped_by  # noqa: E402

LEARNED = [name for name in KINDS if name not in ("hand", "dual")]
GAMMA = 0.9


def batch_of(make_target, *, n_step=1, terminal=False, rows=32, slots=16):
    target = make_target(3)
    replay = Replay(400, target.columns, target.coordinates, gamma=GAMMA, n_step=n_step)
    moments = Moments(target.columns)
    for _ in range(4):
        episode = target.drawn(slots, terminal=terminal)
        replay.add(episode)
        moments.add(episode.views)
    sample = replay.draw(rows, np.random.default_rng(1))
    return as_batch(sample, moments.scaling(), replay.spread())


def shaped(make_target, name, wrap, **options):
    recipe = Recipe(shaping=name, wrap=wrap, hidden=16, gamma=GAMMA, **options)
    found = shaped_by(recipe, make_target.columns, make_target.coordinates, 1, None)
    return found, Sac(recipe, make_target.columns, make_target.coordinates, 1)


@pytest.mark.parametrize("name", LEARNED)
@pytest.mark.parametrize("wrap", ["potential", "additive", "anneal"])
@pytest.mark.parametrize("n_step", [1, 3])
def test_each_row_is_shaped_by_its_own_signal(name, wrap, n_step, make_target):
    found, policy = shaped(make_target, name, wrap)
    batch = batch_of(make_target, n_step=n_step)
    for _ in range(3):
        with torch.no_grad():
            bonus, given = found.bonus(batch, 0)
        assert bonus.shape == given.shape == (32,)
        assert bonus.isfinite().all()
        found.train(batch, policy, given)
    if name == "dress-constant" and n_step == 1:
        assert float(bonus.std()) == pytest.approx(0.0, abs=1e-7)  # trap 1, shown on purpose
    else:
        assert float(bonus.std()) > 1e-5


@pytest.mark.parametrize("name", ["diffusion-return", "reward-net", "dress", "dnn", "cgan"])
def test_unconditioned_signals_see_neither_state_nor_action(name, make_target):
    recipe = Recipe(shaping=name, wrap="additive", hidden=16, unconditioned=True)
    one = shaped_by(recipe, 3, 2, 1, None)
    two = shaped_by(recipe, 3, 2, 1, None)
    batch, other = batch_of(make_target), batch_of(make_target, terminal=True, rows=32)
    with torch.no_grad():
        assert torch.equal(one.bonus(batch, 0)[1], two.bonus(other, 0)[1])


@pytest.mark.parametrize("name", ["diffusion-return", "reward-net", "dress", "dnn", "cgan"])
def test_a_potential_does_not_see_the_action(name, make_target):
    one, _ = shaped(make_target, name, "potential")
    two, _ = shaped(make_target, name, "potential")
    batch = batch_of(make_target)
    changed = batch.__class__(**{**vars(batch), "actions": -batch.actions})
    with torch.no_grad():
        assert torch.equal(one.bonus(batch, 0)[0], two.bonus(changed, 0)[0])


class Counting:
    """A potential that tells how often it was asked: Φ = first number of the view + calls."""

    in_rewards = True

    def __init__(self):
        self.calls = 0

    def signal(self, seen):
        self.calls += 1
        return seen.views[:, 0] + 100.0 * self.calls


def test_both_terms_of_a_potential_come_from_one_snapshot(make_target):
    kind, batch = Counting(), batch_of(make_target)
    bonus, given = Potential(kind, 0.5, 0).bonus(batch, 0)
    assert kind.calls == 1
    wanted = GAMMA * (batch.later[:, 0] + 100.0) - (batch.now[:, 0] + 100.0)
    assert bonus == pytest.approx(0.5 * wanted, rel=1e-5)
    assert given == pytest.approx(batch.now[:, 0] + 100.0)


def test_the_potential_after_a_terminal_end_is_zero(make_target):
    batch = batch_of(make_target, n_step=20, terminal=True)
    bonus, _ = Potential(Counting(), 1.0, 0).bonus(batch, 0)
    assert (batch.discount == 0.0).all()
    assert bonus == pytest.approx(-(batch.now[:, 0] + 100.0))
    batch = batch_of(make_target, n_step=20, terminal=False)
    assert (batch.discount > 0.0).all()  # a day that is cut off keeps the potential of its end


def test_a_potential_telescopes_over_a_stretch(make_target):
    """Σ γ^k F of single slots is the F of the stretch, whatever Φ is."""
    dice = np.random.default_rng(0)
    phi = dice.normal(size=6)
    singles = sum(GAMMA**k * (GAMMA * phi[k + 1] - phi[k]) for k in range(5))
    assert singles == pytest.approx(GAMMA**5 * phi[5] - phi[0])


def test_additive_bonuses_are_summed_over_the_stretch(make_target):
    class First(Counting):
        def signal(self, seen):
            return seen.views[:, 0] + 2.0 * seen.actions[:, 1]

    batch = batch_of(make_target, n_step=3)
    bonus, given = Additive(First(), 0.4, 0).bonus(batch, 0)
    each = batch.views[:, :, 0] + 2.0 * batch.actions[:, :, 1]
    assert bonus == pytest.approx((0.4 * batch.weights * each).sum(dim=1), rel=1e-4, abs=1e-5)
    assert given == pytest.approx(each[:, 0])


@pytest.mark.parametrize("shape", [(1,), (32, 1), ()])
def test_a_signal_that_would_spread_over_the_batch_is_refused(shape, make_target):
    class Spreading(Counting):
        def signal(self, seen):
            return torch.zeros(shape)

    with pytest.raises(ValueError, match="for 32 rows"):
        Additive(Spreading(), 0.4, 0).bonus(batch_of(make_target), 0)


def test_the_weight_falls_in_a_straight_line_and_stays_zero():
    falling = Additive(Counting(), 0.4, 100)
    assert [falling.weight(k) for k in (0, 50, 100, 500)] == pytest.approx([0.4, 0.2, 0.0, 0.0])
    assert Additive(Counting(), 0.4, 0).weight(10**9) == 0.4
    annealed = shaped_by(Recipe(shaping="noise", wrap="anneal", eta=1.0), 3, 2, 1, None)
    assert annealed.weight(50_000) == 0.0


def test_without_shaping_nothing_is_added(make_target):
    batch = batch_of(make_target)
    assert isinstance(shaped_by(Recipe(), 3, 2, 1, None), Unshaped)
    assert (Unshaped().bonus(batch, 0)[0] == 0.0).all()


@pytest.mark.parametrize("steps", [1, 3, 5, 7])
def test_the_schedule_is_that_of_the_published_code(steps):
    chain = Chain(steps, 1, 4.0)
    assert float(chain.kept[-1]) == pytest.approx(np.exp(-5.05), rel=1e-4)
    known = {3: (0.442, 0.814, 0.938), 5: (0.196, 0.459, 0.636, 0.755, 0.835)}
    if steps in known:
        assert chain.beta.numpy() == pytest.approx(known[steps], abs=6e-4)


@pytest.mark.parametrize("name", ["diffusion-return", "reward-net", "cgan"])
def test_learned_signals_tell_good_actions_from_bad(name, make_target):
    """On returns that are the first number of the action, the signal correlates with it."""
    recipe = Recipe(
        shaping=name, wrap="additive", hidden=32, shaping_rate=3e-3, snapshot_decay=0.9
    )
    found, dice = shaped_by(recipe, 3, 2, 1, None), np.random.default_rng(0)
    batch = batch_of(make_target, rows=256)
    for _ in range(300):
        actions = torch.from_numpy(dice.uniform(-1, 1, (256, 1, 2)).astype(np.float32))
        returns = actions[:, 0, 0] / actions[:, 0, 0].std()
        fresh = batch.__class__(**{**vars(batch), "actions": actions, "returns": returns})
        found.train(fresh, None, None)
    with torch.no_grad():
        signal = found.bonus(fresh, 0)[1]
    assert np.corrcoef(signal, returns)[0, 1] > 0.8


class Listening:
    """Critics that note which bonuses they are asked about."""

    def __init__(self, net):
        self.net, self.asked = net, []

    def __call__(self, x):
        self.asked.append(x[:, -1].detach().clone())
        return self.net(x)

    def __getattr__(self, name):
        return getattr(self.net, name)


def test_the_reward_agent_is_taught_the_bonus_that_was_given(make_target):
    found, policy = shaped(make_target, "dnn", "additive")
    given = torch.linspace(-1, 1, 32)
    found.kind._critics = critics = Listening(found.kind._critics)
    found.train(batch_of(make_target), policy, given)
    assert torch.equal(critics.asked[0], given)
