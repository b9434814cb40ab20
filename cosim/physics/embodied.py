"""Carbon that was emitted before a GPU computed anything: making it and its server.

The emissions are shared out over the hours of a life. They do not fall with clean power: a GPU of
164 kg in its eighth of a 2500 kg server, six years at 85 % use, carries 11 g into each hour of
use. Published figures of one GPU differ by half, so the source is named wherever the number is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from cosim.physics.ranges import Range, check_ranges

HOURS_PER_YEAR = 8766.0


@dataclass(frozen=True)
class EmbodiedCarbon:
    """What making a GPU and its share of a server emitted, and the life that carries it.

    Attributes:
        gpu_kg: making one GPU [kg CO2-equivalent].
        server_kg: making the server without its GPUs [kg CO2-equivalent].
        gpus_per_server: GPUs that share the server.
        life_years: time until replacement [years].
        use_share: share of that life in which the GPU is in use; 1 charges idle hours alike.
    """

    gpu_kg: float
    server_kg: float = 2500.0
    gpus_per_server: int = 8
    life_years: float = 6.0
    use_share: float = 1.0

    RANGES: ClassVar[dict[str, Range]] = {
        "gpu_kg": Range(0.0, 1e5, "kg"),
        "server_kg": Range(0.0, 1e6, "kg"),
        "gpus_per_server": Range(1, 1024, "GPUs"),
        "life_years": Range(0.0, 50.0, "years", above=True),
        "use_share": Range(0.0, 1.0, above=True),
    }
    SOURCE: ClassVar[str] = (
        "method, server and life: Luccioni et al. on BLOOM (arXiv 2211.02001); GPUs: NVIDIA HGX "
        "H100 and B200 carbon footprint summaries, Falk et al. (arXiv 2509.00093)"
    )
    EQUATION: ClassVar[str] = "kg per GPU-hour = (gpu_kg + server_kg / gpus) / (8766 years use)"

    def __post_init__(self) -> None:
        check_ranges(self, self.RANGES)


def gpu_hour_kg(embodied: EmbodiedCarbon) -> float:
    """Return the embodied carbon of one hour of one GPU [kg CO2-equivalent/h]."""
    made_kg = embodied.gpu_kg + embodied.server_kg / embodied.gpus_per_server
    return made_kg / (embodied.life_years * HOURS_PER_YEAR * embodied.use_share)


def embodied_kg(embodied: EmbodiedCarbon, gpu_hours: float) -> float:
    """Return the embodied carbon of GPU-hours, of use or of presence [kg CO2-equivalent].

    Args:
        embodied: the hardware and its life.
        gpu_hours: hours in use where ``use_share`` is below 1, else all hours installed [h].
    """
    return gpu_hour_kg(embodied) * gpu_hours
