"""Do learners reach a known optimum, repeat themselves, and go on as if never stopped?"""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="learning needs the extra `learn`")

from cosim.gym.checkpoint import read_checkpoint, write_checkpoint  # noqa: E402
from cosim.gym.tensors import from_bytes, to_bytes  # noqa: E402
from policies.learned.actor import read_actor  # noqa: E402
from policies.learned.recipe import KINDS  # noqa: E402
from policies.learned.recipes import Jemas, Sac, SacDiffusion, Td3  # noqa: E402

ALL = [(Sac, {}), (Td3, {}), (Jemas, {}), (SacDiffusion, {})]
ALL += [
    (Td3, {"shaping": name, "wrap": "additive"}) for name in KINDS if name not in ("hand", "dual")
]
NAMES = [f"{maker.name}-{options.get('shaping', 'own')}" for maker, options in ALL]


def begun(maker, target, **options):
    return maker(**options).begin(target.columns, target.coordinates, 5)


def trained(learner, target, episodes):
    for _ in range(episodes):
        learner.learn([target.play(learner)])
    return learner


def same(one, other):
    assert set(one.tensors) == set(other.tensors)
    for name, array in one.tensors.items():
        assert np.array_equal(array, other.tensors[name]), name
    assert one.facts == other.facts


@pytest.mark.parametrize(
    ("maker", "options"),
    [
        (Sac, {}),
        (Td3, {}),
        (Sac, {"n_step": 3}),
        (SacDiffusion, {"chains": 1}),
        (Sac, {"shaping": "reward-net", "wrap": "anneal", "anneal_updates": 300}),
    ],
)
def test_a_known_optimum_is_reached(maker, options, target):
    common = {
        **{"hidden": 32, "batch": 64, "warmup_slots": 64},
        **{"rate": 2e-3, "gamma": 0.5, "updates_per_slot": 1.0},
    }
    learner = trained(begun(maker, target, **common, **options), target, 40)
    reached = target.play(learner, explore=False, slots=300).rewards.mean()
    nothing = 1.0 - 2 * 0.25 / 3  # of the action 0; the optimum is 1
    assert reached > 0.95
    assert reached > nothing + 0.8 * (1.0 - nothing)


@pytest.mark.parametrize(("maker", "options"), ALL, ids=NAMES)
def test_same_seed_same_learner(maker, options, make_target, tiny_options):
    def run():
        target = make_target(1)
        learner = trained(begun(maker, target, **tiny_options, **options), target, 3)
        return learner.memory()

    one = run()
    same(one, run())
    assert one.facts["updates"] > 0


def test_another_seed_another_learner(make_target, tiny_options):
    target = make_target(1)
    one, two = (Sac(**tiny_options).begin(3, 2, seed).actor() for seed in (1, 2))
    assert not np.array_equal(one.tensors["layer0.weight"], two.tensors["layer0.weight"])
    assert target.columns == 3


@pytest.mark.parametrize(("maker", "options"), ALL, ids=NAMES)
def test_a_learner_that_was_put_away_goes_on_identically(
    maker, options, make_target, tiny_options, tmp_path
):
    target = make_target(2)
    learner = begun(maker, target, **tiny_options, **options)
    played = []
    for _ in range(3):
        played.append(target.play(learner))
        learner.learn([played[-1]])
    memory = learner.memory()
    file = tmp_path / "memory"
    file.write_bytes(to_bytes(memory.tensors))

    other = begun(maker, target, **tiny_options, **options)
    other.recall(played)
    other.restore(memory.__class__(memory.facts, from_bytes(file.read_bytes(), file)))
    more = [target.drawn() for _ in range(2)]
    for each in (learner, other):
        each.learn(more)
    same(learner.memory(), other.memory())
    same(learner.actor(), other.actor())
    view = np.zeros((1, 3), np.float32)
    assert np.array_equal(learner.act(view, explore=True), other.act(view, explore=True))


def test_a_memory_of_something_else_is_refused(target, tiny_options):
    learner = trained(begun(Sac, target, **tiny_options), target, 2)
    memory = learner.memory()
    with pytest.raises(ValueError, match="lacks 'updates'"):
        learner.restore(memory.__class__({}, memory.tensors))
    wider = begun(Sac, target, **{**tiny_options, "hidden": 32})
    with pytest.raises(ValueError, match="missing or of another shape"):
        wider.restore(memory)


@pytest.mark.parametrize("maker", [Sac, Td3])
def test_the_numpy_actor_acts_as_the_torch_actor(maker, target, tiny_options, tmp_path):
    learner = trained(begun(maker, target, **tiny_options), target, 4)
    memory = learner.actor()
    write_checkpoint(tmp_path, memory.facts, memory.tensors)
    actor = read_actor(read_checkpoint(tmp_path), 3, 2)
    views = target.dice.uniform(-1, 1, (500, 3)).astype(np.float32)
    with torch.no_grad():
        out = learner.algorithm.actor(torch.from_numpy(learner._moments.scaling()(views)))
    wanted = torch.tanh(out[:, :2]).numpy()
    assert actor.mean(views) == pytest.approx(wanted, abs=1e-5)
    assert np.array_equal(actor.mean(views), learner.act(views, explore=False))


def test_exploration_is_drawn_from_the_policy_itself(target, tiny_options):
    """Mean and spread of what SAC tries are those of its tanh-Gaussian."""
    learner = trained(begun(Sac, target, **tiny_options), target, 4)
    view = np.full((4000, 3), 0.3, np.float32)
    tried = np.arctanh(np.clip(learner.act(view, explore=True), -1 + 1e-7, 1 - 1e-7))
    with torch.no_grad():
        scaled = torch.from_numpy(learner._moments.scaling()(view[:1]))
        mean, log_std = learner.algorithm.actor(scaled)[0].numpy().reshape(2, 2)
    std = np.exp(log_std)
    assert np.abs(tried.mean(axis=0) - mean).max() < 5 * std.max() / np.sqrt(4000)
    assert tried.std(axis=0) == pytest.approx(std, rel=0.1)


def test_nothing_is_learned_before_the_warm_up_is_over(target, tiny_options):
    learner = begun(Sac, target, **{**tiny_options, "warmup_slots": 33})
    before = learner.actor()
    assert trained(learner, target, 2).updates == 0
    assert np.array_equal(
        learner.actor().tensors["layer0.weight"], before.tensors["layer0.weight"]
    )
    assert trained(learner, target, 1).updates == 16


def test_density_of_the_squashed_gaussian_by_hand():
    from policies.learned.gaussian import squashed

    out, noise = torch.tensor([[0.3, -0.5]]), torch.tensor([[0.7]])
    action, density = squashed(out, noise)
    raw = 0.3 + np.exp(-0.5) * 0.7
    normal = -0.5 * 0.7**2 + 0.5 - 0.5 * np.log(2 * np.pi)
    assert float(action) == pytest.approx(np.tanh(raw))
    assert float(density) == pytest.approx(normal - np.log(1 - np.tanh(raw) ** 2), rel=1e-5)
