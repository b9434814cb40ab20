"""The tanh-Gaussian: a bell in ℝⁿ squashed into [−1, 1]ⁿ, with its density."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from policies.learned.actor import LOG_STD_MAX, LOG_STD_MIN

HALF_LOG_2PI = 0.5 * math.log(2.0 * math.pi)


def squashed(out: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
    """Draw from a tanh-Gaussian.

    Args:
        out: means, then log standard deviations, shape (…, rows, 2 n).
        noise: standard normal numbers, shape (…, rows, n).

    Returns:
        (values in (−1, 1), shape (…, rows, n); log densities, shape (…, rows)). The log of the
        derivative of tanh is taken as 2 (log 2 − u − softplus(−2u)) (Haarnoja et al. 2018,
        App. C, in the form that does not overflow).
    """
    mean, log_std = out.chunk(2, dim=-1)
    log_std = log_std.clamp(LOG_STD_MIN, LOG_STD_MAX)
    raw = mean + log_std.exp() * noise
    density = -0.5 * noise**2 - log_std - HALF_LOG_2PI
    slope = 2.0 * (math.log(2.0) - raw - torch.nn.functional.softplus(-2.0 * raw))
    return torch.tanh(raw), (density - slope).sum(dim=-1)


def entropy_std(nats: float) -> float:
    """Standard deviation of a bell on the line whose entropy is so many nats."""
    return math.exp(nats - HALF_LOG_2PI - 0.5)
