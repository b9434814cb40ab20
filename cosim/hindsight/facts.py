"""A plan seen from its end: what really arrived, shone, blew and cost, for the fluid model.

Wherever the fluid model cannot follow the world it is given the better of what the world might do,
so that its optimum is never below the utility of a run:

* jobs are a fluid; an image may be served in any part of the slots between its arrival and its
  deadline; moving it takes no time and costs what the cheapest image costs;
* an image must fit into its job's tolerated delay per image, alone and at the fastest clock;
  similar jobs share the longest allowance among them;
* each image may mix clocks; where GPUs batch, a step has the time and energy of the best batch;
* a late or refused image costs the least penalty within reach, and as much energy as one likes;
* sun, wind, load and battery are netted over the slot instead of the meter bin;
* batteries have their best efficiency and no self-discharge;
* PUE is the lowest of the slot (the highest where consuming is paid for); plants whose overhead is
  not a function of the weather alone count without what moves heat outdoors;
* a room may be cooled ahead at no extra effort (:mod:`cosim.hindsight.rooms`); where its plant may
  not carry all heat, it counts without what moves heat outdoors;
* ageing of the battery and what curtailment costs count as nothing; limits of the grid are those
  of the slot's mean, and a backup generator starts at once, runs at its cheapest load and for as
  long as it likes, wherever there is a limit;
* of a supply contract and of calls the least counts that its imports can have cost
  (:mod:`cosim.hindsight.contracts`).
"""

from __future__ import annotations

from dataclasses import replace

from cosim.hindsight.contracts import may_pay_for_use
from cosim.hindsight.crowd import jobs_of
from cosim.hindsight.machines import plant_of
from cosim.hindsight.rooms import bounded_rooms
from cosim.hindsight.surroundings import outlook_of
from cosim.optimise import Groups, Outlook, Plant
from cosim.world.plan import Plan


def facts_of(plan: Plan) -> tuple[Plant, Groups, Outlook]:
    """The plant, the images and the surroundings of a run, everything known."""
    plant = plant_of(plan)
    plant = replace(plant, rooms=bounded_rooms(plan, plant))
    groups, arriving, due = jobs_of(plan, plant)
    return plant, groups, outlook_of(plan, plant, arriving, due)


def unbounded(plan: Plan) -> list[str]:
    """What keeps a plan from having a bound, in words; nothing if it has one."""
    return [
        f"net metering at site `{site.name}` pays for using energy"
        for site in plan.sites
        if site.contract is not None and may_pay_for_use(site.contract)
    ]
