"""Named random streams: chance that belongs to a purpose, not to the order of calls.

Every source of randomness (the arrivals at one site, the marks of its jobs, a policy's own dice)
draws from a stream named after its purpose. Adding a site, a policy or a call leaves every other
stream untouched, which is what makes paired comparisons on common random numbers possible.
"""

from __future__ import annotations

from hashlib import blake2b

import numpy as np


def stream(seed: int, *purpose: str) -> np.random.Generator:
    """Return the generator of one purpose.

    Args:
        seed: the run's seed, at least 0.
        purpose: words naming what the numbers are for, e.g. ``("arrivals", "potsdam")``.

    Returns:
        An independent PCG64 generator; the same words and seed give the same numbers anywhere.
    """
    if seed < 0:
        raise ValueError(f"seed must be at least 0, not {seed}")
    digest = blake2b("\x1f".join(purpose).encode(), digest_size=16).digest()
    key = tuple(int.from_bytes(digest[i : i + 4], "little") for i in range(0, 16, 4))
    return np.random.Generator(
        np.random.PCG64(np.random.SeedSequence(entropy=seed, spawn_key=key))
    )
