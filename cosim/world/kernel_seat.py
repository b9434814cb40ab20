"""The seat of a learner in a world, as arrays for compiled code: what it sees, does and earns.

An action is a vector of numbers in [−1, 1]. Its *wish* is what it says in physical terms; the
wish becomes the dispatch rule, the clocks and the battery orders of a slot. A *view* is the
observation as a vector of numbers in [−1, 1]. Which number means what is laid out by
:mod:`cosim.gym`.
"""

from __future__ import annotations

from typing import Annotated, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cosim.ledger import MONEY as TERMS
from cosim.world.kernel_state import Floats1, Floats2, Floats3, Ints1, Ints2, Ints3, Small1

Views = NDArray[np.float32]
Views2 = Annotated[NDArray[np.float32], 2]

ABSENT = -1
"""No coordinate: closed as a destination, or left as it is."""
ALONE = -2
"""A destination that is open without a coordinate, because nothing else is."""

SHARPNESS = 4.0
"""A logit of 1 outweighs one of −1 by exp(2 · 4), about 3000 to 1."""
SHARE_UNITS = 1 << 30
"""Shares are whole multiples of 2⁻³⁰: they add up to exactly 1 in any order."""

# entries of Seat.meta
ENCODING, DEFAULT_STEP, STEP_PRICE_AT, MARGIN_AT, REFUSE_AT, OUTER_CLOCK = range(6)
OUTER_BATTERY, OUTER_ROOM, MODE, DELAY_AT = range(6, 10)
META_ENTRIES = 10
BY_SPLIT, BY_SCORE = range(2)
DENSE, DEADLINE, SPARSE = range(3)

# columns of Seat.order: what the energy layer wants of a battery, and of a room (NaN: nothing)
ORDER_KW, ORDER_ABSORB_KW, ORDER_COVER_KW, ORDER_ROOM_C = range(4)
ORDER_COLUMNS = 4

# kinds of Seat.live: where a number that changes with the run is found
FROM_SEEN, FROM_SPEED, FROM_ARRIVALS, FROM_HELD = range(4)
LIVE_COLUMN, LIVE_KIND, LIVE_SITE, LIVE_INDEX = range(4)
# columns of Seat.maps
SOFT, CENTRE, WIDTH = range(3)

# entries of Seat.cursor; from TOLD on, one per site
NEXT_NEW, NEXT_DUE, WAITED, TOLD = range(4)

# entries of Seat.law
TOLERANCE, SCALE_USD = range(2)

# what a slot has brought, in the order in which it is told; signs as in the ledger
MONEY = (
    *(name for name in TERMS if name != "settlement_usd"),
    "utility_usd",
    "finished",
    "late",
    "refused",
    "violation_ratio",
    "reward",
    "fines_usd",
)
REVENUE, PENALTY, TRANSFER, BOUGHT, SOLD, UNSERVED_COST, CARBON_COST, WEAR_COST = range(8)
# from FIRST_EDGE to EARNED come the terms of the grid's edges, in the ledger's order
FIRST_EDGE, EARNED = 8, 13
UTILITY, ENDED, LATE, REFUSALS, VIOLATION, REWARD, FINES = range(14, 21)


class Seat(NamedTuple):
    """A learner's place in one world.

    Attributes:
        meta: the encoding and where shared coordinates stand.
        open_at: coordinate whose logit a destination has, ABSENT where it is closed and ALONE
            where it needs none, shape (sites, groups, services + 2).
        steps_at: coordinate of the step level, shape (groups, services).
        price_at: coordinates of the GPU price and the energy price, shape (2, services).
        hold_at: coordinate of the limit below which jobs are held, shape (groups,).
        clock_at: coordinate of the clock level, shape (sites,).
        battery_at: coordinate of the battery's power, shape (sites,).
        room_at: coordinate of the room's temperature, shape (sites,).
        limits: lowest and highest physical value of each coordinate, shape (actions, 2).
        group: group of each class, shape (classes,).
        worth: best payment for a job of each class [USD], shape (classes,).
        images: images of a job of each class in the mean, shape (classes,).
        step_s: time of a denoising step, shape (services,) [s].
        choices: what a ScoreRule's options are at each clock level, rows level · services +
            service, then as :attr:`cosim.world.kernel_state.Rules.choices`.
        seconds: GPU-seconds of an image, shape (levels, services, steps).
        energy_kwh: its energy, same shape.
        earned: paid for it on time, shape (services, steps) [USD].
        missed: penalty if it is late, shape (services, steps) [USD].
        options: open services, as :attr:`cosim.world.kernel_state.Rules.options`.
        clean: the action within its bounds, shape (actions,).
        weights: working memory: exponentials of logits, shape (actions,).
        shares: wish: shares, shape (sites, groups, services + 2).
        steps: wish: steps, shape (groups, services).
        prices: wish: price of a GPU-second [USD/s] and of energy [USD/kWh], shape (2, services).
        margin_s: wish: margin before deadlines, shape (1,) [s].
        delay_usd_s: wish: price of a second until a job is estimated to end, shape (1,) [USD/s].
        floor_usd: wish: limits below which a job waits, and is refused, shape (2, classes).
        level: wish: clock levels, shape (sites,); the energy layer's where it decides them.
        order: wish: orders to batteries and rooms, shape (sites, ORDER_COLUMNS); likewise.
        known: views of what does not depend on the run, shape (slots + 1, columns).
        live: columns that do: column, kind, site, index; shape (live columns, 4).
        maps: how each of these is brought to [−1, 1], shape (live columns, 3).
        arrived: working memory: images asked for, shape (sites, groups).
        waits: working memory: jobs held, shape (sites,).
        cursor: which jobs have been counted.
        by_due: numbers of the jobs in order of their deadlines, shape (jobs,).
        fines: penalties charged at the deadline, not yet at the end, shape (jobs,) [USD].
        waiting: jobs that were held at the beginning of the slot, shape (jobs,).
        law: tolerance and scale of the reward.
    """

    meta: Ints1
    open_at: Ints3
    steps_at: Ints2
    price_at: Ints2
    hold_at: Ints1
    clock_at: Ints1
    battery_at: Ints1
    room_at: Ints1
    limits: Floats2
    group: Ints1
    worth: Floats1
    images: Floats1
    step_s: Floats1
    choices: Ints3
    seconds: Floats3
    energy_kwh: Floats3
    earned: Floats2
    missed: Floats2
    options: Ints3
    clean: Floats1
    weights: Floats1
    shares: Floats3
    steps: Ints2
    prices: Floats2
    margin_s: Floats1
    delay_usd_s: Floats1
    floor_usd: Floats2
    level: Ints1
    order: Floats2
    known: Views2
    live: Ints2
    maps: Floats2
    arrived: Floats2
    waits: Floats1
    cursor: Ints1
    by_due: Small1
    fines: Floats1
    waiting: Small1
    law: Floats1
