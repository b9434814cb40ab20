"""The pages of the paper's reproduction: claim, result and verdict, figure by figure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

from cosim.report.paper_svg import draw
from cosim.store.atomic import write_text
from cosim.study.paper import Figure, findings
from cosim.study.paper_finding import Finding
from cosim.study.paper_verdict import FAILS, HOLDS, OPEN, Judged

PAGE, HTML = "README.md", "index.html"
NOT_PUBLIC = "Figures 13 and 14 are not public. Figures 1 and 3 are drawings of the system."
DIFFERS = (
    "GPUs: the paper's counts are unknown. Ours (20 A100, 30 H100, 50 H100) were tuned so that a "
    "random policy makes about half of its jobs late.",
    "Scale: a tenth of the paper's 1.05 M jobs a day and of the GPUs (`--scale full`: all).",
    "Place: Potsdam, Paris and Copenhagen instead of PJM; prices of 2018 under weather of 2019 (a "
    "mixed year, declared).",
    "Earnings: sigmoids with assumed constants, prices of images in the ratio 1 : 2 : 4; energy "
    "is about a fifth of what `home` earns, as in the paper.",
    "Jobs: generated with an office profile, not the Alibaba trace; delays uniform around 125 s, "
    "0.6 of the jobs may move, a late job costs its full price.",
    "Sites: solar 2 P, wind 1 P, battery 2.5 h of P, import limit 1.5 P; P is the mean power.",
    "Methods: the claims about the *system* are judged under classical policies, which need no "
    "training, over the paper's two layers (energy: its inner heuristic). Claims about *learners* "
    "are judged by stored trainings, on the true utility of held-out days.",
)
RULES = (
    "**reproduced**: the 95 % interval of the claimed difference, paired by seed, lies on the "
    "claimed side of zero; all parts of the claim hold.",
    "**not reproduced**: an interval lies on the other side, for any part of the claim.",
    "**cannot be told**: an interval holds zero, data are missing, or the claim was put in as an "
    "assumption of the scenario.",
    "Intervals are Student's t over seeds; those of learners are bootstraps, with p-values that "
    "are corrected within a figure. There is no correction over figures: of forty intervals about "
    "two miss their truth. The rules are code: `cosim/study/paper_verdict.py`.",
    "† The claim is our reading: of that figure only axes and legend are known to us.",
)


def write_pages(out: Path, command: str) -> Path:
    """Write the page, its HTML twin and the figures of all that has been made.

    Args:
        out: folder of the findings.
        command: the command line, for the pages.

    Returns:
        The page.
    """
    made = findings(out)
    pictures = {
        figure.name: draw(finding.found.chart)
        for figure, finding in made
        if finding is not None and finding.found.chart is not None
    }
    for name, picture in pictures.items():
        write_text(out / f"{name}.svg", picture)
    write_text(out / PAGE, page(made, command))
    write_text(out / HTML, html(made, pictures, command))
    return out / PAGE


def summary(made: Sequence[tuple[Figure, Finding | None]]) -> str:
    """How many claims have which verdict, in a sentence."""
    claims = [claim for _, finding in made if finding for claim in finding.found.claims]
    counts = Counter(claim.verdict for claim in claims)
    told = ", ".join(f"{counts[verdict]} {_words(verdict)}" for verdict in (HOLDS, FAILS, OPEN))
    return f"{len(claims)} claims were judged: {told}."


def _words(verdict: str) -> str:
    return verdict if verdict != OPEN else "cannot be told"


# --- Markdown -------------------------------------------------------------------------------


def page(made: Sequence[tuple[Figure, Finding | None]], command: str) -> str:
    """The page as Markdown."""
    parts = [
        "# The paper, figure by figure",
        "JEMAS (arXiv 2605.02965) schedules image generation and energy at three providers. This "
        "page sets what its figures claim beside what comes out here; it is written from the data "
        f"by the command at its end. {summary(made)}",
        _overview(made),
        "## How a verdict is reached\n\n" + "\n".join(f"* {rule}" for rule in RULES),
        "## How our scenario differs from the paper's\n\n"
        + "\n".join(f"* {text}" for text in DIFFERS),
        *(_section(figure, finding) for figure, finding in made if finding is not None),
        f"## How it was made\n\n{NOT_PUBLIC} `make paper` runs\n\n```\n{command}\n```\n\n"
        "Numbers of each figure: `NAME.csv`; all of a figure with its verdicts: `NAME.json`; "
        f"all figures on one page: `{HTML}`. A figure whose inputs are unchanged is kept.",
    ]
    return "\n\n".join(parts) + "\n"


def _overview(made: Sequence[tuple[Figure, Finding | None]]) -> str:
    rows = ["| figure | claims | reproduced | not | cannot be told |", "|---|--:|--:|--:|--:|"]
    for figure, finding in made:
        if finding is None:
            rows.append(f"| {figure.title} | not made yet | | | |")
            continue
        counts = Counter(claim.verdict for claim in finding.found.claims)
        numbers = " | ".join(str(counts[verdict]) for verdict in (HOLDS, FAILS, OPEN))
        link = f"[{figure.title}](#{_anchor(figure.title)})"
        rows.append(f"| {link} | {len(finding.found.claims)} | {numbers} |")
    return "\n".join(rows)


def _anchor(title: str) -> str:
    """What the page's host makes of a heading."""
    kept = [c for c in title.lower() if c.isalnum() or c in " -"]
    return "".join(kept).replace(" ", "-")


