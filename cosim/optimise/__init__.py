"""Planning as optimisation: sparse programs, HiGHS behind one doorway, and the fluid model.

Policies, energy layers and the hindsight bound use the same model (:mod:`cosim.optimise.fluid`).
"""

from cosim.optimise.charges import BUY, METERED, SELL, ChargeBook, Charges, ChargeSide
from cosim.optimise.energy import EnergySide
from cosim.optimise.fluid import Course, Fluid
from cosim.optimise.plant import Groups, Outlook, Plant, Store
from cosim.optimise.program import Layout, Program
from cosim.optimise.rooms import Rooms, RoomSide
from cosim.optimise.solver import Answer, Solver
from cosim.optimise.work import WorkSide

__all__ = [
    "BUY",
    "METERED",
    "SELL",
    "Answer",
    "ChargeBook",
    "ChargeSide",
    "Charges",
    "Course",
    "EnergySide",
    "Fluid",
    "Groups",
    "Layout",
    "Outlook",
    "Plant",
    "Program",
    "RoomSide",
    "Rooms",
    "Solver",
    "Store",
    "WorkSide",
]
