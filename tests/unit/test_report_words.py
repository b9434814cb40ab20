"""The answer in words, and how numbers are written."""

from __future__ import annotations

from dataclasses import replace

import pytest
import report_sample as sample

from cosim.report import words
from cosim.report.inputs import Case, Estimate, as_case
from cosim.report.sentence import answer, money_words


@pytest.fixture(scope="module")
def base() -> Case:
    return as_case(sample.comparison(("home", "milp"), seeds=(1, 2, 3)))


def case(base: Case, *, mean: float, low: float | None, high: float | None, **kpis) -> Case:
    """A comparison in which home earns 15 000 and milp ``mean`` more."""
    paired = {"utility_usd": Estimate(mean, low, high), **{k: v[1] for k, v in kpis.items()}}
    home = {"utility_usd": Estimate(15_000.0), **{k: Estimate(v[0]) for k, v in kpis.items()}}
    milp = {k: Estimate(home[k].value + paired[k].value) for k in home}
    return replace(base, means={"home": home, "milp": milp}, paired={"milp": paired})


def plain(text: str) -> str:
    return text.replace("\u202f", " ").replace("\u2212", "-")


def test_a_significant_lead(base):
    late = (0.041, Estimate(-0.02, -0.03, -0.01))
    said = answer(case(base, mean=1234, low=1100, high=1350, late_share=late))
    assert plain(said.headline) == (
        "milp beats home by 1 234 USD (+8.2 %), 95 % CI [+1 100, +1 350] over 3 paired seeds."
    )
    assert said.tone == "decided"
    assert "fewer late jobs (4.1 % → 2.1 %)" in plain(said.details[0])


def test_a_lead_whose_interval_includes_zero_is_no_ranking(base):
    said = answer(case(base, mean=50, low=-20, high=120))
    assert said.tone == "undecided"
    assert "beats" not in said.headline
    assert plain(said.headline).endswith("but that is not significant.")
    assert "includes 0" in said.details[0]
    assert "more seeds are needed" in said.details[0]


def test_one_seed_gives_no_interval_and_no_ranking(base):
    said = answer(replace(case(base, mean=50, low=None, high=None), seeds=(1,)))
    assert said.tone == "undecided"
    assert "beats" not in said.headline
    assert "One seed gives no interval" in said.details[0]


def test_a_baseline_that_wins_is_said_to_win(base):
    said = answer(case(base, mean=-300, low=-400, high=-200))
    assert plain(said.headline).startswith(
        "home beats every other policy; the nearest, milp, earns 300 USD less (-2.0 %)"
    )
    assert said.tone == "decided"


def test_a_share_is_told_of_earnings_only(base):
    """What a policy gains over a loss is no percentage of anything."""
    lost = replace(
        case(base, mean=1234, low=1100, high=1350),
        means={
            "home": {"utility_usd": Estimate(-500.0)},
            "milp": {"utility_usd": Estimate(734.0)},
        },
    )
    assert "%)" not in answer(lost).headline
    sold = (-4.0, Estimate(6.0, 5.0, 7.0))
    said = answer(case(base, mean=1234, low=1100, high=1350, energy_cost_usd=sold))
    assert "higher energy cost (-4.000 → 2.000 USD)" in plain(said.details[0])


def test_the_others_are_listed_from_best_to_worst():
    compared = as_case(sample.comparison(seeds=(1, 2, 3)))
    rest = answer(compared).details[-1]
    assert rest.index("earliest-finish") < rest.index("cheapest")


def test_a_single_run_says_earned_and_spent_and_ranks_nothing():
    run = sample.run("home", 7)
    said = answer(as_case(run))
    assert said.tone == "single"
    assert "home earned" in said.headline
    assert "one day" in said.headline
    cost = words.number(run.kpis["energy_cost_usd"], 2)
    assert f"{cost}\u202fUSD went to energy" in said.details[0]
    assert "it ranks nothing" in said.details[1]


def test_a_run_that_loses_money_says_so():
    run = sample.run("home", 7)
    run.kpis["utility_usd"] = -12.0
    assert "home lost 12.00" in answer(as_case(run)).headline


def test_the_paper_preset_is_explained_with_the_share_of_this_run():
    run = sample.run("home", 7)
    share = run.kpis["energy_cost_usd"] / run.kpis["revenue_usd"]
    said = money_words(as_case(run))
    assert "about a fifth" in said[0]
    assert words.percent(share, 2) in said[1]
    assert "not near a fifth" not in said[1]
    run.kpis["energy_cost_usd"] = 0.02 * run.kpis["revenue_usd"]
    assert "not near a fifth" in money_words(as_case(run))[1]


def test_the_market_preset_is_explained():
    run = sample.run("home", 7)
    money = run.scenario.money.model_copy(update={"preset": "market"})
    run.scenario = run.scenario.model_copy(update={"money": money})
    run.kpis["energy_cost_usd"] = 0.005 * run.kpis["revenue_usd"]
    said = " ".join(money_words(as_case(run)))
    assert "tiny share" in said
    assert "0.50\u202f%" in said
    assert "even free energy" in said


def test_no_revenue_has_no_energy_share():
    run = sample.run("home", 7)
    run.kpis["revenue_usd"] = 0.0
    assert "No revenue" in money_words(as_case(run))[0]


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (1234.4, 0, "1 234"),
        (-3.2, 2, "-3.20"),
        (0.0412345, None, "0.0412"),
        (12.3456, None, "12.35"),
        (float("nan"), None, "–"),
        (float("inf"), 1, "–"),
        (-0.001, 1, "0.0"),
        (0, None, "0"),
    ],
)
def test_numbers_are_grouped_and_rounded(value, digits, text):
    assert plain(words.number(value, digits)) == text


def test_differences_carry_a_sign_unless_they_round_to_zero():
    assert plain(words.signed(-0.2, 0)) == "0"
    assert plain(words.signed(0.2, 0)) == "0"
    assert words.signed(5, 0) == "+5"
    assert plain(words.signed(-5, 0)) == "-5"
    assert words.signed(float("nan")) == "–"


def test_ends_of_an_interval_have_the_same_decimals():
    assert words.interval("utility_usd", Estimate(5, 96.9, 115.7)) == "[96.9, 115.7]"
    assert words.interval("late_share", Estimate(0.1, 0.0912, 0.11)) == "[9.1, 11.0]"
    assert words.interval("late_share", Estimate(0.1)) == ""


def test_labels_of_figures_hold_no_markup():
    assert "<" not in words.plain("<b>&lt;")
    assert "&" not in words.plain("<b>&lt;")
