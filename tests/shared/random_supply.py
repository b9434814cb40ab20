"""Random terms of a site's supply: contracts, limits by time, calls to use less, backups."""

from __future__ import annotations

from hypothesis import strategies as st

PEAK = {"hours": [9, 10, 11], "weekdays": [0, 1, 2, 3, 4]}
TARIFFS = [
    {"energy": {"network": {"usd_per_kwh": 0.03}}, "fixed_usd_per_month": 40},
    {
        "energy": {
            "tiers": {
                "blocks": [{"usd_per_kwh": 0.02, "upto_kwh": 30}, {"usd_per_kwh": 0.2}],
                "fills": "month",
                "when": [PEAK],
            }
        },
        "demand": {
            "all": {"usd_per_kw": 9, "ratchet_share": 0.5, "ratchet_months": 2},
            "peak": {
                "blocks": [{"usd_per_kw": 3, "upto_kw": 0.5}, {"usd_per_kw": 11}],
                "when": [PEAK],
                "minimum_kw": 0.4,
                "past_peaks_kw": [2.0],
            },
        },
        "demand_interval_minutes": 5,
    },
    {"metering": "net_metering", "energy": {"levy": {"usd_per_kwh": 0.1}}, "excess": "pay"},
    {"metering": "buy_all_sell_all", "demand": {"all": {"usd_per_kw": 5}}},
]
LIMITS = [
    {"at_h": 0.5, "for_h": 0.31, "notice_h": 1},
    {"at_h": 0.26, "for_h": 0.1, "export_kw_max": None},
    {"at_h": 1.0, "for_h": 0.4, "import_kw_max": 0.9, "export_kw_max": 0.2},
]
CALLS = [
    {"at_h": 0.75, "for_h": 0.25, "kind": "cap", "power_kw": 0.8, "penalty_usd_per_kwh": 2},
    {"at_h": 0.3, "for_h": 0.5, "kind": "cap", "power_kw": 0.6, "firm": True},
    {
        "at_h": 1.25,
        "for_h": 0.2,
        "kind": "reduction",
        "power_kw": 1,
        "payment_usd_per_kwh": 0.5,
        "penalty_usd_per_kwh": 0.1,
        "baseline_kw": 2,
    },
]
BACKUPS = [
    {"kind": "diesel", "rated_kw": 1.0},
    {"kind": "gas", "rated_kw": 4.0, "run_hours_max": 0.2, "min_load": 0.5},
]


def backups():
    """No generator, or one."""
    return st.sampled_from([None, None, *BACKUPS])


@st.composite
def terms(draw):
    """Keys of ``grid:`` beside price, carbon and limits; often none of them."""
    if draw(st.booleans()):
        return {}
    found = {
        "tariff": draw(st.sampled_from([None, *TARIFFS])),
        "connection": {
            "loss_share": draw(st.sampled_from([0.0, 0.07])),
            "metered": draw(st.sampled_from(["site", "bus"])),
            "curtailment_usd_per_kwh": draw(st.sampled_from([0.0, 0.02])),
            "limits": draw(st.lists(st.sampled_from(LIMITS), max_size=2, unique_by=id)),
        },
    }
    calls = draw(st.lists(st.sampled_from(CALLS), max_size=2, unique_by=id))
    return {**found, "demand_response": {"calls": calls}} if calls else found
