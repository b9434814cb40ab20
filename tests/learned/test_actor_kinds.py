"""Actors that are no plain network: does numpy do what training did, and who sees what?"""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="learning needs the extra `learn`")

import torch

import cosim
from cosim.check.stagehand import lively_plan
from cosim.decision import Layered
from cosim.errors import UsageError
from cosim.gym.checkpoint import read_checkpoint, write_checkpoint
from cosim.gym.codec import Codec
from cosim.plugins import load_policy
from cosim.run import run
from cosim.study import train as training
from cosim.study.curriculum import Plan
from policies.learned.actor import Moments, read_actor
from policies.learned.agents import agents_of
from policies.learned.chain_actor import read_chain_actor
from policies.learned.dice import Dice
from policies.learned.gaussian import squashed
from policies.learned.recipes import DiffusionPolicy, SacDistributed
from policies.learned.shaping.chain import Chain

TINY = Path(__file__).parents[1] / "data" / "tiny.yaml"
SMALL = {"hidden": 16, "batch": 16, "warmup_slots": 9, "updates_per_slot": 1.0}


class Stood:
    """Dice that give what was drawn before."""

    def __init__(self, rows):
        self.rows = list(rows)

    def normal(self, *shape):
        return torch.from_numpy(self.rows.pop(0)).reshape(shape)


# the diffusion policy ----------------------------------------------------------------------


@pytest.mark.parametrize("steps", [1, 3, 5])
def test_the_chain_in_numpy_is_the_chain_in_torch(steps):
    recipe = DiffusionPolicy(denoising_steps=steps, hidden=16)
    algorithm = recipe.begin(4, 3, 1).algorithm
    actor = algorithm.acting(Moments(4).scaling())
    views = np.random.default_rng(0).uniform(-1, 1, (6, 4)).astype(np.float32)
    noise = np.random.default_rng(1).standard_normal((6, steps, 3)).astype(np.float32)
    chain = Chain(steps, 3, 1.0)
    drawn = Stood([noise[:, k] for k in range(steps)])
    theirs = chain.run(algorithm.actor, torch.from_numpy(views), drawn).clamp(-1, 1)
    ours = actor.explore(views, noise.reshape(6, -1))
    assert np.allclose(ours, theirs.detach().numpy(), atol=1e-5)
    still = Stood([np.zeros((6, 3), np.float32)] * steps)
    best = chain.run(algorithm.actor, torch.from_numpy(views), still).clamp(-1, 1)
    assert np.allclose(actor.mean(views), best.detach().numpy(), atol=1e-5)


def test_a_diffusion_policy_reaches_a_known_optimum(make_target):
    target = make_target(1)
    options = {"hidden": 64, "batch": 64, "warmup_slots": 64, "rate": 2e-3, "gamma": 0.5}
    learner = DiffusionPolicy(denoising_steps=3, **options).begin(3, 2, 5)
    for _ in range(60):
        learner.learn([target.play(learner)])
    assert target.play(learner, explore=False, slots=300).rewards.mean() > 0.95


def test_each_row_of_the_denoising_loss_is_its_own():
    chain = Chain(3, 2, 1.0)
    net = chain.network(2, 8, Dice(1, "net"))
    clean, condition = torch.zeros(5, 2), torch.zeros(5, 2)
    rows = chain.losses(net, clean, condition, Dice(1, "noise")).detach()
    assert rows.shape == (5,)
    assert float(rows.std()) > 0.0
    assert float(rows.mean()) == pytest.approx(
        float(chain.loss(net, clean, condition, Dice(1, "noise")).detach()), rel=1e-6
    )


# agents ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def codec():
    return Codec(lively_plan(1).info, clock=True, battery=True)


def test_agents_say_what_is_theirs_and_share_what_is_all_s(codec):
    agents = agents_of(codec)
    info, action = codec.info, codec.action
    assert agents.columns.shape == (info.n_sites, len(codec.view.of_site(0)))
    assert np.allclose(agents.pool.sum(axis=1), 1.0)
    by_site = agents.pool.reshape(len(action), info.n_sites, -1)
    for k, each in enumerate(action.coordinates):
        sayers = np.flatnonzero(by_site[k].any(axis=1)).tolist()
        if each.place in info.sites:
            assert sayers == [info.sites.index(each.place)]
        elif each.place in info.services:
            assert sayers == [int(info.service_site[info.services.index(each.place)])]
        else:
            assert sayers == list(range(info.n_sites))
            assert np.allclose(by_site[k].max(axis=1), 1.0 / info.n_sites)
    for site in range(info.n_sites):  # no two of its own numbers come from one that it says
        own = [k for k, c in enumerate(action.coordinates) if c.place != "all"]
        mine = [k for k in own if by_site[k, site].any()]
        assert len({int(by_site[k, site].argmax()) for k in mine}) == len(mine)