def _section(figure: Figure, finding: Finding) -> str:
    found = finding.found
    lines = [f"## {figure.title}", f"{finding.about.strip()}", _claims(found.claims)]
    if found.chart is not None:
        lines.append(f"![{figure.title}]({figure.name}.svg)")
    if found.table:
        lines.append(_table(found.table))
    lines.append(" ".join([*found.notes, _source(finding)]))
    return "\n\n".join(lines)


def _source(finding: Finding) -> str:
    files = ", ".join(f"`scenarios/paper/{name}`" for name in finding.files)
    runs = f", {finding.found.runs} runs" if finding.found.runs else ""
    return f"File: {files}{runs}; numbers: [{finding.figure}.csv]({finding.figure}.csv)."


def _claims(claims: Sequence[Judged]) -> str:
    rows = [("the paper's claim", "judged under", "our result [95 %]", "verdict")]
    rows += [
        (f"{c.claim}{' †' if c.reading else ''}", _by(c.by), c.result, f"**{c.verdict}**")
        for c in claims
    ]
    return _table(rows)


def _by(name: str) -> str:
    return name if " " in name or name in ("learners", "JEMAS") else f"`{name}`"


def _table(rows: Sequence[Sequence[str]]) -> str:
    head, *body = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([head, "|" + "---|" * len(rows[0]), *body])


# --- HTML -----------------------------------------------------------------------------------

_STYLE = (
    "body{font:15px/1.5 sans-serif;max-width:62rem;margin:2rem auto;padding:0 1rem;color:#222;"
    "background:#fff}table{border-collapse:collapse;margin:1rem 0}td,th{border-bottom:1px solid "
    "#ddd;padding:.25rem .6rem;text-align:left;vertical-align:top}svg{max-width:100%;height:auto}"
    ".reproduced{color:#00614a}.not{color:#a33c00}code{background:#f3f3f3}"
)


def html(
    made: Sequence[tuple[Figure, Finding | None]], pictures: Mapping[str, str], command: str
) -> str:
    """All figures on one page that needs neither scripts nor a network."""
    body = [f"<h1>The paper, figure by figure</h1><p>{escape(summary(made))}</p>", "<ul>"]
    body += [f"<li>{_bold(rule)}</li>" for rule in RULES]
    body.append("</ul><h2>How our scenario differs from the paper's</h2><ul>")
    body += [f"<li>{_plain(text)}</li>" for text in DIFFERS]
    body.append("</ul>")
    for figure, finding in made:
        if finding is not None:
            body += _html_section(figure, finding, pictures.get(figure.name, ""))
    body.append(f"<h2>How it was made</h2><p>{escape(NOT_PUBLIC)}</p><pre>{escape(command)}</pre>")
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        "style-src 'unsafe-inline'\">"
        f"<title>The paper, figure by figure</title><style>{_STYLE}</style></head><body>\n"
        + "\n".join(body)
        + "\n</body></html>\n"
    )


def _bold(text: str) -> str:
    first, mark, rest = text.removeprefix("**").partition("**")
    return f"<b>{_plain(first)}</b>{_plain(rest)}" if mark else _plain(first)


def _plain(text: str) -> str:
    """Markdown's marks taken away, and the rest escaped."""
    return escape(text.replace("`", "").replace("*", ""))


def _html_section(figure: Figure, finding: Finding, picture: str) -> list[str]:
    found = finding.found
    head = ("the paper's claim", "judged under", "our result [95 %]", "verdict")
    rows = [
        [f"{c.claim}{' †' if c.reading else ''}", c.by, c.result, c.verdict] for c in found.claims
    ]
    parts = [f'<h2 id="{figure.name}">{escape(figure.title)}</h2>', f"<p>{escape(finding.about)}"]
    parts += ["</p>", _html_table([head, *rows]), picture]
    if found.table:
        parts.append(_html_table(found.table))
    notes = _plain(" ".join(found.notes))
    return [*parts, f'<p>{notes} <a href="{figure.name}.csv">{figure.name}.csv</a></p>']


def _html_table(rows: Sequence[Sequence[str]]) -> str:
    head, *body = rows
    cells = "".join(f"<th>{escape(cell)}</th>" for cell in head)
    lines = ["".join(f"<td{_class(c)}>{_plain(c)}</td>" for c in row) for row in body]
    return f"<table><tr>{cells}</tr>" + "".join(f"<tr>{line}</tr>" for line in lines) + "</table>"


def _class(cell: str) -> str:
    names: dict[str, str] = {HOLDS: "reproduced", FAILS: "not"}
    return f' class="{names[cell]}"' if cell in names else ""
