"""The settings of a learner, checked, with the defaults that the project's own studies gave.

A recipe is plain data until it begins to learn; only then is torch loaded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar

from cosim.decision import Policy
from cosim.errors import UsageError
from cosim.gym.learner import Learner, Lessons, Stack
from policies.options import choice, number, truth, whole

if TYPE_CHECKING:
    from cosim.gym.codec import Codec
    from cosim.gym.worlds import Settings

KINDS = {
    "diffusion-return": "diffusion_return:DiffusionReturn",
    "dress": "dress:Dress",
    "dress-constant": "dress_constant:DressConstant",
    "dnn": "dnn:Dnn",
    "reward-net": "reward_net:RewardNet",
    "cgan": "cgan:ConditionalGan",
    "noise": "noise:Noise",
    "hand": "hand:Hand",
    "dual": "dual:Dual",
}
"""Shaping kinds and the classes under :mod:`policies.learned.shaping`; besides them ``none``."""
WRAPS = ("potential", "additive", "anneal")
TARGETS = ("return", "reward")
LATENTS = {"diffusion-return": 1, "dress": 128, "dress-constant": 128, "cgan": 8}
ALONE = ("demonstrations", "centred", "hold_updates")
"""Options with which seeds do not learn side by side."""
DENOISING_STEPS = (1, 3, 5, 7)


def check_shown(recipe: Any) -> None:
    """Check the words among them.

    Raises:
        ValueError: one does not exist; the message lists those that do.
    """
    choice("encoding", recipe.encoding, ("score", "split"))
    choice("detail", recipe.detail, ("compact", "full"))
    choice("reward", recipe.reward, ("dense", "deadline", "sparse"))
    number("tolerance", recipe.tolerance, 0.0, 1.0)


def shown(recipe: Any) -> Settings:
    """How the world is shown."""
    from cosim.gym.reward import Reward
    from cosim.gym.worlds import Settings

    names = ("encoding", "clock", "battery", "room", "refuse", "detail")
    told: dict[str, Any] = {name: getattr(recipe, name) for name in names}
    paid: Any = recipe.reward
    return Settings(**told, reward=Reward(paid, recipe.tolerance))


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """All settings of a learner.

    Attributes:
        shaping: kind of shaping.
        wrap: how it enters the reward: ``potential``, ``additive``, or ``anneal`` (additive,
            with a weight that falls to 0).
        eta: its weight η.
        anneal_updates: updates over which the weight falls to 0; 0 keeps it, except for
            ``anneal``, where it means 50,000.
        unconditioned: hide state and action from the shaping.
        denoising_steps: W, steps of a denoising chain: 3, 5, 7, or 1 as a control.
        latent: M, numbers that are denoised together; None: the kind's own default.
        chains: denoising chains whose mean is taken.
        target: what a model of rewards learns: the ``return`` to go or the ``reward``.
        shaping_every: updates between two of the shaping's own.
        shaping_rate: its learning rate.
        snapshot_decay: how slowly the snapshot that shapes rewards follows the model, in [0, 1).
        hidden: units of each of the two hidden layers.
        batch: rows of a batch.
        rate: learning rate of actor, critics and temperature.
        gamma: discount per slot.
        tau: how fast slow networks follow, in (0, 1].
        n_step: slots of a return before the critic takes over.
        updates_per_slot: updates per slot that was played.
        warmup_slots: slots of random actions before anything is learned.
        capacity: rows of the replay buffer.
        temperature: weight of entropy (SAC); 0 lets it adapt itself.
        first_temperature: where it begins if it adapts itself.
        entropy: nats per coordinate that it aims at; −1 is a standard deviation near 0.09.
        centred: learn from rewards less their mean, so that worths stay small at any discount.
        demonstrations: policies that play the training days first, between commas, each ``NAME``
            or ``NAME+LAYER`` with the energy layer below it.
        shown_share: share of every batch that is drawn from their days, in [0, 1).
        imitation_updates: updates in which their actions are imitated before the first day.
        imitation: weight of staying near their actions.
        imitation_fade: updates over which that weight falls to 0; 0 keeps it.
        hold_updates: updates in which the critics learn alone, before the policy moves.
        noise: standard deviation of exploration (TD3).
        encoding, clock, battery, room, refuse, detail: how the world is shown
            (:class:`cosim.gym.Settings`).
        reward, tolerance: what is paid (:class:`cosim.gym.Reward`).
    """

    name: ClassVar[str] = ""
    base: ClassVar[str] = "sac"
    stacks: ClassVar[bool] = True

    shaping: str = "none"
    wrap: str = "potential"
    eta: float = 0.3
    anneal_updates: int = 0
    unconditioned: bool = False
    denoising_steps: int = 5
    latent: int | None = None
    chains: int = 4
    target: str = "return"
    shaping_every: int = 1
    shaping_rate: float = 3e-4
    snapshot_decay: float = 0.999
    hidden: int = 128
    batch: int = 128
    rate: float = 3e-4
    gamma: float = 0.99
    tau: float = 0.005
    n_step: int = 1
    updates_per_slot: float = 1.0
    warmup_slots: int = 288
    capacity: int = 200_000
    temperature: float = 0.0
    first_temperature: float = 1.0
    entropy: float = -1.0
    centred: bool = False
    demonstrations: str = ""
    shown_share: float = 0.5
    imitation_updates: int = 0
    imitation: float = 0.0
    imitation_fade: int = 0
    hold_updates: int = 0
    noise: float = 0.1
    encoding: str = "score"
    clock: bool = False
    battery: bool = False
    room: bool = False
    refuse: bool = False
    detail: str = "compact"
    reward: str = "dense"
    tolerance: float = 0.1

    def __post_init__(self) -> None:
        choice("shaping", self.shaping, ("none", *KINDS))
        choice("wrap", self.wrap, WRAPS)
        choice("target", self.target, TARGETS)
        check_shown(self)
        self._check_numbers()
        for each in fields(self):
            if isinstance(each.default, bool):
                truth(each.name, getattr(self, each.name))

    def _check_numbers(self) -> None:
        for name, low in (
            *(("chains", 1), ("shaping_every", 1), ("anneal_updates", 0)),
            *(("imitation_updates", 0), ("imitation_fade", 0), ("hold_updates", 0)),
            *(("hidden", 1), ("batch", 2), ("n_step", 1), ("warmup_slots", 1), ("capacity", 2)),
        ):
            whole(name, getattr(self, name), low)
        for name, high in (
            ("eta", 100.0),
            ("temperature", 100.0),
            ("updates_per_slot", 100.0),
            ("imitation", 1e4),
        ):
            number(name, getattr(self, name), 0.0, high)
        for name in ("shaping_rate", "rate", "tau"):
            number(name, getattr(self, name), 1e-8, 1.0)
        for name in ("gamma", "snapshot_decay"):
            number(name, getattr(self, name), 0.0, 0.99999)
        number("entropy", self.entropy, -10.0, 0.69)
        number("first_temperature", self.first_temperature, 1e-6, 100.0)
        number("shown_share", self.shown_share, 0.0, 0.99)
        number("noise", self.noise, 0.0, 1.0)
        if whole("denoising_steps", self.denoising_steps, 1) not in DENOISING_STEPS:
            allowed = ", ".join(map(str, DENOISING_STEPS))
            raise ValueError(f"option `denoising_steps` is {self.denoising_steps}, not {allowed}")
        if self.latent is not None:
            whole("latent", self.latent, 1)

    @property
    def demonstrators(self) -> tuple[str, ...]:
        """Policies that play the training days first."""
        return tuple(name.strip() for name in self.demonstrations.split(",") if name.strip())

    def hold_at(self, updates: int) -> float:
        """Weight of staying near others' actions after so many updates."""
        left = 1.0 - updates / self.imitation_fade if self.imitation_fade else 1.0
        return self.imitation * max(left, 0.0)

    @property
    def wants_worths(self) -> bool:
        """Whether hindsight is to say what things are worth on the training days."""
        return self.shaping == "dual"

    @property
    def latents(self) -> int:
        """M, numbers that are denoised together."""
        return LATENTS.get(self.shaping, 1) if self.latent is None else self.latent

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
        """Begin to learn; loads torch."""
        from policies.learned.learner import OffPolicy

        return OffPolicy(self, columns, coordinates, seed, codec, lessons)

    def begin_stack(
        self, columns: int, coordinates: int, seeds: Sequence[int], codec: Codec | None = None
    ) -> Stack:
        """Begin to learn with several seeds side by side; loads torch.

        Raises:
            UsageError: it is a learner, or has an option, that only one seed alone can follow.
        """
        alone = [name for name in ALONE if getattr(self, name)]
        if not self.stacks or alone or self.wants_worths:
            why = ", ".join(alone) or (f"shaping={self.shaping}" if self.stacks else self.name)
            raise UsageError(f"seeds cannot learn side by side with `{why}`")
        from policies.learned.stacked import Stacked

        return Stacked(self, columns, coordinates, seeds, codec)

    @classmethod
    def play(cls, checkpoint: str) -> Policy:
        """The policy that acts from a checkpoint."""
        from policies.learned.policy import Learned

        return Learned(cls.name, checkpoint)
