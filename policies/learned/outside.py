"""Stable-Baselines3's PPO, SAC and TD3 as learners: known programs to hold our own against.

The algorithms are theirs, unchanged (Raffin et al. 2021, JMLR 22:268); what is here is the way in
and out. Days are played by the trainer and handed over whole: PPO gets as many as make a rollout,
SAC and TD3 put theirs into their replay buffers. What acts is a plain network in numpy, as of our
own learners.

    PPO       clip(x W + b, ±1)     the bell on top is not squashed, but cut off by the world
    SAC, TD3  tanh(x W + b)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from stable_baselines3 import PPO, SAC, TD3
from stable_baselines3.common.logger import Logger

from cosim.gym.env import unit_box
from cosim.gym.learner import Episode, Memory
from policies.learned.actor import Actor, Moments
from policies.learned.dice import Dice

if TYPE_CHECKING:
    from policies.learned.outside_recipes import Outside

Float32Array = NDArray[np.float32]
Tensors = dict[str, NDArray[Any]]


class OutsideLearner:
    """One of their algorithms, as :class:`cosim.gym.learner.Learner` has it.

    Attributes:
        recipe: its settings.
        model: their object.
        updates: gradient steps so far.
    """

    def __init__(self, recipe: Outside, columns: int, coordinates: int, seed: int) -> None:
        torch.set_num_threads(1)
        self.recipe: Any = recipe  # each of the three has options of its own
        self._columns, self._coordinates = columns, coordinates
        self._explorer, self.updates, self._slots = Dice(seed, "explore"), 0, 0
        self._chance = _Chance(int(Dice(seed, "outside").generator.integers(2**31)))
        with self._chance():
            self.model: Any = self._made()
            self._lay_out()
        self.model.set_logger(Logger(folder=None, output_formats=[]))
        self._now = self._actor()

    def _made(self) -> Any:
        """Their object, not yet laid out: it has no environment, the trainer plays."""
        raise NotImplementedError

    def _lay_out(self) -> None:
        self.model.observation_space = unit_box(self._columns)
        self.model.action_space = unit_box(self._coordinates)
        self.model.n_envs = 1
        self.model._setup_model()

    # playing ----------------------------------------------------------------------------

    def act(self, views: Float32Array, *, explore: bool) -> Float32Array:
        """Say what to do."""
        if not explore:
            return self._now.mean(views)
        with self._chance(), torch.no_grad():
            return self._tried(torch.from_numpy(views))

    def _tried(self, views: torch.Tensor) -> Float32Array:
        raise NotImplementedError

    # learning ---------------------------------------------------------------------------

    def learn(self, episodes: Sequence[Episode]) -> Mapping[str, float]:
        """Take in days and learn from them."""
        for episode in episodes:
            self._take(episode)
        before = self.updates
        with self._chance():
            self._train(sum(episode.slots for episode in episodes))
        if self.updates == before:
            return {"updates": float(before)}
        self._now = self._actor()
        told = self.model.logger.name_to_value
        figures = {
            name.removeprefix("train/"): float(value)
            for name, value in sorted(told.items())
            if name.startswith("train/") and name != "train/n_updates"
        }
        return {"updates": float(self.updates), **figures}

    def recall(self, episodes: Sequence[Episode]) -> None:
        """Take in days that were learned from before."""
        for episode in episodes:
            self._take(episode)

    def _take(self, episode: Episode) -> None:
        raise NotImplementedError

    def _train(self, slots: int) -> None:
        raise NotImplementedError

    # what is kept -----------------------------------------------------------------------

    def memory(self) -> Memory:
        """Networks, optimisers and the state of chance."""
        tensors = {f"net.{name}": _array(value) for name, value in self._networks().items()}
        for name, optimiser in self._optimisers().items():
            for key, state in optimiser.state_dict()["state"].items():
                tensors |= {f"{name}.{key}.{k}": _array(v) for k, v in state.items()}
        facts = {
            "updates": self.updates,
            "explore": self._explorer.state(),
            "chance": self._chance.facts(),
            "their_updates": int(self.model._n_updates),
        }
        return Memory(facts, tensors | self._chance.tensors())

    def restore(self, memory: Memory) -> None:
        """Go on from there.

        Raises:
            ValueError: it is not a memory of such a learner.
        """
        facts, tensors = memory.facts, memory.tensors
        try:
            self.updates = int(facts["updates"])
            self.model._n_updates = int(facts["their_updates"])
            self._explorer.restore(facts["explore"])
            self._chance.restore(facts["chance"], tensors)
            with torch.no_grad():
                for name, mine in self._networks().items():
                    mine.copy_(torch.from_numpy(tensors[f"net.{name}"]))
        except (KeyError, TypeError, RuntimeError) as problem:
            raise ValueError(f"the memory of the learner does not fit: {problem}") from None
        for name, optimiser in self._optimisers().items():
            _restore_optimiser(optimiser, name, tensors)
        self._now = self._actor()

    def actor(self) -> Memory:
        """What acts without learning."""
        return Memory(self._now.facts(), self._now.tensors())

    # inside -----------------------------------------------------------------------------

    def _networks(self) -> dict[str, torch.Tensor]:
        found: dict[str, torch.Tensor] = self.model.policy.state_dict()
        return found

    def _optimisers(self) -> dict[str, torch.optim.Optimizer]:
        raise NotImplementedError

    def _layers(self) -> list[Any]:
        """Modules from a view to the mean of an action; activations between them are ReLU."""
        raise NotImplementedError

    ends = "tanh"

    def _actor(self) -> Actor:
        linear = [each for each in self._layers() if isinstance(each, torch.nn.Linear)]
        layers = [(_array(each.weight).T.copy(), _array(each.bias)) for each in linear]
        unscaled = Moments(self._columns).scaling()
        return Actor(unscaled, layers, gaussian=False, ends=self.ends)


class OutsidePpo(OutsideLearner):
    """Proximal policy optimisation on rollouts of whole days, side by side."""

    ends = "clip"

    def _made(self) -> Any:
        recipe = self.recipe
        kwargs = {
            "net_arch": [recipe.hidden] * 2,
            "activation_fn": torch.nn.ReLU,
            "log_std_init": float(np.log(recipe.noise)),
        }
        self._days: list[Episode] = []
        return PPO(
            "MlpPolicy",
            None,
            learning_rate=recipe.rate,
            batch_size=recipe.batch,
            gamma=recipe.gamma,
            policy_kwargs=kwargs,
            device="cpu",
            _init_setup_model=False,
        )

    def _tried(self, views: torch.Tensor) -> Float32Array:
        actions, _, _ = self.model.policy(views)
        return np.asarray(actions.numpy(), dtype=np.float32)

    def _take(self, episode: Episode) -> None:
        self._days = [*self._days, episode][-self.recipe.days :]
        self._slots += 1

    def _train(self, slots: int) -> None:
        """Learn once enough days have come together; days of other policies are no use."""
        del slots
        if self._slots % self.recipe.days:
            return
        from stable_baselines3.common.buffers import RolloutBuffer

        model, days = self.model, self._days
        model.policy.set_training_mode(False)
        model.rollout_buffer = RolloutBuffer(
            days[0].slots,
            model.observation_space,
            model.action_space,
            device="cpu",
            gamma=model.gamma,
            gae_lambda=model.gae_lambda,
            n_envs=len(days),
        )
        with torch.no_grad():
            for slot in range(days[0].slots):
                views = np.stack([day.views[slot] for day in days])
                actions = np.stack([day.actions[slot] for day in days])
                rewards = np.array([day.rewards[slot] for day in days])
                value, log_prob, _ = model.policy.evaluate_actions(
                    torch.from_numpy(views), torch.from_numpy(actions)
                )
                begins = np.full(len(days), slot == 0)
                model.rollout_buffer.add(views, actions, rewards, begins, value, log_prob)
            last = torch.from_numpy(np.stack([day.views[-1] for day in days]))
            ends = np.array([day.terminal for day in days])
            model.rollout_buffer.compute_returns_and_advantage(
                model.policy.predict_values(last), ends
            )
        model.train()
        batches = -(-days[0].slots * len(days) // self.recipe.batch)
        self.updates += batches * model.n_epochs

    def _optimisers(self) -> dict[str, torch.optim.Optimizer]:
        return {"adam": self.model.policy.optimizer}

    def _layers(self) -> list[Any]:
        policy = self.model.policy
        return [*policy.mlp_extractor.policy_net, policy.action_net]


class OutsideOffPolicy(OutsideLearner):
    """What their SAC and TD3 share: a replay buffer that is filled by days."""

    def _settings(self) -> dict[str, Any]:
        recipe = self.recipe
        return {
            "learning_rate": recipe.rate,
            "buffer_size": recipe.capacity,
            "batch_size": recipe.batch,
            "gamma": recipe.gamma,
            "policy_kwargs": {"net_arch": [recipe.hidden] * 2},
            "device": "cpu",
            "_init_setup_model": False,
        }

    def _tried(self, views: torch.Tensor) -> Float32Array:
        if self._slots < self.recipe.warmup_slots:
            drawn = self._explorer.uniform(len(views), self._coordinates)
            return np.asarray(drawn, dtype=np.float32)
        return self._guess(views)

    def _guess(self, views: torch.Tensor) -> Float32Array:
        raise NotImplementedError

    def _take(self, episode: Episode) -> None:
        for slot in range(episode.slots):
            over = slot + 1 == episode.slots
            self.model.replay_buffer.add(
                episode.views[slot],
                episode.views[slot + 1],
                episode.actions[slot],
                episode.rewards[slot : slot + 1],
                np.array([over]),
                [{"TimeLimit.truncated": over and not episode.terminal}],
            )
        self._slots += episode.slots

    def _train(self, slots: int) -> None:
        if self._slots < self.recipe.warmup_slots:
            return
        steps = round(self.recipe.updates_per_slot * slots)
        self.model.train(gradient_steps=steps, batch_size=self.recipe.batch)
        self.updates += steps

    def _optimisers(self) -> dict[str, torch.optim.Optimizer]:
        return {
            "actor_adam": self.model.actor.optimizer,
            "critic_adam": self.model.critic.optimizer,
        }


class OutsideSac(OutsideOffPolicy):
    """Soft actor-critic."""

    def _made(self) -> Any:
        entropy = -float(self._coordinates)  # their own default, which asks an environment
        return SAC("MlpPolicy", None, target_entropy=entropy, **self._settings())

    def _guess(self, views: torch.Tensor) -> Float32Array:
        return np.asarray(self.model.actor(views).numpy(), dtype=np.float32)

    def _networks(self) -> dict[str, torch.Tensor]:
        return {**super()._networks(), "log_ent_coef": self.model.log_ent_coef.data}

    def _optimisers(self) -> dict[str, torch.optim.Optimizer]:
        return {**super()._optimisers(), "alpha_adam": self.model.ent_coef_optimizer}

    def _layers(self) -> list[Any]:
        return [*self.model.actor.latent_pi, self.model.actor.mu]


class OutsideTd3(OutsideOffPolicy):
    """Twin delayed deterministic policy gradient."""

    def _made(self) -> Any:
        return TD3("MlpPolicy", None, **self._settings())

    def _guess(self, views: torch.Tensor) -> Float32Array:
        best = self.model.actor(views).numpy()
        noise = np.asarray(self._explorer.normal(*best.shape))
        tried = best + self.recipe.noise * noise
        return np.asarray(np.clip(tried, -1.0, 1.0), dtype=np.float32)

    def _layers(self) -> list[Any]:
        return list(self.model.actor.mu)


LEARNERS: dict[str, type[OutsideLearner]] = {
    "ppo": OutsidePpo,
    "sac": OutsideSac,
    "td3": OutsideTd3,
}


class _Chance:
    """The generators that their code shares with all other code, as of this learner alone."""

    def __init__(self, seed: int) -> None:
        self._torch = torch.Generator().manual_seed(seed).get_state()
        self._numpy: Any = np.random.RandomState(seed).get_state()

    @contextmanager
    def __call__(self) -> Iterator[None]:
        """Let this learner's generators be those of the process for a while."""
        before = torch.get_rng_state(), np.random.get_state()  # noqa: NPY002 what they draw from
        torch.set_rng_state(self._torch)
        np.random.set_state(self._numpy)  # noqa: NPY002
        try:
            yield
        finally:
            self._torch, self._numpy = torch.get_rng_state(), np.random.get_state()  # noqa: NPY002
            torch.set_rng_state(before[0])
            np.random.set_state(before[1])  # noqa: NPY002

    def facts(self) -> dict[str, Any]:
        name, _, position, has_gauss, gauss = self._numpy
        return {"name": name, "position": position, "has_gauss": has_gauss, "gauss": gauss}

    def tensors(self) -> Tensors:
        keys = np.asarray(self._numpy[1], dtype=np.int64)
        return {"chance.numpy": keys, "chance.torch": self._torch.numpy().copy()}

    def restore(self, facts: Mapping[str, Any], tensors: Tensors) -> None:
        keys = tensors["chance.numpy"].astype(np.uint32)
        place = (int(facts["position"]), int(facts["has_gauss"]), float(facts["gauss"]))
        self._numpy = (str(facts["name"]), keys, *place)
        self._torch = torch.from_numpy(tensors["chance.torch"].copy())


def _array(value: Any) -> NDArray[Any]:
    return np.array(value.detach().numpy())


def _restore_optimiser(optimiser: torch.optim.Optimizer, name: str, tensors: Tensors) -> None:
    state: dict[int, dict[str, torch.Tensor]] = {}
    for key, array in tensors.items():
        owner, _, rest = key.partition(".")
        if owner == name:
            number, _, part = rest.partition(".")
            state.setdefault(int(number), {})[part] = torch.from_numpy(np.array(array))
    groups = optimiser.state_dict()["param_groups"]
    optimiser.load_state_dict({"state": state, "param_groups": groups})
