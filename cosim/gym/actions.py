"""What a learner does: a vector of numbers in [−1, 1] and the table that says what each means.

Two encodings say what happens to jobs. ``score`` is compact: prices of GPU time and of energy at
each service, a price of a denoising step and of delay, and how cautious deadlines are taken; each
job then goes where it earns most (:class:`cosim.decision.ScoreRule`). ``split`` says which share
of each group of jobs goes where, with how many steps (:class:`cosim.decision.SplitRule`). Either
may carry the clock of each site, the power of its battery and the temperature of its machine room
as well.

No coordinate is without effect: there is none for a choice that a scenario does not leave (a
battery that is not there, a group that can go nowhere else, a single clock level).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from cosim.decision import WorldInfo
from cosim.decision.info import FloatArray, IntArray
from cosim.errors import UsageError, did_you_mean
from cosim.gym.groups import Groups, patience_s
from cosim.gym.tables import Cell, text_table
from cosim.world.kernel_seat import ABSENT, ALONE, BY_SCORE, BY_SPLIT, SHARPNESS

Encoding = Literal["score", "split"]
ENCODINGS = ("score", "split")
Law = Literal["linear", "square", "level", "softmax"]

LEAST_KWH = 1e-6
"""An image takes more energy than this (3.6 J), or its energy price may as well be capped."""


@dataclass(frozen=True)
class Coordinate:
    """One number of an action.

    Attributes:
        name: e.g. ``gpu_price``.
        unit: unit of the physical quantity.
        place: site, service, or group → destination that it is for; ``all``.
        law: ``linear`` between the limits, ``square`` (from 0, finer there), ``level`` (equal
            parts of the range), ``softmax`` (a logit times the sharpness).
        low: physical value of −1.
        high: physical value of 1.
        meaning: one sentence.
    """

    name: str
    unit: str
    place: str
    law: Law
    low: float
    high: float
    meaning: str


class Action:
    """The layout of an action.

    Attributes:
        encoding: ``score`` or ``split``.
        coordinates: one per number, in order.
        clock: whether clocks are decided here.
        battery: whether batteries are decided here.
        room: whether temperatures of machine rooms are decided here.
        open_at: coordinate of each destination's logit, shape (sites, groups, services + 2).
        steps_at: coordinate of the steps, shape (groups, services).
        price_at: coordinates of both prices, shape (2, services).
        hold_at: coordinate of the limit below which jobs are held, shape (groups,).
        clock_at: coordinate of the clock, shape (sites,).
        battery_at: coordinate of the battery, shape (sites,).
        room_at: coordinate of the room's temperature, shape (sites,).
        step_price_at: coordinate of the price of a step.
        delay_at: coordinate of the price of delay.
        margin_at: coordinate of the margin.
        refuse_at: coordinate of the limit below which jobs are refused.
        refuses: whether jobs can be refused.
    """

    def __init__(
        self,
        info: WorldInfo,
        groups: Groups,
        encoding: Encoding,
        *,
        clock: bool,
        battery: bool,
        room: bool,
        refuse: bool,
    ) -> None:
        """Lay out the actions in a world.

        Args:
            info: the world.
            groups: groups of job classes that are treated alike.
            encoding: ``score`` or ``split``.
            clock: whether clocks are decided here; else by the energy layer.
            battery: whether batteries are decided here; likewise.
            room: whether temperatures of machine rooms are decided here; likewise.
            refuse: whether jobs can be refused.

        Raises:
            UsageError: there is no such encoding, or there is nothing to decide.
        """
        if encoding not in ENCODINGS:
            hint = did_you_mean(encoding, ENCODINGS)
            raise UsageError(f"encoding `{encoding}` does not exist{hint}")
        self._info, self._groups, self.encoding = info, groups, encoding
        self.coordinates: list[Coordinate] = []
        size = info.n_services + 2
        self.open_at = np.full((info.n_sites, len(groups), size), ABSENT, dtype=np.int64)
        self.steps_at = np.full((len(groups), info.n_services), ABSENT, dtype=np.int64)
        self.price_at = np.full((2, info.n_services), ABSENT, dtype=np.int64)
        self.hold_at = np.full(len(groups), ABSENT, dtype=np.int64)
        self.clock_at = np.full(info.n_sites, ABSENT, dtype=np.int64)
        self.battery_at = np.full(info.n_sites, ABSENT, dtype=np.int64)
        self.room_at = np.full(info.n_sites, ABSENT, dtype=np.int64)
        self.step_price_at = self.delay_at = self.margin_at = self.refuse_at = ABSENT
        self.refuses = refuse
        (self._split if encoding == "split" else self._score)()
        self.clock, self.battery = clock and self._clock(), battery and self._battery()
        self.room = room and self._room()
        if not self.coordinates:
            raise UsageError("there is nothing to decide: one service, one step count, no levers")

    def __len__(self) -> int:
        return len(self.coordinates)

    @property
    def holds(self) -> bool:
        """Whether an action can hold jobs."""
        return bool(self._groups.may_wait.any())

    @property
    def decides_energy(self) -> bool:
        """Whether nothing is left to an energy layer."""
        rooms = bool((self._info.room_kwh_k > 0.0).any())
        return self.clock and self.battery and (self.room or not rooms)

    @property
    def limits(self) -> FloatArray:
        """Physical values of −1 and 1, shape (coordinates, 2)."""
        return np.array([(each.low, each.high) for each in self.coordinates], dtype=np.float64)

    def table(self) -> str:
        """The table of all coordinates as text."""
        rows: list[list[Cell]] = [
            [k, c.place, c.name, c.unit, c.law, c.low, c.high, c.meaning]
            for k, c in enumerate(self.coordinates)
        ]
        return text_table(("#", "for", "name", "unit", "law", "−1", "+1", "meaning"), rows)

    def _add(
        self, name: str, unit: str, place: str, law: Law, limits: tuple[float, float], meaning: str
    ) -> int:
        self.coordinates.append(Coordinate(name, unit, place, law, *limits, meaning))
        return len(self.coordinates) - 1

    # prices -----------------------------------------------------------------------------

    def _score(self) -> None:
        info = self._info
        for service, name in enumerate(info.services):
            self.price_at[0, service] = self._add(
                "gpu_price",
                "USD/s",
                name,
                "square",
                (0.0, float(best_usd_s(info)[service])),
                "price of a GPU-second; at +1 no image pays",
            )
        for service, name in enumerate(info.services):
            self.price_at[1, service] = self._add(
                "energy_price",
                "USD/kWh",
                name,
                "square",
                (0.0, float(best_usd_kwh(info)[service])),
                "price of IT energy beyond idling; at +1 no image pays",
            )
        if len(info.steps) > 1:
            self.step_price_at = self._add(
                "step_price",
                "USD",
                "all",
                "square",
                (0.0, steepest_usd(info)),
                "price of a denoising step; at +1 no further step pays",
            )
        self.delay_at = self._add(
            "delay_price",
            "USD/s",
            "all",
            "square",
            (0.0, impatience_usd_s(info, self._groups)),
            "price of a second until a job is estimated to end; keeps jobs from crowding",
        )
        reach_s = patience_s(self._groups)
        self.margin_at = self._add(
            "margin",
            "s",
            "all",
            "linear",
            (-0.5 * reach_s, 0.5 * reach_s),
            "time before its deadline by which a job must be estimated to end",
        )
        for group in np.flatnonzero(self._groups.may_wait).tolist():
            self.hold_at[group] = self._add(
                "hold",
                "1",
                self._groups.names[group],
                "linear",
                (-1.0, 1.0),
                "jobs that would earn less than this part of the best payment wait at home",
            )
        if self.refuses:
            self.refuse_at = self._add(
                "refuse",
                "1",
                "all",
                "linear",
                (-2.0, 0.0),
                "jobs that would earn less than this part of the best payment are refused",
            )

    # shares -----------------------------------------------------------------------------

    def _split(self) -> None:
        for group in range(len(self._groups)):
            self._destinations(group)
        info = self._info
        if len(info.steps) > 1:
            for group, jobs in enumerate(self._groups.names):
                for service, name in enumerate(info.services):
                    self.steps_at[group, service] = self._add(
                        "steps",
                        "1",
                        f"{jobs} → {name}",
                        "level",
                        (float(info.steps[0]), float(info.steps[-1])),
                        "denoising steps per image",
                    )

    def _destinations(self, group: int) -> None:
        """Logits of where a group may go, from any home; none where there is no choice."""
        info, holds = self._info, bool(self._groups.may_wait[group])
        at_home = info.at_home
        reach = np.ones_like(at_home) if self._groups.transferable[group] else at_home
        choice = reach.sum(axis=1) + holds + self.refuses > 1
        for service, name in enumerate(info.services):
            homes = reach[:, service]
            self.open_at[homes, group, service] = ALONE
            if (homes & choice).any():
                at = self._logit(group, name)
                self.open_at[homes & choice, group, service] = at
        if holds:
            self.open_at[:, group, info.n_services] = self._logit(group, "hold")
        if self.refuses:
            self.open_at[:, group, info.n_services + 1] = self._logit(group, "refuse")

    def _logit(self, group: int, destination: str) -> int:
        place, limits = f"{self._groups.names[group]} → {destination}", (-SHARPNESS, SHARPNESS)
        return self._add("share", "1", place, "softmax", limits, "logit of the share to go there")

    # energy -----------------------------------------------------------------------------

    def _clock(self) -> bool:
        """Clock levels of the sites that have several."""
        for site, table in enumerate(self._info.clock_speed):
            if len(table) > 1:
                self.clock_at[site] = self._add(
                    "clock",
                    "1",
                    self._info.sites[site],
                    "level",
                    (min(table), max(table)),
                    "speed of the GPUs over full speed",
                )
        return bool((self.clock_at != ABSENT).any())

    def _battery(self) -> bool:
        """Powers of the batteries that there are."""
        info = self._info
        for site in np.flatnonzero(info.battery_kwh > 0.0).tolist():
            self.battery_at[site] = self._add(
                "battery",
                "kW",
                info.sites[site],
                "linear",
                (-float(info.battery_charge_kw[site]), float(info.battery_discharge_kw[site])),
                "power over the slot, + discharging; in proportion to what it can then hold",
            )
        return bool((self.battery_at != ABSENT).any())

    def _room(self) -> bool:
        """Temperatures of the machine rooms that there are."""
        info = self._info
        for site in np.flatnonzero(info.room_kwh_k > 0.0).tolist():
            self.room_at[site] = self._add(
                "room",
                "°C",
                info.sites[site],
                "linear",
                (float(info.room_low_c[site]), float(info.room_high_c[site])),
                "temperature to hold in the machine room",
            )
        return bool((self.room_at != ABSENT).any())

    # for compiled code ------------------------------------------------------------------

    @property
    def kind(self) -> int:
        """The encoding as compiled code knows it."""
        return BY_SPLIT if self.encoding == "split" else BY_SCORE


def best_usd_s(info: WorldInfo) -> FloatArray:
    """Most that a GPU-second at full speed can earn at each service [USD/s], shape (services,)."""
    return np.asarray((info.revenue_usd / info.image_s()).max(axis=1), dtype=np.float64)


def best_usd_kwh(info: WorldInfo) -> FloatArray:
    """Most that a kWh beyond idling can earn at each service [USD/kWh], shape (services,)."""
    kwh = np.maximum(info.image_kwh(), LEAST_KWH)
    return np.asarray((info.revenue_usd / kwh).max(axis=1), dtype=np.float64)


def steepest_usd(info: WorldInfo) -> float:
    """Most that one more denoising step can earn anywhere [USD]."""
    gains = np.diff(info.revenue_usd, axis=1) / np.diff(np.asarray(info.steps, dtype=np.float64))
    return float(max(gains.max(), 0.0))


def impatience_usd_s(info: WorldInfo, groups: Groups) -> float:
    """What the best paid job earns, per second of the patience of the least patient [USD/s]."""
    return float(worth_usd(info).max()) / patience_s(groups)


def worth_usd(info: WorldInfo) -> FloatArray:
    """Best payment for a job of each class [USD], shape (classes,)."""
    images = np.array([each.images_mean for each in info.classes])
    return np.asarray(images * info.revenue_usd.max(), dtype=np.float64)


def level_counts(info: WorldInfo) -> IntArray:
    """Number of clock levels of each site, shape (sites,)."""
    return info.top_level + 1
