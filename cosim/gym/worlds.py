"""The engine room of the environments: prepared days, stepped together, and what they brought.

Both environments are thin covers of this: :class:`cosim.gym.env.CosimEnv` of one world,
:class:`cosim.gym.vector.CosimVectorEnv` of many.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

import numpy as np

from cosim.decision import Observation, WorldInfo
from cosim.decision.info import FloatArray
from cosim.errors import UsageError
from cosim.gym.actions import Encoding
from cosim.gym.codec import Codec
from cosim.gym.days import Day
from cosim.gym.energy import EnergyChoice, EnergyLayer, Orders, layer_maker
from cosim.gym.groups import Detail
from cosim.gym.reward import Reward
from cosim.gym.seat import known_views, take_seat
from cosim.gym.views import Float32Array
from cosim.world.kernel_grid import STORED_ROW
from cosim.world.kernel_seat import (
    ENDED,
    FINES,
    LATE,
    MONEY,
    REFUSALS,
    SCALE_USD,
    UTILITY,
)
from cosim.world.lockstep import Lockstep, Seated
from cosim.world.plan import Outside, Plan

DENSE_REWARD = Reward()
Guide = Callable[[int, Observation], FloatArray]
"""Says the action of a world from its number and what an operator sees there."""
SLOT_FACTS = MONEY[: MONEY.index("reward")]
"""What the info of a step holds of a slot."""


@dataclass(frozen=True)
class Settings:
    """How a world is shown to a learner.

    Attributes:
        encoding: ``score`` or ``split``.
        clock: whether an action sets the clocks.
        battery: whether an action orders the batteries about.
        room: whether an action sets the temperatures of the machine rooms.
        refuse: whether an action may refuse jobs.
        detail: ``compact`` or ``full`` groups of job classes.
        reward: what the learner is paid.
        energy: the energy layer for what an action leaves open; None: the scenario's.
        keep: idle worlds that are kept for another play; the longest unused go first.
    """

    encoding: Encoding = "score"
    clock: bool = False
    battery: bool = False
    room: bool = False
    refuse: bool = False
    detail: Detail = "compact"
    reward: Reward = DENSE_REWARD
    energy: EnergyChoice = None
    keep: int = 64


DEFAULT = Settings()


class Worlds:
    """Some worlds, each on one of the prepared days.

    Attributes:
        days: the prepared days.
        codec: layouts of views and actions.
        lockstep: the worlds in motion; its arrays hold actions, views and money.
    """

    def __init__(
        self, days: Sequence[Day], count: int, settings: Settings, *, guide: Guide | None = None
    ) -> None:
        """Lay out the worlds.

        Args:
            days: prepared days of one scenario.
            count: worlds.
            settings: how they are shown.
            guide: gives the actions instead of whoever steps; asked at every edge of the window.

        Raises:
            UsageError: there is no day, or the days are not of one make.
        """
        if not days:
            raise UsageError("an environment needs at least one prepared day")
        _alike(days)
        self.days, self.settings, info = tuple(days), settings, days[0].plan.info
        self.codec = Codec(
            info,
            encoding=settings.encoding,
            clock=settings.clock,
            battery=settings.battery,
            room=settings.room,
            refuse=settings.refuse,
            detail=settings.detail,
        )
        make = layer_maker(settings.energy, days[0])
        self._layers = [EnergyLayer(info, make()) for _ in range(count)]
        self._asks = not self._layers[0].steady and not self.codec.action.decides_energy
        self._guide = guide
        self.lockstep = Lockstep(
            count,
            len(self.codec.action),
            len(self.codec.view),
            self._ask if self._asks or guide is not None else None,
        )
        self.playing: list[int] = []
        self._idle: list[tuple[int, Seated]] = []
        self._known: list[tuple[Outside, Float32Array]] = []
        self._steady: Orders | None = None

    # playing ----------------------------------------------------------------------------

    def begin(self, numbers: Sequence[int]) -> None:
        """Begin days anew.

        Args:
            numbers: number of the day of each world.

        Raises:
            UsageError: there is no such day.
        """
        chosen = [self._checked(number) for number in numbers]
        self._idle += zip(self.playing, self.lockstep.worlds, strict=True)
        self.playing, worlds = chosen, [self._take(number) for number in chosen]
        del self._idle[: -self.settings.keep]
        if self._asks:
            for layer, number, world in zip(self._layers, chosen, worlds, strict=True):
                layer.reset(world.plan.info, self.days[number].seed)
                world.seat.level[:] = world.plan.info.top_level
        self.lockstep.begin(worlds)
        if not self._asks:
            self._set_steady(worlds)

    def step(self) -> None:
        """Do what the actions say; after the last slot let all work end."""
        self.lockstep.step()
        if self.lockstep.over:
            self.lockstep.drain()

    def _checked(self, number: int) -> int:
        if not 0 <= number < len(self.days):
            raise UsageError(f"day {number} does not exist; there are 0..{len(self.days) - 1}")
        return int(number)

    def _take(self, number: int) -> Seated:
        """A world of a day that nobody plays."""
        for at in range(len(self._idle) - 1, -1, -1):
            if self._idle[at][0] == number:
                return self._idle.pop(at)[1]
        plan = self.days[number].plan
        seat = take_seat(self.codec.seat, plan, self._known_of(plan), self.settings.reward)
        return Seated(plan, seat, "learner")

    def _known_of(self, plan: Plan) -> Float32Array:
        """Views of what does not depend on the run; days of one date share them."""
        for outside, known in self._known:
            if outside is plan.outside:
                return known
        self._known.append((plan.outside, known_views(plan, self.codec.view)))
        return self._known[-1][1]

    # the energy layer -------------------------------------------------------------------

    def _ask(self, number: int, seen: Observation) -> None:
        """Let the energy layer of a world decide its slot, and whoever guides it."""
        if self._asks:
            self._layers[number].decide(seen).put(self.lockstep.worlds[number].seat)
        if self._guide is not None and not self.lockstep.over:
            self.lockstep.actions[number] = self._guide(number, seen)

    def _set_steady(self, worlds: Sequence[Seated]) -> None:
        """Put orders into force that are the same in every slot."""
        if self._steady is None:
            layer, first = self._layers[0], worlds[0]
            layer.reset(first.plan.info, self.days[self.playing[0]].seed)
            self._steady = layer.decide(self.lockstep.observe(0))
        for world in worlds:
            self._steady.put(world.seat)

    # what it brought --------------------------------------------------------------------

    def told(self, number: int) -> dict[str, float]:
        """What the last slot brought in a world."""
        return dict(zip(SLOT_FACTS, self.lockstep.money[number].tolist(), strict=False))

    def stored_usd(self, number: int) -> float:
        """Worth of what the batteries gained over the window (:mod:`cosim.settle`) [USD]."""
        world = self.lockstep.worlds[number]
        plan, books = world.plan, world.works.books
        start_kwh = np.array([site.stored_kwh for site in plan.sites])
        gained_kwh = books.grid.rows[plan.info.slots - 1, STORED_ROW] - start_kwh
        price = books.grid.price.mean(axis=0)
        return float((gained_kwh * price * np.sqrt(plan.info.battery_efficiency)).sum())

    def settlement(self, number: int) -> dict[str, float]:
        """What a day brings beyond the slots of its window, and the day as a whole.

        Returns:
            ``drained_usd``, utility of the work that ended later; ``stored_usd``, worth of what
            the batteries gained; ``settlement_usd``, their sum; ``day_utility_usd``, the utility
            of a run that decides the same; ``day_late_share``, its share of late and refused
            jobs.
        """
        total, drained = self.lockstep.total[number], self.lockstep.drained[number]
        stored_usd, whole = self.stored_usd(number), total + drained
        late, ended = whole[LATE] + whole[REFUSALS], whole[ENDED] + whole[REFUSALS]
        return {
            "drained_usd": float(drained[UTILITY]),
            "stored_usd": stored_usd,
            "settlement_usd": float(drained[UTILITY]) + stored_usd,
            "day_utility_usd": float(whole[UTILITY]) + stored_usd,
            "day_late_share": float(late / max(1.0, ended)),
        }

    def settled_reward(self, number: int) -> float:
        """The settlement as a reward, less the fines of late jobs that were charged already."""
        world = self.lockstep.worlds[number]
        drained = self.lockstep.drained[number]
        usd = drained[UTILITY] - drained[FINES] + self.stored_usd(number)
        return float(usd / world.seat.law[SCALE_USD])


DATED = ("start_utc_ns", "supply")
"""Facts that follow the calendar; no view holds them."""


def _alike(days: Sequence[Day]) -> None:
    """Refuse days of different make: their views and actions would not mean the same.

    Raises:
        UsageError: naming the first fact that differs.
    """
    first = days[0]
    for day in days[1:]:
        for field in fields(WorldInfo):
            one, other = getattr(first.plan.info, field.name), getattr(day.plan.info, field.name)
            if field.name not in DATED and not _same(one, other):
                raise UsageError(
                    f"days {first} and {day} differ in `{field.name}`; "
                    "an environment needs days of one scenario"
                )


def _same(one: object, other: object) -> bool:
    return one is other or bool(np.all(np.asarray(one == other)))
