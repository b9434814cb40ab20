"""What a fluid model of data centres needs to know: the plant, its customers, and the hours ahead.

Jobs are a fluid of images. Images of one home that may go to the same places and are alike in how
long they may take form a *group*; a service that denoises them does so in *modes*, one per clock
level. Times are GPU-hours of simulated GPUs, energies and money include the replicas.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from cosim.optimise.program import BoolArray, FloatArray, IntArray

if TYPE_CHECKING:
    from cosim.optimise.charges import Charges
    from cosim.optimise.rooms import Rooms


@dataclass(frozen=True)
class Store:
    """Batteries of all sites, shape (sites,) each; capacity 0 where there is none.

    Attributes:
        low_kwh: least content.
        high_kwh: greatest content.
        charge_kw: charging limit.
        give_kw: discharging limit.
        charge_efficiency: stored per charged energy.
        give_efficiency: delivered per withdrawn energy.
        wear_usd_kwh: wear per kWh delivered.
    """

    low_kwh: FloatArray
    high_kwh: FloatArray
    charge_kw: FloatArray
    give_kw: FloatArray
    charge_efficiency: FloatArray
    give_efficiency: FloatArray
    wear_usd_kwh: FloatArray

    def burns_below_usd_kwh(self) -> FloatArray:
        """Price below which charging and discharging at once pays: −c_deg·η/(1−η), (sites,).

        Charging x kW while giving η x buys (1 − η)x more and wears out c_deg·η x; without losses
        it never pays.
        """
        trip = self.charge_efficiency * self.give_efficiency
        with np.errstate(divide="ignore", invalid="ignore"):
            price = -self.wear_usd_kwh * trip / (1.0 - trip)
        return np.where(trip < 1.0, price, -np.inf)


@dataclass(frozen=True)
class Plant:
    """Sites, services and modes.

    Attributes:
        gpus: GPUs of each site, shape (sites,).
        idle_kw: power of a waiting GPU, shape (sites,).
        busy_kw: most that a GPU draws, shape (sites,).
        image_kwh_max: most energy that an image can take.
        in_hand: images that can be under way at once, shape (sites,).
        server_kw: power that never changes, of all GPUs together, shape (sites,).
        service_site: site of each service, shape (services,).
        steps: step counts, shape (steps,).
        revenue_usd: paid per image on time, −inf where a service does not allow the steps, shape
            (services, steps).
        image_h: shortest time of an image from start to end, same shape [h].
        mode_service: service of each mode, shape (modes,).
        mode_level: its clock level, shape (modes,).
        fixed_h: GPU time of encoding and decoding an image in each mode, shape (modes,).
        fixed_kwh: its energy, same shape.
        step_h: GPU time of a denoising step of an image, same shape.
        step_kwh: its energy, same shape.
        store: the batteries.
        import_kw: import limits, shape (sites,), may be infinite.
        export_kw: export limits, shape (sites,), may be infinite.
        unserved_usd_kwh: price of energy that nothing covers.
        backup_kw: rated power of backup generators, shape (sites,); None without any.
        backup_usd_kwh: what a kWh of theirs costs at least, carbon included, shape (sites,).
        whole_load: sites that buy their whole load and sell all generation apart, shape (sites,);
            None without any.
        place: site at whose meter each site stands, shape (sites,); if left out, its own. What
            further pools of GPUs draw is drawn by that site.
        rooms: sites whose machine rooms may be cooled ahead, shape (rooms,).
    """

    gpus: FloatArray
    idle_kw: FloatArray
    busy_kw: FloatArray
    image_kwh_max: float
    in_hand: FloatArray
    server_kw: FloatArray
    service_site: IntArray
    steps: FloatArray
    revenue_usd: FloatArray
    image_h: FloatArray
    mode_service: IntArray
    mode_level: IntArray
    fixed_h: FloatArray
    fixed_kwh: FloatArray
    step_h: FloatArray
    step_kwh: FloatArray
    store: Store
    import_kw: FloatArray
    export_kw: FloatArray
    unserved_usd_kwh: float
    backup_kw: FloatArray | None = None
    backup_usd_kwh: FloatArray | None = None
    whole_load: BoolArray | None = None
    place: IntArray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    rooms: IntArray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))

    def __post_init__(self) -> None:
        if not len(self.place):
            object.__setattr__(self, "place", np.arange(self.n_sites))

    @property
    def n_sites(self) -> int:
        """Number of sites."""
        return len(self.gpus)

    @property
    def n_services(self) -> int:
        """Number of services."""
        return len(self.service_site)

    def reach_kw(self, pue: FloatArray) -> FloatArray:
        """More than each site can ever draw, shape (sites, periods).

        Args:
            pue: greatest facility power per IT power, shape (sites, periods).
        """
        it_kw = self.gpus * np.maximum(self.busy_kw, self.idle_kw) + self.server_kw
        return np.asarray(pue * self.together(it_kw)[:, None] + self.store.charge_kw[:, None])

    def together(self, kwh: FloatArray) -> FloatArray:
        """Energies of all sites at the meters at which they stand, shape (sites, …)."""
        total = np.zeros_like(kwh)
        np.add.at(total, self.place, kwh)
        return total

    @cached_property
    def mode_site(self) -> IntArray:
        """Site of each mode, shape (modes,)."""
        return np.asarray(self.service_site[self.mode_service])


@dataclass(frozen=True)
class Groups:
    """Images that are alike, by home: all arrays have shape (groups,) unless told otherwise.

    Attributes:
        home: site where they arrive.
        movable: whether they may go elsewhere.
        allowance_h: longest time that one image of theirs may take from start to end [h].
        patient: whether they may wait beyond the period in which they arrive.
        fare_usd: price of moving an image to each site, shape (groups, sites).
        miss_usd: cost of an image that is late or refused.
        serves: services that make what they ask for, shape (groups, services); None: all do.
    """

    home: IntArray
    movable: BoolArray
    allowance_h: FloatArray
    patient: BoolArray
    fare_usd: FloatArray
    miss_usd: FloatArray
    serves: BoolArray | None = None

    def __len__(self) -> int:
        return len(self.home)


@dataclass(frozen=True)
class Outlook:
    """What is expected of the periods ahead; shape (sites, periods) unless told otherwise.

    Energies are those of the whole period.

    Attributes:
        hours: length of each period, shape (periods,); 0 beyond the end.
        buy_usd_kwh: purchase price, carbon included.
        sell_usd_kwh: sale price.
        green_kwh: sun and wind.
        green_most_kwh: the same if it shone and blew as in the best moment of the period.
        green_least_kwh: as in the worst.
        pue_low: least facility energy per IT energy.
        pue_high: greatest.
        gpu_h: GPU time that new work may use.
        up_h: GPU time of the GPUs that are not down.
        arriving: images of each group, shape (groups, periods).
        due: images of each group that must be served by the end of the period, counted from the
            first period on; equal to the sum of ``arriving`` for groups that cannot wait.
        stored_kwh: content of the batteries now, shape (sites,).
        kept_usd_kwh: worth of a kWh that is stored in the end, shape (sites,).
        haste_usd_h: worth of serving an image an hour earlier.
        burnt_kwh: IT energy that may be drawn beyond what work needs, in all; for bounds.
        drain_kwh: most that a site may draw so in each period after the window.
        import_kwh: most that may be bought, None: what the plant's limits allow.
        export_kwh: most that may be sold, likewise.
        load_usd_kwh: price of the whole load where it is bought apart; else of no meaning.
        made_usd_kwh: price of all generation there.
        charges: what contracts ask for beyond prices; None for nothing.
        rooms: what machine rooms can do; None if the plant has none to cool ahead.
    """

    hours: FloatArray
    buy_usd_kwh: FloatArray
    sell_usd_kwh: FloatArray
    green_kwh: FloatArray
    green_most_kwh: FloatArray
    green_least_kwh: FloatArray
    pue_low: FloatArray
    pue_high: FloatArray
    gpu_h: FloatArray
    up_h: FloatArray
    arriving: FloatArray
    due: FloatArray
    stored_kwh: FloatArray
    kept_usd_kwh: FloatArray
    haste_usd_h: float = 0.0
    burnt_kwh: float = 0.0
    drain_kwh: float = 0.0
    import_kwh: FloatArray | None = None
    export_kwh: FloatArray | None = None
    load_usd_kwh: FloatArray | None = None
    made_usd_kwh: FloatArray | None = None
    charges: Charges | None = None
    rooms: Rooms | None = None

    @property
    def periods(self) -> int:
        """Number of periods."""
        return len(self.hours)

    def certain_usd(self, plant: Plant) -> float:
        """Charges due whatever happens, less what generation earns that is sold apart [USD]."""
        due = self.charges.certain_usd if self.charges is not None else 0.0
        if plant.whole_load is None or self.made_usd_kwh is None:
            return due
        made = (self.made_usd_kwh * self.green_kwh)[plant.whole_load]
        return due - float(made.sum())
