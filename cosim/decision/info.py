"""What a policy may know before the first slot: sites, services, prices of images, limits.

A *service* is a model deployed at a site; jobs are sent to services. With one model per site, as
in JEMAS (arXiv 2605.02965), services and sites coincide.

Further pools of GPUs behind a site's meter are sites of their own here, right after it: they have
a queue, clocks and services, and ``place`` says where they stand. What can be added up (power, the
battery, sun and wind, money) stands with the site whose meter it is and is 0 for its further
pools; what is the same for all of them (prices, limits of the connection, weather, the law of
cooling) is repeated. Figures in W and J are those of one
simulated GPU; figures of a site (``*_kw``, ``*_kwh`` of batteries, limits, loads) include the
scenario's ``replicas``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from cosim.decision.supply import Supply
from cosim.physics.service import Lateness, lateness_row
from cosim.quantities import J_PER_KWH, hours_from_ns

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
FAR = 2**62
"""Further than any two step counts are apart."""


@dataclass(frozen=True)
class ClassInfo:
    """A class of jobs that policies treat alike: tolerated delay × transferable × images.

    Attributes:
        name: e.g. ``delay 62-94 s, movable, 1 image``.
        delay_lo_s: shortest tolerated delay [s] of the class (inclusive).
        delay_hi_s: longest tolerated delay [s] of the class (exclusive).
        transferable: whether its jobs may run away from home.
        images_lo: fewest images of a job.
        images_hi: most images of a job (inclusive).
        images_mean: mean images of its jobs, as the scenario's distribution has it.
        priority: the higher, the earlier its jobs are served where the queue's discipline is
            ``priority``.
    """

    name: str
    delay_lo_s: float
    delay_hi_s: float
    transferable: bool
    images_lo: int
    images_hi: int
    images_mean: float
    priority: int = 0


@dataclass(frozen=True)
class WorldInfo:
    """Static facts of one world.

    Attributes:
        sites: names, in scenario order.
        models: names of the models.
        service_site: site of each service, shape (services,).
        service_model: model of each service, shape (services,).
        classes: the job classes.
        steps: denoising steps per image that some service allows, ascending.
        steps_open: whether each service allows each of them, shape (services, steps).
        default_steps: steps of a policy that does not choose (JEMAS's fixed-step baseline: 30);
            see ``default_column`` where a service does not allow them.
        slot_ns: length of a slot [ns].
        slots: number of slots in the window.
        start_utc_ns: Unix time of the window's start [ns].
        gpus: GPUs per site, shape (sites,).
        batch_max: images that a GPU of each site denoises at once, shape (sites,).
        clock_speed: per site, speed ratio of every clock level, ascending, the last is 1: full
            speed, which under a power cap is the fastest that it allows.
        clock_power: per site, power ratio of every clock level.
        image_fixed_s: encode + decode time of an image at full speed [s], shape (services,).
        image_step_s: GPU time of a denoising step of an image at full speed [s], shape
            (services,); where GPUs batch, its share of a full batch (the step of a full batch
            takes ``batch_max`` times as long).
        image_fixed_j: energy of encode + decode at full speed [J], shape (services,).
        step_w: board power during a step (of a full batch) at full speed [W], shape (services,).
        idle_w: board power of a waiting GPU [W], shape (sites,).
        server_w: always-on share of server and network per GPU [W], shape (sites,).
        revenue_usd: paid per image on time at each step count, shape (services, steps).
        quality: quality per image at each step count, in [0, 1], shape (services, steps).
        late_penalty_usd: penalty φ per image, shape (services,).
        transfer_s: time to move a job of one image, shape (sites, sites).
        transfer_usd: price of moving a job of one image, shape (sites, sites).
        replicas: how many GPUs and jobs one simulated GPU or job stands for.
        battery_kwh: capacity when the window begins, shape (sites,); 0 where there is none.
        battery_charge_kw: charging limit, shape (sites,).
        battery_discharge_kw: discharging limit, shape (sites,).
        battery_efficiency: round-trip efficiency, shape (sites,).
        soc_min: lowest state of charge, shape (sites,).
        soc_max: highest state of charge, shape (sites,).
        import_kw_max: the connection's import limit, shape (sites,), inf where there is none;
            what holds in a slot stands in ``Observation.grid``.
        export_kw_max: its export limit, shape (sites,).
        wear_usd_kwh: battery wear per kWh discharged, shape (sites,); where an ageing model books
            it, what a day of even use would cost by that model.
        room_kwh_k: heat that warms the machine room by a kelvin [kWh/K], 0 where none is modelled,
            shape (sites,).
        room_low_c: lowest set-point of the room [°C], shape (sites,); −inf without one.
        room_high_c: highest set-point, held where none is ordered; inf without one.
        heat_kw_max: most heat that cooling removes [kW], shape (sites,); inf without a room.
        cooling_row: law of cooling power of each site as :mod:`cosim.physics.cooling_scalar` and
            :mod:`cosim.physics.thermal_scalar` read it, shape (sites, …).
        carbon_usd_kg: price of carbon [USD/kg], 0 unless the scenario sets one.
        backup_kw: rated power of the backup generator, shape (sites,), 0 where there is none; it
            runs by itself where the import limit leaves a need.
        demand_charges: names of each site's demand charges; empty without any.
        demand_active: in which slots of the window each of them counts, shape (slots, sites,
            charges), False where a site has fewer; shape (0, 0, 0) without any.
        supply: what each site's supply asks for beyond prices per slot, None where nothing; empty
            where no site has anything of it.
        lateness: what a late image of each service still earns; if left out, nothing.
        may_be_cut: whether the network may cut sites off (``Observation.links_up``).
        place: site at whose meter each site stands, shape (sites,): itself, unless it is a further
            pool of GPUs; if left out, each has its own.
    """

    sites: tuple[str, ...]
    models: tuple[str, ...]
    service_site: IntArray
    service_model: IntArray
    classes: tuple[ClassInfo, ...]
    steps: tuple[int, ...]
    steps_open: BoolArray
    default_steps: int
    slot_ns: int
    slots: int
    start_utc_ns: int
    gpus: IntArray
    batch_max: IntArray
    clock_speed: tuple[tuple[float, ...], ...]
    clock_power: tuple[tuple[float, ...], ...]
    image_fixed_s: FloatArray
    image_step_s: FloatArray
    image_fixed_j: FloatArray
    step_w: FloatArray
    idle_w: FloatArray
    server_w: FloatArray
    revenue_usd: FloatArray
    quality: FloatArray
    late_penalty_usd: FloatArray
    transfer_s: FloatArray
    transfer_usd: FloatArray
    replicas: int
    battery_kwh: FloatArray
    battery_charge_kw: FloatArray
    battery_discharge_kw: FloatArray
    battery_efficiency: FloatArray
    soc_min: FloatArray
    soc_max: FloatArray
    import_kw_max: FloatArray
    export_kw_max: FloatArray
    wear_usd_kwh: FloatArray
    room_kwh_k: FloatArray
    room_low_c: FloatArray
    room_high_c: FloatArray
    heat_kw_max: FloatArray
    cooling_row: FloatArray
    carbon_usd_kg: float
    backup_kw: FloatArray
    demand_charges: tuple[tuple[str, ...], ...] = ()
    demand_active: BoolArray = field(default_factory=lambda: np.zeros((0, 0, 0), dtype=np.bool_))
    supply: tuple[Supply | None, ...] = ()
    lateness: tuple[Lateness, ...] = ()
    may_be_cut: bool = False
    place: IntArray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))

    def __post_init__(self) -> None:
        if not len(self.place):
            object.__setattr__(self, "place", np.arange(self.n_sites))
        if not self.lateness:
            object.__setattr__(self, "lateness", (Lateness(),) * self.n_services)

    @property
    def n_sites(self) -> int:
        """Number of sites."""
        return len(self.sites)

    @property
    def n_services(self) -> int:
        """Number of services (model × site pairs)."""
        return len(self.service_site)

    @property
    def slot_h(self) -> float:
        """Length of a slot [h]."""
        return hours_from_ns(self.slot_ns)

    @property
    def services(self) -> tuple[str, ...]:
        """Names of the services, ``site`` or ``site/model`` where a site runs several."""
        counts = np.bincount(self.service_site, minlength=self.n_sites)
        return tuple(
            self.sites[s] if counts[s] == 1 else f"{self.sites[s]}/{self.models[m]}"
            for s, m in zip(self.service_site, self.service_model, strict=True)
        )

    def nearest_column(self, steps: int) -> IntArray:
        """Index of the step count nearest to ``steps`` that each service allows, (services,).

        Args:
            steps: denoising steps; of two counts equally near, the smaller is taken.
        """
        away = np.abs(np.asarray(self.steps, dtype=np.int64) - steps)
        nearest: IntArray = np.where(self.steps_open, away, FAR).argmin(axis=1)
        return nearest

    @cached_property
    def allowed_steps(self) -> list[list[int]]:
        """Step counts that each service allows, ascending."""
        return [np.asarray(self.steps)[row].tolist() for row in self.steps_open]

    @cached_property
    def nearest_steps(self) -> IntArray:
        """Nearest count that each service allows; of two, the smaller.

        Shape (services + 2, highest count + 1): by service, and twice for those that allow any
        count, by steps asked for. What is asked beyond the highest count is nearest to it.
        """
        levels = np.asarray(self.steps, dtype=np.int64)
        anywhere = np.ones((2, len(levels)), dtype=np.bool_)
        allowed = np.concatenate([self.steps_open, anywhere])
        away = np.abs(np.arange(levels[-1] + 1)[:, None] - levels)
        column = np.where(allowed[:, None, :], away, FAR).argmin(axis=-1)
        return np.asarray(levels[column], dtype=np.int64)

    @cached_property
    def default_column(self) -> IntArray:
        """Index of the step count of a policy that does not choose, shape (services,)."""
        return self.nearest_column(self.default_steps)

    @cached_property
    def lateness_rows(self) -> FloatArray:
        """The same as numbers for :mod:`cosim.physics.service_scalar`, shape (services, …)."""
        return np.stack([lateness_row(each) for each in self.lateness])

    @cached_property
    def soft(self) -> BoolArray:
        """Services whose images may still earn something after their deadline, (services,)."""
        return np.array([each.kind != "hard" for each in self.lateness], dtype=np.bool_)

    @cached_property
    def transferable(self) -> BoolArray:
        """Whether each class may leave home, shape (classes,)."""
        return np.array([c.transferable for c in self.classes], dtype=np.bool_)

    @cached_property
    def home_service(self) -> IntArray:
        """First service of each site, where jobs stay that may not or need not move, (sites,)."""
        return np.array(
            [int(np.flatnonzero(self.service_site == s)[0]) for s in range(self.n_sites)],
            dtype=np.int64,
        )

    @cached_property
    def at_home(self) -> BoolArray:
        """Which services stand at each home, in whatever pool, shape (sites, services)."""
        at_home: BoolArray = self.place[:, None] == self.place[self.service_site][None, :]
        return at_home

    @cached_property
    def reachable(self) -> BoolArray:
        """Services that a class may use from each home, shape (sites, classes, services)."""
        moves = self.transferable[None, :, None]
        return np.asarray(self.at_home[:, None, :] | moves, dtype=np.bool_)

    @cached_property
    def staying(self) -> FloatArray:
        """Shares that keep every job at home, shape (sites, classes, services + 2)."""
        shares = np.zeros((self.n_sites, len(self.classes), self.n_services + 2))
        shares[np.arange(self.n_sites), :, self.home_service] = 1.0
        return shares

    @cached_property
    def top_level(self) -> IntArray:
        """Highest clock level of each site, shape (sites,)."""
        return np.array([len(table) - 1 for table in self.clock_speed], dtype=np.int64)

    def image_s(self, speed: FloatArray | float = 1.0) -> FloatArray:
        """GPU time of one image at each allowed step count [s], shape (services, steps).

        Args:
            speed: speed ratio of the clock, a number or one per service.
        """
        steps = np.asarray(self.steps, dtype=np.float64)
        seconds = self.image_fixed_s[:, None] + steps[None, :] * self.image_step_s[:, None]
        return np.asarray(seconds / np.reshape(speed, (-1, 1)), dtype=np.float64)

    def image_kwh(self) -> FloatArray:
        """IT energy of one image at full speed beyond idling [kWh], shape (services, steps)."""
        steps = np.asarray(self.steps, dtype=np.float64)
        joule = (
            self.image_fixed_j[:, None]
            + steps[None, :] * (self.image_step_s * self.step_w)[:, None]
        )
        idle_j = self.idle_w[self.service_site][:, None] * self.image_s()
        return np.asarray((joule - idle_j) / J_PER_KWH, dtype=np.float64)
