"""The page of a shaping ablation: tables, curves, and what may be concluded, from its logs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cosim.report.curves import Line, Panel, curves
from cosim.store.atomic import write_json, write_text
from cosim.study.interquartile import Spread, iqm_spread
from cosim.study.shaping_arms import BASELINE, COMMON, KINDS, SEARCHED
from cosim.study.shaping_verdict import (
    MEASURES,
    SIGNIFICANT,
    Against,
    Course,
    Study,
    against_baseline,
    arm_row,
    questions,
    read_studies,
    summary,
)

PAGE, SUMMARY = "README.md", "summary.json"
WRAPPERS = {"potential": "blue", "additive": "orange", "anneal": "green"}
WORDS = {
    "final": "after the last episode (equal environment steps)",
    "course": "over the whole course (who learns sooner)",
    "timed": "at equal processor time",
}
HEAD = (
    "arm",
    "utility, $ (IQM)",
    "late",
    "better than SAC",
    "p",
    "over the course",
    "p",
    "at equal time, $",
    "after episode",
    "better than SAC",
    "p",
    "CPU s",
)


def write_page(out: Path) -> Path | None:
    """Write the page, the figures and the summary of all studies under a folder.

    Args:
        out: the folder.

    Returns:
        The page; None where no study has its baseline yet.
    """
    studies = read_studies(out)
    if not studies:
        return None
    for study in studies:
        for axis in ("steps", "time"):
            write_text(out / study.name / f"curves-{axis}.svg", figure(study, axis))
    write_json(out / SUMMARY, summary(studies))
    write_text(out / PAGE, page(studies))
    return out / PAGE


def page(studies: Sequence[Study]) -> str:
    """The page as Markdown."""
    parts = [_opening(studies), _findings(studies)]
    parts += [_section(study) for study in studies]
    parts += [_questions(studies), _how(studies)]
    return "\n\n".join(parts) + "\n"


# text --------------------------------------------------------------------------------------


def _opening(studies: Sequence[Study]) -> str:
    names = " and ".join(f"`{study.name}`" for study in studies)
    seeds = ", ".join(f"{len(study.terms['seeds'])} seeds" for study in studies[:1])
    return (
        "# Which shaping helps a learner?\n\n"
        f"The same learner, days and seeds in every arm ({names}; {seeds} each); arms differ in "
        "what is added to the reward while learning (`docs/learning.md` says what each is). All "
        "are judged without exploring, by the true utility of days that none of them plays. This "
        "page is written from the logs by the command at its end."
    )


def _findings(studies: Sequence[Study]) -> str:
    """What is significant, and what is not, in a sentence per measure."""
    together = " (all scenarios together)" if len(studies) > 1 else ""
    lines = [f"## Findings{together}\n"]
    for measure in MEASURES:
        found = against_baseline(studies, measure)
        lines.append(f"- **{WORDS[measure]}**: {_sorted_out(found)}")
    lines.append(
        f"\nSignificant means p < {SIGNIFICANT} after Holm's correction for "
        "the number of arms. No difference shown is not a proof that there is none."
    )
    return "\n".join(lines)


def _sorted_out(found: Mapping[str, Against]) -> str:
    if not found:
        return "no arm but plain SAC has ended."
    groups = {
        word: [f"`{name}`" for name, each in found.items() if each.verdict == word]
        for word in ("better", "worse", "no difference shown")
    }
    said = [
        f"{'significantly ' if word != 'no difference shown' else ''}{word}"
        f"{' than plain SAC' if word != 'no difference shown' else ''}: {', '.join(names)}"
        for word, names in groups.items()
        if names
    ]
    if not groups["better"]:
        said = ["no arm is significantly better than plain SAC", *said]
    return "; ".join(said) + "."


def _section(study: Study) -> str:
    terms, folder = study.terms, study.name
    slots = int(terms["slots"]) * int(terms["episodes"])
    lines = [
        f"## {study.name}\n",
        f"{terms['episodes']} episodes of {terms['slots']} slots ({slots:,} environment steps) "
        f"per seed on {', '.join(terms['dates'])}; judged every {terms['judge_every']} episodes "
        f"on {', '.join(terms['held_out'])}. {_untrained(study)}{_references(study)}\n",
        *_table(study),
        f"\n![Learning curves over environment steps]({folder}/curves-steps.svg)",
        f"\n![Learning curves over processor time]({folder}/curves-time.svg)",
    ]
    return "\n".join(lines)


def _untrained(study: Study) -> str:
    course = study.courses[BASELINE]
    usd, late = float(course.usd[0].mean()), float(course.late_share[0].mean())
    return f"Untrained, SAC earns {usd:,.0f} $ there with {100 * late:.1f} % late. "


def _references(study: Study) -> str:
    if not study.references:
        return ""
    told = [
        f"`{name}` {each['held_out_usd']:,.0f} $ ({100 * each['held_out_late_share']:.1f} % late)"
        for name, each in study.references.items()
    ]
    return f"Classical policies over the scenario's own energy layer: {', '.join(told)}."


def _table(study: Study) -> list[str]:
    found = {measure: against_baseline([study], measure) for measure in MEASURES}
    rows = [_row(study, arm, {m: found[m].get(arm) for m in MEASURES}) for arm in study.courses]
    return [_cells(HEAD), _cells(["---", *["--:"] * (len(HEAD) - 1)]), *map(_cells, rows)]


def _row(study: Study, arm: str, found: Mapping[str, Against | None]) -> list[str]:
    row: dict[str, Any] = arm_row(study, arm)
    final, course, timed = (_contest(found[measure]) for measure in MEASURES)
    return [
        f"`{arm}`",
        _money(row["final"]),
        f"{100 * row['late_share']:.1f} %",
        *final,
        *course,
        _money(row["timed"]),
        str(row["timed_episode"]),
        *timed,
        f"{row['cpu_s']:,.0f}",
    ]


def _contest(found: Against | None) -> tuple[str, str]:
    if found is None:
        return "–", "–"
    bold = "**" if found.p < SIGNIFICANT else ""
    return _share(found.chance), f"{bold}{found.p:.3f}{bold}"


def _money(found: Spread) -> str:
    return f"{found.value:,.0f} [{found.low:,.0f}, {found.high:,.0f}]"


def _share(found: Spread) -> str:
    return f"{found.value:.2f} [{found.low:.2f}, {found.high:.2f}]"


def _cells(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _questions(studies: Sequence[Study]) -> str:
    """The pairs that decide whether the denoising carries anything."""
    found = {measure: questions(studies, measure) for measure in MEASURES}
    if not found["final"]:
        return "## The pairs that decide\n\nTheir arms have not ended yet."
    head = ["first against second", *(f"{name}: first better, p" for name in MEASURES)]
    rows = [
        [name, *(", ".join(_contest(found[measure][name])) for measure in MEASURES)]
        for name in found["final"]
    ]
    lines = [_cells(head), _cells(["---", *["--:"] * len(MEASURES)]), *map(_cells, rows)]
    return "\n".join(["## The pairs that decide\n", *lines])


def _how(studies: Sequence[Study]) -> str:
    options = studies[0].terms["options"]
    told = _listed(options)
    other = {name: value for name, value in options.items() if COMMON.get(name) != value}
    given = f"Given on the command line: {_listed(other)}. " if other else ""
    commands = [str(study.terms.get("command") or "") for study in studies]
    return "\n".join(
        [
            "## How it was made\n",
            f"All arms share {told}; the rest is the learner's default. {given}Levers that it "
            "leaves open are the scenario's energy layer's, in every arm alike. IQM: mean of the "
            "middle half of the seeds, each the mean of its held-out days; 95 % intervals by a "
            "bootstrap over seeds within scenarios. *Better than SAC*: chance that a seed of the "
            "arm beats one of plain SAC; p by exchanging their seeds, Holm-corrected. *At equal "
            "time*: the last judgement within the processor time that plain SAC took for all its "
            "episodes. Times are of all seeds together, trained side by side, without judging.\n",
            f"{SEARCHED}\n",
            "```",
            *filter(None, commands),
            "```\n",
            "Logs: `SCENARIO/training.csv` (a row per arm, judgement and seed); all figures of "
            f"this page for programs: `{SUMMARY}`.",
        ]
    )


def _listed(options: Mapping[str, Any]) -> str:
    return ", ".join(f"`{name}={value}`" for name, value in options.items())


# figures -----------------------------------------------------------------------------------


def figure(study: Study, axis: str) -> str:
    """Learning curves of all arms, a panel per kind; ``axis``: ``steps`` or ``time``."""
    panels = [_panel(study, axis, BASELINE, kind) for kind in KINDS]
    panels += [_panel(study, axis, "td3", kind) for kind in KINDS]
    shown = [panel for panel in panels if len(panel.lines) > 1]
    if not shown:
        shown = [Panel("SAC", [_line(study.courses[BASELINE], axis, "none", "grey")])]
    x_title = "environment steps" if axis == "steps" else "processor time of all seeds, s"
    return curves(shown, x_title, "utility of held-out days, $ (IQM, 95 %)")


def _panel(study: Study, axis: str, base: str, kind: str) -> Panel:
    lines = [
        _line(study.courses[f"{base}-{kind}-{wrap}"], axis, wrap, colour)
        for wrap, colour in WRAPPERS.items()
        if f"{base}-{kind}-{wrap}" in study.courses
    ]
    if base in study.courses:
        lines.insert(0, _line(study.courses[base], axis, "none", "grey"))
    return Panel(f"{base.upper()}, {kind}", lines)


def _line(course: Course, axis: str, label: str, colour: str) -> Line:
    spreads = [iqm_spread(usd.tolist()) for usd in course.usd]
    x = course.env_steps if axis == "steps" else course.cpu_s
    return Line(
        label,
        colour,
        x.tolist(),
        [each.value for each in spreads],
        [each.low for each in spreads],
        [each.high for each in spreads],
    )
