"""A plan: everything a world needs, as plain numbers and arrays, before its clock starts.

A plan knows nothing of YAML, traces or libraries; it can be sent to another process and run there.
Durations are integer nanoseconds and powers integer milliwatts, rounded once: from then on an
engine only adds and multiplies integers, so that two engines agree bit for bit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cosim.decision import Notice, WorldInfo
from cosim.physics.ageing import capacity_share
from cosim.physics.backup import Generator
from cosim.physics.battery import Battery
from cosim.physics.cooling import CoolingModel
from cosim.physics.demand_response import DemandResponse, DrEvent
from cosim.physics.grid_limits import GridEvent
from cosim.physics.local_time import LocalTime
from cosim.physics.network import Link
from cosim.physics.tariff_records import Tariff
from cosim.physics.thermal import Thermal
from cosim.quantities import hours_from_ns
from cosim.traces.jobs import JobSet
from cosim.world.battery_plan import CONDITIONED, Ageing, Cells
from cosim.world.loading import FREE_OF_CHARGE, NOTHING, Loading, SleepPlan

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class ServicePlan:
    """One model on one kind of GPU: integer durations and powers at every clock level.

    Attributes:
        encode_ns: time before the steps of an image, per level [ns].
        step_ns: time of a denoising step, per level [ns].
        decode_ns: time after the steps of an image, per level [ns].
        step_mw: board power during a step, per level [mW].
        fixed_mw: board power during encode and decode, per level [mW].
        load_ns: cold start when a GPU changes to this model, its base model included [ns].
        load_mw: mean board power while loading [mW].
        batch_ns: time of a step that denoises X = 1 … B images at once, per level [ns]; left
            out where a GPU takes one image at a time.
        batch_mw: board power *per image* of such a step, per level [mW].
        base: number of the base model; services of one base share what they hold in memory.
            NOTHING: it shares with none.
        adapter: loading the adapter alone, onto a GPU that holds the base model.
        loads_ns: times of the cold start where they are drawn, by luck (see
            :func:`cosim.world.loading.luck_of`), ``load_ns`` then being their mean [ns].
        adapter_loads_ns: likewise of the adapter alone [ns].
    """

    encode_ns: tuple[int, ...]
    step_ns: tuple[int, ...]
    decode_ns: tuple[int, ...]
    step_mw: tuple[int, ...]
    fixed_mw: tuple[int, ...]
    load_ns: int
    load_mw: int
    batch_ns: tuple[tuple[int, ...], ...] = ()
    batch_mw: tuple[tuple[int, ...], ...] = ()
    base: int = NOTHING
    adapter: Loading = FREE_OF_CHARGE
    loads_ns: tuple[int, ...] = ()
    adapter_loads_ns: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if not self.batch_ns:
            object.__setattr__(self, "batch_ns", tuple((ns,) for ns in self.step_ns))
            object.__setattr__(self, "batch_mw", tuple((mw,) for mw in self.step_mw))

    @property
    def batch_max(self) -> int:
        """B: images that one GPU denoises at once."""
        return len(self.batch_ns[0])

    def share_ns(self, level: int) -> int:
        """GPU time that a step of one image takes up [ns]: its share of a full batch."""
        return self.batch_ns[level][-1] // self.batch_max

    def job_ns(self, level: int, steps: int, images: int) -> int:
        """GPU time that a job takes up at one clock level [ns]: m·(t⁰ + c·s).

        Where GPUs batch, s is the share of a full batch: true of throughput, not of delay.
        """
        image = self.encode_ns[level] + steps * self.share_ns(level) + self.decode_ns[level]
        return images * image

    def rest_ns(self, level: int, steps: int, images_left: int, steps_left: int) -> int:
        """GPU time of what is left of a job that waits [ns]; latents under way are kept.

        Args:
            level: clock level.
            steps: denoising steps per image.
            images_left: images that have not begun.
            steps_left: steps left of the image under way, 0 if there is none.
        """
        under_way = steps_left * self.step_ns[level] + self.decode_ns[level] if steps_left else 0
        return under_way + self.job_ns(level, steps, images_left)

    def course_ns(self, level: int, steps: int) -> tuple[int, int]:
        """Time from start to end of a job, as (per image, in all) [ns].

        One image after another takes m·(t⁰ + c·s). In a batch m images take m·t⁰ + c·g(B): all
        denoise together, and the batch is believed full.
        """
        fixed_ns = self.encode_ns[level] + self.decode_ns[level]
        if self.batch_max == 1:
            return fixed_ns + steps * self.step_ns[level], 0
        return fixed_ns, steps * self.batch_ns[level][-1]

    def image_pj(self, level: int, steps: int) -> int:
        """GPU energy of one image at one clock level [pJ], in a full batch: E⁰ + c·s·P."""
        fixed_ns = self.encode_ns[level] + self.decode_ns[level]
        step_pj = self.batch_ns[level][-1] * self.batch_mw[level][-1]
        return fixed_ns * self.fixed_mw[level] + steps * step_pj

    def batch_step(self, level: int, images: int) -> tuple[int, int]:
        """Time [ns] and power per image [mW] of a step of so many images at once.

        A job of more than B images runs alone: the time goes on as from B − 1 to B, the power of
        the GPU stays that of B images, rounded down per image.
        """
        step_ns, image_mw = self.batch_ns[level], self.batch_mw[level]
        more = images - self.batch_max
        if more <= 0:
            return step_ns[images - 1], image_mw[images - 1]
        longer_ns = step_ns[-1] - step_ns[-2] if self.batch_max > 1 else step_ns[-1]
        return step_ns[-1] + more * longer_ns, image_mw[-1] * self.batch_max // images

    def most_mw(self, level: int) -> int:
        """Highest board power at one clock level [mW]."""
        batches = (x * mw for x, mw in enumerate(self.batch_mw[level], start=1))
        return max(*batches, self.fixed_mw[level], self.load_mw, self.adapter.mw)


@dataclass(frozen=True)
class SupplyContract:
    """A site's supply contract over the slots of the window.

    Attributes:
        tariff: the contract; its energy charges include the wholesale price.
        local: calendar of the slots.
        keep: share of the energy that arrives where the contract meters at the bus, else 1.
        past_peaks_kw: for each demand charge the peaks of preceding months, oldest first [kW].
        named: meter bins that a peak of the whole system touches, shape (bins,); none if empty.
    """

    tariff: Tariff
    local: LocalTime
    keep: float = 1.0
    past_peaks_kw: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    named: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, dtype=np.bool_))


@dataclass(frozen=True)
class CallPlan:
    """Calls for demand response at a site over the slots of the window.

    Attributes:
        programme: the calls and the rule of their baseline.
        local: calendar of the slots.
        agreed_kw: for each call the baseline that was agreed [kW], None where it is measured.
    """

    programme: DemandResponse
    local: LocalTime
    agreed_kw: tuple[float | None, ...]

    def each(self) -> Iterator[tuple[DrEvent, float | None]]:
        """The calls with their agreed baselines."""
        return zip(self.programme.events, self.agreed_kw, strict=True)


@dataclass(frozen=True)
class SitePlan:
    """One site: its pool of GPUs, its services and what feeds it.

    Attributes:
        name: the site's name.
        gpus: simulated GPUs.
        discipline: ``fcfs``, ``edf``, ``srs`` or ``priority`` (see :mod:`cosim.world.queues`).
        services: service numbers deployed here.
        levels: number of clock levels.
        preload: service in the memory of every GPU at the start.
        idle_mw: board power of a waiting GPU [mW].
        server_mw: always-on share of server and network per GPU [mW].
        cooling: the facility's overhead.
        battery: the battery, None without one.
        stored_kwh: energy in it at the start [kWh].
        import_kw_max: grid import limit [kW], inf without one.
        export_kw_max: grid export limit [kW], inf without one.
        wear_usd_kwh: booked per kWh discharged [USD/kWh]; 0 where ageing is.
        preempt: whether a more urgent job takes a GPU over at a step boundary.
        batch_max: images that one GPU denoises at once; 1: one after another.
        grid_events: when the connection's limits are lower.
        curtailment_usd_kwh: booked per kWh of sun and wind that is curtailed [USD/kWh].
        backup: the generator for what the grid refuses, None without one.
        contract: what the bill depends on besides the price of the slot, None for nothing.
        calls: calls for demand response, None without any.
        cells: how warm the battery is.
        ageing: how it ages; None if it does not.
        battery_outages: begin and end of the times in which it is out [ns].
        room: the machine room; None where heat is removed at once.
        room_c: its temperature at the start [°C].
        queue_limit: most jobs that may wait; None without a limit.
        gives_up: whether jobs that cannot be paid any more leave the queue when their turn comes.
        sleep: how GPUs sleep that have no job; None if they do not.
    """

    name: str
    gpus: int
    discipline: str
    services: tuple[int, ...]
    levels: int
    preload: int
    idle_mw: int
    server_mw: int
    cooling: CoolingModel
    battery: Battery | None
    stored_kwh: float
    import_kw_max: float
    export_kw_max: float
    wear_usd_kwh: float
    preempt: bool = False
    batch_max: int = 1
    grid_events: tuple[GridEvent, ...] = ()
    curtailment_usd_kwh: float = 0.0
    backup: Generator | None = None
    contract: SupplyContract | None = None
    calls: CallPlan | None = None
    cells: Cells = CONDITIONED
    ageing: Ageing | None = None
    battery_outages: tuple[tuple[int, int], ...] = ()
    room: Thermal | None = None
    room_c: float = 0.0
    queue_limit: int | None = None
    gives_up: bool = False
    sleep: SleepPlan | None = None

    @property
    def chooses(self) -> bool:
        """Whether it matters which free GPU takes a job."""
        return len(self.services) > 1 or self.sleep is not None

    @property
    def has_edges(self) -> bool:
        """Whether its supply costs more than import and export."""
        parts = (self.backup, self.contract, self.calls)
        return self.curtailment_usd_kwh > 0.0 or any(part is not None for part in parts)

    @property
    def capacity_kwh(self) -> float:
        """Capacity that the battery has when the window begins [kWh]; 0 without one."""
        if self.battery is None:
            return 0.0
        left = capacity_share(self.ageing.model, self.ageing.start) if self.ageing else 1.0
        return left * self.battery.capacity_kwh


class Fault(NamedTuple):
    """A GPU that fails or comes back.

    Attributes:
        at_ns: when [ns].
        site: index of the site.
        gpu: number of the GPU within the site.
        up: whether it comes back; else it fails.
    """

    at_ns: int
    site: int
    gpu: int
    up: bool


@dataclass(frozen=True)
class Outside:
    """What happens outside, per slot and per bin; row ``history`` is the window's first slot.

    The slot series reach back ``history`` slots, so that forecasters have a yesterday, and on past
    the window's end, so that published prices of tomorrow can be known. Where no trace covers them
    they hold NaN.

    Attributes:
        history: slots before the window.
        price_usd_kwh: purchase price, shape (history + slots + future, sites).
        sale_usd_kwh: sale price, same shape.
        carbon_g_kwh: grid carbon intensity, same shape.
        solar_kw: mean solar power, same shape.
        wind_kw: mean wind power, same shape.
        temp_out_c: mean outdoor temperature, same shape.
        published_until: for each slot of the window, the first slot whose price was *not* public
            at its beginning, shape (slots, sites), counted from the window's start.
        solar_bin_kw: mean solar power of each meter bin, shape (bins, sites).
        wind_bin_kw: mean wind power, shape (bins, sites).
        temp_bin_c: mean outdoor temperature, shape (bins, sites).
    """

    history: int
    price_usd_kwh: FloatArray
    sale_usd_kwh: FloatArray
    carbon_g_kwh: FloatArray
    solar_kw: FloatArray
    wind_kw: FloatArray
    temp_out_c: FloatArray
    published_until: NDArray[np.int64]
    solar_bin_kw: FloatArray
    wind_bin_kw: FloatArray
    temp_bin_c: FloatArray


@dataclass(frozen=True)
class Errors:
    """By how much forecasts of a run miss (see :mod:`cosim.prepare.forecast_errors`).

    Attributes:
        keep: share a of an error process that is left after a slot, in (0, 1).
        paths: σ·x of each quantity of :class:`Outside` by its name, shape as the series.
        relative: names whose error is a factor on the truth.
    """

    keep: float
    paths: Mapping[str, FloatArray]
    relative: frozenset[str]


@dataclass(frozen=True)
class Plan:
    """A world ready to run.

    Attributes:
        info: what policies may know.
        sites: the sites.
        services: the services, in the order of ``info.service_site``.
        jobs: the jobs that will arrive.
        outside: prices, weather and carbon.
        link: the network between any two sites.
        bin_ns: length of a meter bin [ns].
        unserved_usd_kwh: price of unserved energy [USD/kWh].
        forecaster: ``seasonal``, ``persistence``, ``noisy`` or ``perfect``.
        horizon: slots that forecasts look ahead.
        faults: failures and repairs in the order in which they happen: by instant, then site,
            repairs before failures, then GPU. Nothing is down when the window begins.
        notices: what grid operators announce, by begin and site.
        errors: of a ``noisy`` forecaster.
        cuts: when sites are cut off from the network, shape (cuts, 3); see
            :mod:`cosim.physics.network_scalar`.
        load_seed: seed of what jobs draw of loading times; None where none are drawn.
    """

    info: WorldInfo
    sites: tuple[SitePlan, ...]
    services: tuple[ServicePlan, ...]
    jobs: JobSet
    outside: Outside
    link: Link
    bin_ns: int
    unserved_usd_kwh: float
    forecaster: str
    horizon: int
    faults: tuple[Fault, ...] = ()
    notices: tuple[Notice, ...] = ()
    errors: Errors | None = None
    cuts: NDArray[np.int64] = field(default_factory=lambda: np.zeros((0, 3), dtype=np.int64))
    load_seed: int | None = None

    @property
    def bins_per_slot(self) -> int:
        """Meter bins in a slot."""
        return self.info.slot_ns // self.bin_ns

    @property
    def bin_h(self) -> float:
        """Length of a meter bin [h]."""
        return hours_from_ns(self.bin_ns)

    @property
    def window_ns(self) -> int:
        """Length of the window [ns]."""
        return self.info.slots * self.info.slot_ns
