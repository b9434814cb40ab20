"""Numbers and names as people read them: grouped digits, true minus signs, units, percent.

``1 234.5``, ``−3.20 USD``, ``4.1 %``; a number that is missing or not finite reads ``–``.
"""

from __future__ import annotations

import math
import re

from cosim.quantities import NOMENCLATURE
from cosim.report.inputs import Estimate

THIN = "\u202f"
MINUS = "\u2212"
MISSING = "–"
WHOLE = frozenset({"images", "jobs"})


def number(value: float, digits: int | None = None) -> str:
    """Write a number with grouped thousands and about four significant digits.

    Args:
        value: any float.
        digits: decimals; default: as many as make four significant digits, at most 4.
    """
    if not math.isfinite(value):
        return MISSING
    if digits is None:
        digits = decimals(abs(value))
    text = f"{abs(value):,.{digits}f}".replace(",", THIN)
    negative = value < 0 and float(f"{value:.{digits}f}") != 0
    return f"{MINUS}{text}" if negative else text


def decimals(size: float) -> int:
    """Decimals that make four significant digits of a size, 0 to 4."""
    if size == 0 or size >= 1000:
        return 0
    return min(4, max(0, 3 - math.floor(math.log10(size))))


def tiny(value: float) -> str:
    """Write a residual: ``0`` or scientific with two digits, ``3.1e−12``."""
    if not math.isfinite(value):
        return MISSING
    return "0" if value == 0 else f"{value:.1e}".replace("-", MINUS)


def signed(value: float, digits: int | None = None) -> str:
    """Write a difference with its sign."""
    text = number(value, digits)
    zero = not any(sign in "123456789" for sign in text)
    return text if zero or text.startswith(MINUS) else f"+{text}"


def percent(value: float, digits: int = 1) -> str:
    """Write a ratio as percent: 0.082 → ``8.2 %``."""
    return f"{number(100 * value, digits)}{THIN}%"


def signed_percent(value: float, digits: int = 1) -> str:
    """Write a ratio as percent with its sign."""
    return f"{signed(100 * value, digits)}{THIN}%"


def is_share(kpi: str) -> bool:
    """Whether a KPI is a share, shown in percent."""
    return kpi.endswith("_share")


def unit(kpi: str) -> str:
    """Return the unit that a table shows for a KPI."""
    if is_share(kpi):
        return "%"
    row = NOMENCLATURE.get(kpi)
    return "" if row is None or row.unit == "1" else row.unit


def label(kpi: str) -> str:
    """Return words for a KPI: ``late_penalty_usd`` → ``late penalty``."""
    words = kpi
    for tail in ("_usd", "_kwh", "_kw", "_kg", "_1", "_share", "_mean"):
        words = words.removesuffix(tail)
    words = re.sub(r"_(s|ms)(_|$)", r"\2", words)
    for short, long in (("_wh_per", " per"), ("_g_per", " per"), ("_", " ")):
        words = words.replace(short, long)
    return f"{words} share" if is_share(kpi) else words


def value(kpi: str, amount: float, like: float | None = None) -> str:
    """Write the value of a KPI without its unit.

    Args:
        kpi: name of the KPI; shares are written in percent, counts without decimals.
        amount: the value.
        like: a number whose decimals are used, so that the ends of an interval match.
    """
    return number(_scaled(kpi, amount), _decimals(kpi, amount if like is None else like))


def difference(kpi: str, amount: float, like: float | None = None) -> str:
    """Write a difference of a KPI without its unit, percentage points for shares."""
    return signed(_scaled(kpi, amount), _decimals(kpi, amount if like is None else like))


def _scaled(kpi: str, amount: float) -> float:
    return 100 * amount if is_share(kpi) else amount


def _decimals(kpi: str, like: float) -> int | None:
    if is_share(kpi):
        return 1
    return 0 if kpi in WHOLE or not math.isfinite(like) else decimals(abs(like))


def size(amount: float) -> str:
    """Write a number as a user would type it: grouped, without needless zeros."""
    text = number(amount)
    return text.rstrip("0").rstrip(".") if "." in text else text


def interval(kpi: str, estimate: Estimate, *, diff: bool = False) -> str:
    """Write ``[low, high]``, or an empty text where there is no interval."""
    if estimate.low is None or estimate.high is None:
        return ""
    write = difference if diff else value
    like = max(abs(estimate.low), abs(estimate.high))
    return f"[{write(kpi, estimate.low, like)}, {write(kpi, estimate.high, like)}]"


def plain(text: str) -> str:
    """Make a user's name harmless as a figure's label, where a subset of HTML is understood."""
    return text.replace("&", "＆").replace("<", "‹").replace(">", "›")
