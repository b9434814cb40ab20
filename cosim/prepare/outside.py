"""What surrounds the sites: prices, carbon, weather, and the power of sun and wind."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from cosim.errors import TraceError
from cosim.physics.billing_energy import purchase_price
from cosim.physics.local_time import local_time, mask_of
from cosim.physics.tariff import TouPeriod, sale_price, time_of_use_price
from cosim.physics.wind import WindTurbine, wind_power_kw
from cosim.prepare.supply import PRICE, kept_share, tariff
from cosim.prepare.traced import Tracer, Window, slot_means
from cosim.scenario.model import FlatPrice, Price, Scenario, Site, TouPrice, TracePrice
from cosim.scenario.pools import places
from cosim.scenario.tariff import TariffSpec
from cosim.traces.profiles import turbine_curve
from cosim.traces.series import Series
from cosim.traces.weather import Weather
from cosim.world.plan import Outside

FloatArray = NDArray[np.float64]
FOREVER = 2**31


class _Column:
    """One site's share of :class:`Outside`."""

    def __init__(self, name: str, site: Site, scenario: Scenario, tracer: Tracer) -> None:
        self.name, self.site, self.scenario, self.tracer = name, site, scenario, tracer
        self.window: Window = tracer.window
        self.zone = ZoneInfo(site.location.timezone)
        self.bin_ns = round(scenario.clock.meter_seconds * 1e9)
        self.weather: Weather | None = None
        if site.weather is not None:
            self.weather = tracer.weather(site.weather, f"{name}: weather")

    # money and carbon -------------------------------------------------------------------

    def price(self, price: Price, used_for: str) -> FloatArray:
        """Slot prices [USD/kWh] over history, window and future."""
        if isinstance(price, FlatPrice):
            return np.full(self._count, price.usd_per_kwh)
        if isinstance(price, TouPrice):
            return self._time_of_use(price)
        values = self.tracer.slots(price.trace, f"{self.name}: {used_for}")
        return values * self._usd_kwh(price) + price.adder_usd_per_kwh

    def _usd_kwh(self, price: TracePrice) -> float:
        """Factor from the unit in the column's name to USD/kWh."""
        column = price.trace.rpartition(":")[2]
        factors = {
            "_eur_mwh": self.scenario.money.usd_per_eur / 1000,
            "_usd_mwh": 1 / 1000,
            "_eur_kwh": self.scenario.money.usd_per_eur,
            "_usd_kwh": 1.0,
        }
        for suffix, factor in factors.items():
            if column.endswith(suffix):
                return factor
        raise TraceError(
            f"site `{self.name}`: column `{column}` carries no price unit; its name must end in "
            f"{', '.join(factors)}"
        )

    def _time_of_use(self, price: TouPrice) -> FloatArray:
        periods = [TouPeriod(p.usd_per_kwh, p.hours, p.weekdays, p.months) for p in price.periods]
        local = [
            self._local(k) for k in range(-self.window.history, self._count - self.window.history)
        ]
        try:
            return time_of_use_price(
                periods,
                np.array([t.hour for t in local]),
                np.array([t.weekday() for t in local]),
                np.array([t.month for t in local]),
            )
        except ValueError as problem:
            raise TraceError(f"site `{self.name}`: time-of-use tariff: {problem}") from None

    def prices(self) -> tuple[FloatArray, FloatArray]:
        """Purchase and sale price at the site [USD/kWh], tariff and losses included."""
        wholesale = self.price(self.site.grid.price, "price")
        contract = self.site.grid.tariff
        bought, sold = wholesale, self._sale(wholesale)
        lowest = bought
        if contract is not None:
            bought, lowest = self._with_charges(contract, wholesale)
            if contract.metering == "net_metering":
                sold = bought
        self._check_sale(sold, bought if sold is bought else lowest)
        keep = kept_share(self.site.grid.connection)
        return bought / keep, sold * keep

    def _sale(self, price: FloatArray) -> FloatArray:
        """Sale prices before losses: the scenario's own, or a share of the wholesale price."""
        own = self.site.grid.sale
        if own is None:
            return sale_price(price, self.site.grid.sale_share)
        return self.price(own, "sale price")

    def _with_charges(
        self, contract: TariffSpec, wholesale: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Price with every charge in its first block, and with each in its cheapest."""
        terms = tariff(contract, self.scenario.scale)
        start_ns = self.window.start_utc_ns - self.window.history * self.window.slot_ns
        zone = self.site.location.timezone
        local = local_time(start_ns, self.window.slot_ns, self._count, zone)
        first = purchase_price(terms, local, {PRICE: wholesale})
        falls = [
            (min(b.usd for b in c.blocks) - c.blocks[0].usd) * mask_of(c.when, local)
            for c in terms.energy
        ]
        return first, first + np.sum(falls, axis=0)

    def _check_sale(self, sold: FloatArray, lowest: FloatArray) -> None:
        contract = self.site.grid.tariff
        apart = contract is not None and contract.metering == "buy_all_sell_all"
        if not apart and (sold > lowest + 1e-12).any():
            raise TraceError(
                f"site `{self.name}`: the sale price exceeds the purchase price in "
                f"{int((sold > lowest + 1e-12).sum())} slots; buying to sell would make money"
            )

    def carbon(self) -> FloatArray:
        """Slot carbon intensity [g/kWh]."""
        carbon = self.site.grid.carbon
        if carbon.kind == "flat":
            return np.full(self._count, carbon.g_per_kwh)
        return self.tracer.slots(carbon.trace, f"{self.name}: carbon")

    def published_until(self) -> NDArray[np.int64]:
        """For each slot of the window, the first slot whose price was not public, (slots,)."""
        price, slots = self.site.grid.price, self.window.slots
        if not isinstance(price, TracePrice):
            return np.full(slots, FOREVER, dtype=np.int64)
        if not price.day_ahead:
            return np.arange(1, slots + 1, dtype=np.int64)
        return np.array([self._published(k) for k in range(slots)], dtype=np.int64)

    def _published(self, slot: int) -> int:
        """End of today, or of tomorrow once the day-ahead gate has closed."""
        now = self._local(slot)
        known_days = 1 + (now.hour + now.minute / 60 >= self.scenario.forecast.gate_hour)
        day = (now + timedelta(days=known_days)).date()
        end = datetime(day.year, day.month, day.day, tzinfo=self.zone)
        end_ns = int(end.timestamp()) * 10**9
        return (end_ns - self.window.start_utc_ns) // self.window.slot_ns

    def _local(self, slot: int) -> datetime:
        utc_ns = self.window.start_utc_ns + slot * self.window.slot_ns
        return datetime.fromtimestamp(utc_ns / 1e9, UTC).astimezone(self.zone)

    @property
    def _count(self) -> int:
        return self.window.history + self.window.slots + self.window.future

    # weather ----------------------------------------------------------------------------

    def temperature(self) -> tuple[FloatArray, FloatArray]:
        """Outdoor temperature [°C] per slot and per bin; 15 °C where nothing depends on it."""
        if self.weather is None:
            return np.full(self._count, 15.0), np.full(self._bins, 15.0)
        return self._both(self.weather.series("temp_air_c"))

    def wind(self) -> tuple[FloatArray, FloatArray]:
        """Wind power [kW] per slot and per bin, from the mean wind of each weather interval."""
        spec, weather = self.site.wind, self.weather
        if spec is None or weather is None:
            return np.zeros(self._count), np.zeros(self._bins)
        curve = turbine_curve(spec.turbine)
        turbine = WindTurbine(
            spec.rated_kw * self.scenario.scale,
            spec.hub_height_m or curve.hub_height_m,
            tuple(curve.wind_speed_m_s.tolist()),
            tuple(curve.power_ratio.tolist()),
            spec.measured_height_m,
            spec.shear_exponent,
        )
        speed = weather.series("wind_speed_m_s")
        power = np.where(
            np.isnan(speed.values), np.nan, wind_power_kw(turbine, np.nan_to_num(speed.values))
        )
        return self._both(Series("wind_kw", "kW", speed.start_utc_ns, speed.step_ns, power))

    def solar(self, cache: Path | None) -> tuple[FloatArray, FloatArray]:
        """Solar power [kW] per slot and per bin."""
        if self.site.pv is None or self.weather is None:
            return np.zeros(self._count), np.zeros(self._bins)
        from cosim.prepare.sun import solar_kw

        window, weather = self.window, self.weather
        first_ns = window.start_utc_ns - window.history * window.slot_ns
        lead = max(0, -(-(weather.start_utc_ns - first_ns) // window.slot_ns))
        start_ns = first_ns + lead * window.slot_ns
        ends = min(window.end_utc_ns + window.future * window.slot_ns, weather.end_utc_ns)
        whole = (ends - start_ns) // window.slot_ns
        per_slot = window.slot_ns // self.bin_ns
        bins = solar_kw(
            self.site, self.scenario.scale, weather, start_ns, self.bin_ns, whole * per_slot, cache
        )
        slots = np.full(self._count, np.nan)
        slots[lead : lead + whole] = bins.reshape(-1, per_slot).mean(axis=1)
        begin = (window.history - lead) * per_slot
        return slots, bins[begin : begin + self._bins]

    @property
    def _bins(self) -> int:
        return self.window.slots * (self.window.slot_ns // self.bin_ns)

    def _both(self, series: Series) -> tuple[FloatArray, FloatArray]:
        bins = series.bin_means(self.window.start_utc_ns, self.bin_ns, self._bins)
        return slot_means(series, self.window), bins


def outside(scenario: Scenario, tracer: Tracer, cache: Path | None) -> Outside:
    """Read and compute everything that surrounds the sites.

    Raises:
        TraceError: traces that are missing, damaged or do not cover the window; the problems of
            all sites are reported together.
    """
    columns: list[dict[str, FloatArray]] = []
    problems: list[str] = []
    for name, site in scenario.sites.items():
        try:
            columns.append(_site(_Column(name, site, scenario, tracer), cache))
        except (TraceError, ValueError) as problem:
            problems.append(str(problem))
    if problems:
        raise TraceError("\n".join(dict.fromkeys(problems)))

    at = places(scenario)
    here = np.searchsorted(np.unique(at), at)
    alone = np.arange(len(at)) == at

    def stacked(key: str) -> FloatArray:
        """A series of all pools: that of their site, but sun and wind only once."""
        of_site = np.stack([c[key] for c in columns], axis=1)[:, here]
        if key.startswith(("solar", "wind")) and not alone.all():
            of_site[:, ~alone] = 0.0
        return np.ascontiguousarray(of_site)

    return Outside(
        history=tracer.window.history,
        price_usd_kwh=stacked("price"),
        sale_usd_kwh=stacked("sale"),
        carbon_g_kwh=stacked("carbon"),
        solar_kw=stacked("solar"),
        wind_kw=stacked("wind"),
        temp_out_c=stacked("temp"),
        published_until=stacked("published").astype(np.int64),
        solar_bin_kw=stacked("solar_bin"),
        wind_bin_kw=stacked("wind_bin"),
        temp_bin_c=stacked("temp_bin"),
    )


def _site(column: _Column, cache: Path | None) -> dict[str, FloatArray]:
    price, sale = column.prices()
    temp, temp_bin = column.temperature()
    solar, solar_bin = column.solar(cache)
    wind, wind_bin = column.wind()
    return {
        "price": price,
        "sale": sale,
        "carbon": column.carbon(),
        "published": column.published_until().astype(np.float64),
        "temp": temp,
        "temp_bin": temp_bin,
        "solar": solar,
        "solar_bin": solar_bin,
        "wind": wind,
        "wind_bin": wind_bin,
    }
