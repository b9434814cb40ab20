"""The paper's figures of one day: where steps run, how batteries trade, what becomes of jobs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import isfinite

from cosim.study import paper_facts
from cosim.study.paper_finding import Chart, Found, Line, Panel
from cosim.study.paper_runs import Facts, Runs
from cosim.study.paper_verdict import OPEN, Judged, Verdict, apart, positive, together, told

HOUR = "hour of the window"
POWER_LINES = {
    "grid": ("import_kw", "export_kw"),
    "battery": ("discharge_kw", "charge_kw"),
}
CHEAP = {
    "place_usd_mwh": "Steps move to places where power is cheaper on average than under `home`.",
    "hour_usd_mwh": "Steps move to hours that are cheaper for their place than under `home`.",
}
FIRST_MOST = "Jobs at ASP 1 get more steps per image than those at ASP 2 and 3."
TRADE = "Batteries charge at lower prices than they discharge, at every ASP."
SALE = "Power is sold while it is dearer than when it is bought, at every ASP."
SORTED = "Jobs that ASP 2 hands to ASP 3 tolerate longer delays than those that it hands to ASP 1."
BETTER = "Images of predicted quality in time: better than every job at home with 30 steps."


def steps_over_the_day(runs: Runs) -> Found:
    """Figure 4: steps executed at each site, hour by hour."""
    home, *others = runs.policies
    claims = []
    for policy in others:
        claims += [_cheaper(runs, home, policy, name) for name in CHEAP]
        claims.append(_first_most(runs, policy))
    panels = [Panel(p, "steps executed", _hourly(runs, p, "steps")) for p in runs.policies]
    columns = _columns(runs, ("steps", "price_usd_mwh"))
    return Found(tuple(claims), columns, Chart(HOUR, tuple(panels)), runs=len(runs.facts))


def _cheaper(runs: Runs, home: str, policy: str, name: str) -> Judged:
    here, there = (runs.values(p, lambda found: found["steps"][name]) for p in (home, policy))
    said = f"price of a step against `{home}`: {told(apart(there, here), 2, 'USD/MWh')}"
    return Judged(CHEAP[name], policy, said, positive(apart(here, there)))


def _first_most(runs: Runs, policy: str) -> Judged:
    means = [runs.values(policy, _per_image(k)) for k in range(len(_sites(runs)))]
    gaps = [apart(means[0], other) for other in means[1:]]
    said = "; ".join(
        f"against ASP {k}: {told(gap, 2, 'steps')}" for k, gap in enumerate(gaps, start=2)
    )
    return Judged(FIRST_MOST, policy, said, together(map(positive, gaps)))


def _per_image(site: int) -> Callable[[Facts], float | None]:
    return lambda found: found["steps"]["per_image"][site]


def energy_over_the_day(runs: Runs) -> Found:
    """Figure 5: price, grid, battery and renewable power of each site."""
    claims = []
    for policy in runs.policies:
        claims.append(_dearer(runs, policy, TRADE, "discharge_kwh", "charge_kwh"))
        claims.append(_dearer(runs, policy, SALE, "export_kwh", "import_kwh"))
    panels = [panel for k in range(len(_sites(runs))) for panel in _energy_panels(runs, k)]
    columns = _columns(
        runs,
        ("price_usd_mwh", *paper_facts.POWERS, "soc"),
    )
    note = f"Drawn: `{runs.policies[0]}`, seed {runs.seeds[0]}."
    return Found(tuple(claims), columns, Chart(HOUR, tuple(panels)), (), len(runs.facts), (note,))


def _dearer(runs: Runs, policy: str, claim: str, dear: str, cheap: str) -> Judged:
    """How much dearer power is when one thing is done than when another is, site by site."""
    said, verdicts = [], list[Verdict]()
    for k, site in enumerate(_sites(runs)):
        values = [runs.values(policy, _trade(name, k)) for name in (dear, cheap)]
        if not all(isfinite(value) for row in values for value in row):
            said.append(f"{site}: none in some run")
            verdicts.append(OPEN)
            continue
        gap = apart(*values)
        said.append(f"{site}: {told(gap, 1)}")
        verdicts.append(positive(gap))
    return Judged(claim, policy, f"dearer by, USD/MWh: {'; '.join(said)}", together(verdicts))


def _trade(name: str, site: int) -> Callable[[Facts], float | None]:
    return lambda found: found["trade"][name][site]


def _energy_panels(runs: Runs, site: int) -> list[Panel]:
    hours = runs.first(runs.policies[0])["hours"]

    def line(label: str, values: Sequence[float]) -> Line:
        return Line(label, _count(values), tuple(values))

    def of(name: str) -> list[float]:
        return [row[site] for row in hours[name]]

    name = _sites(runs)[site]
    powers = [line(label, apart(of(a), of(b))) for label, (a, b) in POWER_LINES.items()]
    powers.append(
        line("sun and wind", [a + b for a, b in zip(of("solar_kw"), of("wind_kw"), strict=True)])
    )
    return [
        Panel(f"{name}: price", "USD/MWh", (line("price", of("price_usd_mwh")),)),
        Panel(f"{name}: power", "kW (battery: + gives, grid: + buys)", tuple(powers)),
        Panel(f"{name}: battery", "state of charge", (line("charge", of("soc")),)),
    ]


def last_hour(runs: Runs) -> Found:
    """Figure 6: what site 2 decided for the jobs of the last hour."""
    claims = []
    for policy in runs.policies:
        last = len(_sites(runs)) - 1
        delays = [runs.values(policy, _delay(k)) for k in (0, last)]
        known = all(isfinite(value) for row in delays for value in row)
        gap = apart(delays[1], delays[0])
        said = f"{told(gap, 1, 's')} longer" if known else _handed(runs, policy)
        claims.append(Judged(SORTED, policy, said, positive(gap) if known else OPEN))
    panels = [Panel(p, "denoising steps", _dots(runs, p)) for p in runs.policies]
    rows = [
        (policy, site, delay_s, steps)
        for policy in runs.policies
        for site, delays_s, counts in _hour_rows(runs, policy)
        for delay_s, steps in zip(delays_s, counts, strict=True)
    ]
    head = ("policy", "site", "tolerated_delay_s", "steps")
    columns = {name: [row[k] for row in rows] for k, name in enumerate(head)}
    return Found(
        tuple(claims), columns, Chart("tolerated delay, s", tuple(panels)), runs=len(runs.facts)
    )


def _handed(runs: Runs, policy: str) -> str:
    """Where the jobs ran, for a claim about places of which one got none."""
    found = [runs.facts[0, policy, seed]["last_hour"]["jobs"] for seed in runs.seeds]
    sums = [sum(jobs) for jobs in zip(*found, strict=True)]
    return "jobs that ran there in all seeds: " + ", ".join(
        f"{site} {count:,}" for site, count in zip(_sites(runs), sums, strict=True)
    )


def _delay(site: int) -> Callable[[Facts], float | None]:
    return lambda found: found["last_hour"]["delay_s_mean"][site]


def _hour_rows(runs: Runs, policy: str) -> list[tuple[str, list[float], list[int]]]:
    found = runs.first(policy)["last_hour"]
    return list(zip(_sites(runs), found["delay_s"], found["steps"], strict=True))


def _dots(runs: Runs, policy: str) -> tuple[Line, ...]:
    return tuple(
        Line(site, tuple(delays_s), tuple(steps), style="dots")
        for site, delays_s, steps in _hour_rows(runs, policy)
    )


def sample_jobs(runs: Runs) -> Found:
    """Figure 17: decisions for sample jobs, with predicted quality."""
    home, *others = runs.policies
    claims = []
    for policy in others:
        gap = apart(runs.values(policy, _in_time), runs.values(home, _in_time))
        said = f"{told(gap, 3)} more, on a scale from 0 to 1"
        claims.append(Judged(BETTER, policy, said, positive(gap), reading=True))
    rows = [(p, sample) for p in runs.policies for sample in runs.first(p)["samples"]]
    names = list(rows[0][1]) if rows else []
    columns = {"policy": [p for p, _ in rows], **{n: [s[n] for _, s in rows] for n in names}}
    head = ("job", "policy", "place", "steps", "predicted quality", "in time")
    ordered = sorted(rows, key=lambda row: float(row[1]["tolerates_s"]))
    table = (head, *(_sample_row(policy, sample) for policy, sample in ordered))
    note = "Quality is what the model's curve predicts for its steps: no image is made here."
    return Found(tuple(claims), columns, None, table, len(runs.facts), (note,))


def _in_time(found: Facts) -> float:
    return float(found["in_time_quality"])


def _sample_row(policy: str, sample: Facts) -> tuple[str, ...]:
    images = f"{sample['images']} image{'s' if int(sample['images']) > 1 else ''}"
    job = f"{images} from {sample['home']} within {sample['tolerates_s']:.0f} s"
    quality, in_time = f"{sample['quality']:.3f}", "yes" if sample["in_time"] else "no"
    return job, f"`{policy}`", sample["place"], str(sample["steps"]), quality, in_time


# --- shared ---------------------------------------------------------------------------------


def _sites(runs: Runs) -> list[str]:
    return list(runs.first(runs.policies[0])["sites"])


def _count(values: Sequence[float]) -> tuple[float, ...]:
    return tuple(float(k) for k in range(len(values)))


def _hourly(runs: Runs, policy: str, name: str) -> tuple[Line, ...]:
    rows = runs.first(policy)["hours"][name]
    return tuple(
        Line(site, _count(rows), tuple(row[k] for row in rows))
        for k, site in enumerate(_sites(runs))
    )


def _columns(runs: Runs, names: Sequence[str]) -> dict[str, list[object]]:
    """Hourly figures of the first seed, a row per policy, hour and site."""
    sites, columns = _sites(runs), dict[str, list[object]]()
    for policy in runs.policies:
        hours = runs.first(policy)["hours"]
        for hour in range(len(hours[names[0]])):
            for k, site in enumerate(sites):
                row = {"policy": policy, "hour": hour, "site": site}
                for name, value in (row | {n: hours[n][hour][k] for n in names}).items():
                    columns.setdefault(name, []).append(value)
    return columns
