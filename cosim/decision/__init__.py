"""The seam between the world and whoever decides: what is seen, decided and feasible.

A policy sees one :class:`Observation` at each slot edge and answers with one :class:`Decision`.
Nothing here knows how the world is simulated; nothing in the world knows how a policy thinks.
"""

from cosim.decision.forecast import Forecast, Forecasts
from cosim.decision.grid_view import GridView, Notice
from cosim.decision.info import ClassInfo, WorldInfo
from cosim.decision.observation import HeldJob, Observation, SlotOutcome
from cosim.decision.orders import Decision, merge
from cosim.decision.policy import Layered, Policy
from cosim.decision.project import Projection, Projector, project
from cosim.decision.rules import (
    DROP,
    HOLD,
    CallbackRule,
    DispatchRule,
    JobView,
    PerJobRule,
    Placement,
    QueueView,
    ScoreRule,
    SplitRule,
)
from cosim.decision.supply import Supply, Tier

__all__ = [
    "DROP",
    "HOLD",
    "CallbackRule",
    "ClassInfo",
    "Decision",
    "DispatchRule",
    "Forecast",
    "Forecasts",
    "GridView",
    "HeldJob",
    "JobView",
    "Layered",
    "Notice",
    "Observation",
    "PerJobRule",
    "Placement",
    "Policy",
    "Projection",
    "Projector",
    "QueueView",
    "ScoreRule",
    "SlotOutcome",
    "SplitRule",
    "Supply",
    "Tier",
    "WorldInfo",
    "merge",
    "project",
]
