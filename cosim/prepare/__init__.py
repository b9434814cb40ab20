"""Preparation: a scenario and a seed become a plan of plain numbers that a world can run.

What does not depend on the seed (weather, prices, sun and wind, service times) is prepared once
per scenario and shared by all seeds and policies.
"""

from cosim.prepare.stage import Stage, stage
from cosim.prepare.traced import Provenance

__all__ = ["Provenance", "Stage", "stage"]
