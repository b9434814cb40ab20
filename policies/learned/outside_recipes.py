"""Known programs as learners by name: ``sb3-ppo``, ``sb3-sac``, ``sb3-td3``."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar

from cosim.decision import Policy
from cosim.gym.learner import Learner, Lessons
from policies.learned.recipe import check_shown, shown
from policies.options import number, truth, whole

if TYPE_CHECKING:
    from cosim.gym.codec import Codec
    from cosim.gym.worlds import Settings


@dataclass(frozen=True, kw_only=True)
class Outside:
    """What their three learners have in common; all else is as they have it by default.

    Attributes:
        hidden: units of each of the two hidden layers.
        rate: learning rate.
        batch: rows of a batch.
        gamma: discount per slot.
        encoding, clock, battery, room, refuse, detail: how the world is shown
            (:class:`cosim.gym.Settings`).
        reward, tolerance: what is paid (:class:`cosim.gym.Reward`).
    """

    name: ClassVar[str] = ""
    make: ClassVar[str] = ""

    hidden: int = 128
    rate: float = 3e-4
    batch: int = 256
    gamma: float = 0.99
    encoding: str = "score"
    clock: bool = True
    battery: bool = True
    room: bool = True
    refuse: bool = False
    detail: str = "compact"
    reward: str = "dense"
    tolerance: float = 0.1

    def __post_init__(self) -> None:
        check_shown(self)
        whole("hidden", self.hidden, 1)
        whole("batch", self.batch, 2)
        number("rate", self.rate, 1e-8, 1.0)
        number("gamma", self.gamma, 0.0, 0.99999)
        for each in fields(self):
            if isinstance(each.default, bool):
                truth(each.name, getattr(self, each.name))

    @property
    def settings(self) -> Settings:
        """How the world is shown."""
        return shown(self)

    def options(self) -> dict[str, Any]:
        """All options, as plain data."""
        return asdict(self)

    def begin(
        self,
        columns: int,
        coordinates: int,
        seed: int,
        codec: Codec | None = None,
        lessons: Lessons | None = None,
    ) -> Learner:
        """Begin to learn; loads torch and Stable-Baselines3."""
        del codec, lessons
        from policies.learned.outside import LEARNERS

        return LEARNERS[self.make](self, columns, coordinates, seed)

    @classmethod
    def play(cls, checkpoint: str) -> Policy:
        """The policy that acts from a checkpoint."""
        from policies.learned.policy import Learned

        return Learned(cls.name, checkpoint)


@dataclass(frozen=True, kw_only=True)
class Sb3Ppo(Outside):
    """Stable-Baselines3's PPO: proximal policy optimisation on rollouts of whole days.

    Attributes:
        days: days of a rollout.
        noise: standard deviation of actions at the beginning.
    """

    name: ClassVar[str] = "sb3-ppo"
    make: ClassVar[str] = "ppo"
    days: int = 4
    noise: float = 0.3

    def __post_init__(self) -> None:
        super().__post_init__()
        whole("days", self.days, 1)
        number("noise", self.noise, 1e-3, 10.0)


@dataclass(frozen=True, kw_only=True)
class _OffPolicy(Outside):
    """What their SAC and TD3 share.

    Attributes:
        capacity: slots of the replay buffer.
        warmup_slots: slots of random actions before anything is learned.
        updates_per_slot: updates per slot that was played.
    """

    capacity: int = 200_000
    warmup_slots: int = 288
    updates_per_slot: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        whole("capacity", self.capacity, 2)
        whole("warmup_slots", self.warmup_slots, 1)
        number("updates_per_slot", self.updates_per_slot, 0.0, 100.0)


@dataclass(frozen=True, kw_only=True)
class Sb3Sac(_OffPolicy):
    """Stable-Baselines3's SAC: soft actor-critic, temperature automatic."""

    name: ClassVar[str] = "sb3-sac"
    make: ClassVar[str] = "sac"


@dataclass(frozen=True, kw_only=True)
class Sb3Td3(_OffPolicy):
    """Stable-Baselines3's TD3: twin delayed deterministic policy gradient.

    Attributes:
        noise: standard deviation of exploration.
    """

    name: ClassVar[str] = "sb3-td3"
    make: ClassVar[str] = "td3"
    noise: float = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        number("noise", self.noise, 0.0, 1.0)
