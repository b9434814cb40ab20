"""Carbon-free hour by hour: how much of the load was matched by carbon-free energy as it was used.

The score is Google's CFE ("24/7 Carbon-Free Energy: Methodologies and Metrics", 2021): in each
hour the carbon-free energy on site plus the grid's carbon-free share of the import, but no more
than the load; surplus of one hour does not help another. A battery shifts it: what it gives is as
carbon-free as what it holds, a well-mixed store.

The grid's carbon-free share comes from a trace. Where only its intensity is known it is estimated
as 1 − intensity / (intensity of its fossil plants), an *assumption*. That number is fitted where
both are known (:func:`fossil_intensity_g_kwh`). On Electricity Maps' hourly direct intensities of
2021 to 2024 it is 384 g/kWh in Singapore, 393 in Great Britain, 434 in New York, 447 in
California, 566 in Texas, 573 in PJM and 892 in Germany, and the estimate then misses the published
share by 0.007 to 0.039 in the mean. With 700 g/kWh everywhere it would miss by 0.10 to 0.44; hence
there is no default.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cosim.physics.carbon import carbon_kg
from cosim.physics.ranges import Range, each_in, refuse

Floats = NDArray[np.float64]


def grid_cfe_share(intensity_g_kwh: ArrayLike, fossil_g_kwh: float) -> Floats:
    """Estimate the carbon-free share of the grid from its intensity, in [0, 1].

    Args:
        intensity_g_kwh: direct intensity of the mix [g/kWh].
        fossil_g_kwh: intensity of the zone's fossil plants taken together [g/kWh].
    """
    refuse(each_in("fossil_g_kwh", [fossil_g_kwh], Range(200.0, 1500.0, "g/kWh")))
    intensity = np.asarray(intensity_g_kwh, dtype=np.float64)
    return np.clip(1.0 - intensity / fossil_g_kwh, 0.0, 1.0)


def fossil_intensity_g_kwh(intensity_g_kwh: ArrayLike, cfe_share: ArrayLike) -> float:
    """Return the fossil intensity under which shares and intensities agree in the mean [g/kWh].

    Args:
        intensity_g_kwh: direct intensity of the mix [g/kWh].
        cfe_share: carbon-free share at the same instants, in [0, 1], below 1 in some.
    """
    rest = float(np.sum(1.0 - np.asarray(cfe_share, dtype=np.float64)))
    if not rest > 0.0:
        raise ValueError("cfe_share is 1 throughout: nothing is known of fossil plants")
    return float(np.sum(np.asarray(intensity_g_kwh, dtype=np.float64))) / rest


@dataclass(frozen=True)
class SiteFlows:
    """Energies of a site by step [kWh], each at least 0 and of shape (steps,).

    Attributes:
        load_kwh: served load.
        green_kwh: sun and wind that went to the load or to the grid.
        green_to_store_kwh: sun and wind that went into the battery.
        grid_to_store_kwh: import that went into the battery, losses on charging excluded.
        from_store_kwh: what the battery gave.
        import_kwh: import that went to the load.
        stored_kwh: content of the battery at the end of the step.
    """

    load_kwh: Floats
    green_kwh: Floats
    green_to_store_kwh: Floats
    grid_to_store_kwh: Floats
    from_store_kwh: Floats
    import_kwh: Floats
    stored_kwh: Floats


@dataclass(frozen=True)
class Matching:
    """The 24/7 score of a run.

    Attributes:
        score: matched over load, in [0, 1]; 1 where there is no load.
        hour_score: the same of each hour, shape (hours,).
        matched_kwh: carbon-free energy used in each hour [kWh].
        load_kwh: load of each hour [kWh].
    """

    score: float
    hour_score: Floats
    matched_kwh: Floats
    load_kwh: Floats

    SOURCE: ClassVar[str] = "Google, 24/7 Carbon-Free Energy: Methodologies and Metrics (2021)"
    EQUATION: ClassVar[str] = "CFE_h = min(load, on-site CFE + grid CFE share x import) / load"


def store_cfe_share(flows: SiteFlows, grid_cfe: Floats, start_share: float = 0.0) -> Floats:
    """Return the carbon-free share of what the battery gives in each step, in [0, 1].

    The store is well mixed: what goes in changes its share, what comes out does not.

    Args:
        flows: the site's flows.
        grid_cfe: carbon-free share of the grid in each step.
        start_share: carbon-free share of what the battery held at the start.
    """
    shares = np.empty(flows.load_kwh.size)
    share = start_share
    clean = flows.green_to_store_kwh + flows.grid_to_store_kwh * grid_cfe
    charged = flows.green_to_store_kwh + flows.grid_to_store_kwh
    for step, (stored, new, total) in enumerate(
        zip(flows.stored_kwh, clean, charged, strict=True)
    ):
        if total > 0.0:
            held = max(stored - total, 0.0)
            share = (share * held + new) / (held + total)
        shares[step] = share
    return shares


def matching(
    flows: SiteFlows, grid_cfe: Floats, steps_per_hour: int, start_share: float = 0.0
) -> Matching:
    """Return the hourly carbon-free score.

    Args:
        flows: the site's flows by step.
        grid_cfe: carbon-free share of the grid in each step, in [0, 1].
        steps_per_hour: steps that make an hour; the last hour may be cut short.
        start_share: carbon-free share of what the battery held at the start.
    """
    stored = flows.from_store_kwh * store_cfe_share(flows, grid_cfe, start_share)
    carbon_free = flows.green_kwh + stored + flows.import_kwh * grid_cfe
    hour = np.arange(flows.load_kwh.size) // steps_per_hour
    load = np.bincount(hour, flows.load_kwh).astype(np.float64)
    matched = np.minimum(np.bincount(hour, carbon_free).astype(np.float64), load)
    by_hour = np.divide(matched, load, out=np.ones_like(load), where=load > 0.0)
    total = float(load.sum())
    score = float(matched.sum()) / total if total > 0.0 else 1.0
    return Matching(score, by_hour, matched, load)


def location_carbon_kg(
    import_kwh: ArrayLike, intensity_g_kwh: ArrayLike, backup_kg: ArrayLike = 0.0
) -> float:
    """Return location-based carbon [kg]: import at the grid's intensity, and the backup's fuel."""
    grid = carbon_kg(import_kwh, intensity_g_kwh)
    return float(np.sum(grid) + np.sum(np.asarray(backup_kg, dtype=np.float64)))
