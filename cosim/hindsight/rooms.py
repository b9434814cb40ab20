"""Machine rooms as hindsight sees them: cold is made at the best, and never more than they hold.

A room stores heat, but only so much: what is not removed now has to be removed later. With T_most
the highest temperature that it can have, K = C (T_most − T) its cold, Q the heat removed, H the
heat set free and U (T_out − T) what comes in through the walls,

    K' = K + Q − H − ∫ U (T_out − T) ≤ K + Q − H + U Σ (T_most − T_out) τ,

and Q takes at least the power per heat of the slot's coolest bin with the room at the top of its
band. This needs a plant that always suffices, so that T_most is known, and power in proportion to
heat; other rooms count as in :mod:`cosim.hindsight.facts`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cosim.optimise import Plant, Rooms
from cosim.physics import cooling
from cosim.physics.cooling import ConstantPue, CoolingModel, Economizer
from cosim.physics.thermal import Thermal
from cosim.world.plan import Plan

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


def bounded_rooms(plan: Plan, plant: Plant) -> IntArray:
    """Sites whose room is known never to get warmer than its band or its start, shape (rooms,)."""
    most_kw = plant.together(plant.gpus * np.maximum(plant.busy_kw, plant.idle_kw))
    most_kw += plant.together(plant.server_kw)
    return np.array([i for i in range(len(plan.sites)) if _suffices(plan, i, most_kw[i])], int)


def _suffices(plan: Plan, site: int, it_kw: float) -> bool:
    """Whether the plant carries the heat of all computers at their greatest power at any time."""
    at = plan.sites[site]
    if at.room is None or not isinstance(at.cooling, ConstantPue | Economizer):
        return False
    hottest_c = float(plan.outside.temp_bin_c[:, site].max())
    walls_kw = at.room.envelope_kw_k * max(0.0, hottest_c - at.room.band_high_c)
    return at.room.capacity_kw >= _heat_ratio(at.cooling) * it_kw + walls_kw


def rooms_of(plan: Plan, plant: Plant) -> Rooms | None:
    """What the rooms of a plant could do in each slot, everything known; None without any."""
    if not len(plant.rooms):
        return None
    sites = plant.rooms.tolist()
    least_kw = plant.together(plant.server_kw)
    parts = [_room(plan, site, float(least_kw[site])) for site in sites]
    held, most, gain, effort, spare = (np.array(part) for part in zip(*parts, strict=True))
    shape, slot_h = gain.shape, plan.info.slot_h
    capacity_kwh = np.array([_thermal(plan, site).capacity_kw for site in sites]) * slot_h
    made = np.broadcast_to(capacity_kwh[:, None], shape)
    return Rooms(
        held_kwh=held,
        band_kwh=most,
        keep=np.ones(shape),
        gain_kwh=gain,
        make_kwh=made,
        rest_kwh=made,
        make=effort,
        rest=effort,
        hold=np.zeros(shape),
        most_kwh=spare * made,
        heat=np.array([_heat_ratio(plan.sites[site].cooling) for site in sites]),
    )


def _room(
    plan: Plan, site: int, server_kw: float
) -> tuple[float, float, FloatArray, FloatArray, FloatArray]:
    """(cold held at the start, most cold, what walls bring; least and greatest power per heat).

    Cold in kWh, the last three by slot.
    """
    room, start_c, model = _thermal(plan, site), plan.sites[site].room_c, plan.sites[site].cooling
    out_c = plan.outside.temp_bin_c[:, site]
    most_c, least_c = max(room.band_high_c, start_c), min(room.band_low_c, start_c)
    walls_kw = room.envelope_kw_k * (room.band_low_c - float(out_c.min()))
    if walls_kw > _heat_ratio(model) * server_kw:  # nothing is heated
        least_c = min(least_c, float(out_c.min()))
    slots = plan.info.slots
    into_kwh = room.envelope_kw_k * (most_c - out_c) * plan.bin_h
    colder_c = out_c + room.band_high_c - room.band_low_c
    return (
        room.mass_kwh_k * (most_c - start_c),
        room.mass_kwh_k * (most_c - least_c),
        into_kwh.reshape(slots, -1).sum(axis=1),
        _effort(model, out_c).reshape(slots, -1).min(axis=1),
        _effort(model, colder_c).reshape(slots, -1).max(axis=1),
    )


def _thermal(plan: Plan, site: int) -> Thermal:
    room = plan.sites[site].room
    assert room is not None
    return room


def _heat_ratio(model: CoolingModel) -> float:
    """Heat set free per IT energy."""
    from cosim.physics.cooling_scalar import heat_kw

    return heat_kw(cooling.row(model).tolist(), 1.0)


def _effort(model: CoolingModel, out_c: FloatArray) -> FloatArray:
    """Power per heat removed at outdoor temperatures; beyond it only overhead is drawn."""
    from cosim.physics.cooling_scalar import overhead_kw

    beyond = cooling.cooling_kw(model, 1.0, out_c) - overhead_kw(cooling.row(model).tolist(), 1.0)
    return np.asarray(beyond / _heat_ratio(model))