def test_shares_of_a_split_are_said_by_who_would_get_them():
    codec = Codec(lively_plan(1).info, encoding="split", clock=True)
    agents, info = agents_of(codec), codec.info
    by_site = agents.pool.reshape(len(codec.action), info.n_sites, -1)
    for k, each in enumerate(codec.action.coordinates):
        place = each.place.partition(" → ")[2]
        if place in info.services:
            site = int(info.service_site[info.services.index(place)])
            assert np.flatnonzero(by_site[k].any(axis=1)).tolist() == [site]


def test_an_agent_does_not_see_what_others_keep_to_themselves(codec):
    recipe = SacDistributed(hidden=16)
    learner = recipe.begin(len(codec.view), len(codec.action), 1, codec)
    view = np.zeros((1, len(codec.view)), np.float32)
    other = view.copy()
    private = [
        k
        for k, each in enumerate(codec.view.columns)
        if each.site == codec.info.sites[1] and not each.shared
    ]
    other[0, private] = 0.9
    one, two = (learner.act(each, explore=False)[0] for each in (view, other))
    for k, each in enumerate(codec.action.coordinates):
        if each.place == codec.info.sites[0] or each.place.startswith(f"{codec.info.sites[0]}/"):
            assert one[k] == two[k], each
    assert not np.array_equal(one, two)


def test_agents_in_numpy_do_what_they_did_in_training(codec, tmp_path):
    learner = SacDistributed(hidden=16).begin(len(codec.view), len(codec.action), 1, codec)
    views = np.random.default_rng(2).uniform(-1, 1, (7, len(codec.view))).astype(np.float32)
    noise = np.random.default_rng(3).standard_normal((7, len(codec.action))).astype(np.float32)
    out = learner.algorithm.actor(torch.from_numpy(views))
    actor = learner.algorithm.acting(Moments(len(codec.view)).scaling())
    theirs, _ = squashed(out, torch.from_numpy(noise))
    assert np.allclose(actor.explore(views, noise), theirs.detach().numpy(), atol=1e-5)
    write_checkpoint(tmp_path, actor.facts(), actor.tensors())
    read = read_actor(read_checkpoint(tmp_path), len(codec.view), len(codec.action))
    assert np.array_equal(read.mean(views), actor.mean(views))


def test_agents_need_sites():
    with pytest.raises(UsageError, match="an agent per site"):
        SacDistributed().begin(3, 2, 1)


# both --------------------------------------------------------------------------------------


@pytest.mark.parametrize("maker", [DiffusionPolicy, SacDistributed])
def test_a_training_resumes_and_its_checkpoint_acts(maker, tmp_path):
    tiny = cosim.load_scenario(str(TINY))
    recipe = maker(**SMALL)
    whole = training.train(tiny, recipe, Plan(3, dates=2, hold_out=2), tmp_path / "a")
    training.train(tiny, recipe, Plan(2, dates=2, hold_out=2), tmp_path / "b")
    again = training.train(tiny, recipe, Plan(3, dates=2, hold_out=2), tmp_path / "b", resume=True)
    assert whole.digest == again.digest
    assert whole.rows[-1]["updates"] == 27
    layer = load_policy("self-consumption", kind="energy")
    policy = Layered(maker.play(str(tmp_path / "a")), layer)
    assert run(tiny, make=lambda: policy, seed=1).clips == {}


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"chain": 0}, "from 1 to 100"),
        ({"chain": 3, "hidden": []}, "whole numbers from 1 on"),
        ({"chain": 3, "hidden": [8, 8]}, "layer0.weight"),
    ],
)
def test_a_damaged_chain_is_refused(facts, said, tmp_path):
    actor = DiffusionPolicy(hidden=16, denoising_steps=3).begin(4, 3, 1).actor()
    write_checkpoint(tmp_path, {**actor.facts, **facts}, actor.tensors)
    with pytest.raises(UsageError, match=said):
        read_chain_actor(read_checkpoint(tmp_path), 4, 3)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [("columns", 1e6, "columns that are not there"), ("columns", 0.5, "columns that are not")],
)
def test_damaged_agents_are_refused(name, value, said, codec, tmp_path):
    columns, coordinates = len(codec.view), len(codec.action)
    actor = SacDistributed(hidden=16).begin(columns, coordinates, 1, codec).actor()
    tensors = dict(actor.tensors)
    tensors[f"agents.{name}"] = np.full_like(tensors[f"agents.{name}"], value)
    write_checkpoint(tmp_path, actor.facts, tensors)
    with pytest.raises(UsageError, match=said):
        read_actor(read_checkpoint(tmp_path), columns, coordinates)
    write_checkpoint(tmp_path, {**actor.facts, "agents": 7}, actor.tensors)
    with pytest.raises(UsageError, match="does not fit"):
        read_actor(read_checkpoint(tmp_path), columns, coordinates)
