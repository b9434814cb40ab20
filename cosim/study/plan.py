"""Planning a sweep, an ablation or a study: from what a user asks for to all of its points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from cosim.errors import UsageError
from cosim.scenario.load import Draft, draft
from cosim.scenario.overrides import Setting, wants_whole
from cosim.scenario.study_file import ABLATION_NAMES, AblationName, DesignName, Span, StudyText
from cosim.study.ablations import ABLATIONS, FULL, possible
from cosim.study.design import Axis, Row, lay_points
from cosim.study.points import Plan, Point, Terms, Variant, laid_out

__all__ = ["Plan", "Point", "ablation_plan", "study_plan", "sweep_plan"]


def sweep_plan(
    base: Draft,
    axes: Sequence[Axis],
    *,
    design: DesignName = "grid",
    samples: int | None = None,
    policies: Sequence[str] = (),
    seeds: Sequence[int] = (),
    days: str | None = None,
) -> Plan:
    """Plan a sweep of keys.

    Args:
        base: the scenario.
        axes: what is varied.
        design: how points are laid over the axes.
        samples: points of a sampled design.
        policies: default: those that the scenario compares.
        seeds: default: the scenario's.
        days: ``test``, ``train`` or ``window`` (the scenario's own); default: ``test`` where the
            scenario has ``test_days``, else ``window``.

    Raises:
        UsageError: the axes do not suit the design, or points would have other days.
        ScenarioError: what is wrong with any point, all at once.
    """
    if not axes:
        raise UsageError("nothing is varied: name at least one key, e.g. --grid scale=0.05,0.1")
    whole = _whole(base, axes)
    rows = lay_points(whole, design, samples)
    terms = Terms(base, rows, design=design, axes=whole, policies=policies, seeds=seeds)
    return laid_out(replace(terms, days=days))


def ablation_plan(
    base: Draft,
    *,
    names: Sequence[AblationName] = ABLATION_NAMES,
    policies: Sequence[str] = (),
    seeds: Sequence[int] = (),
    days: str | None = None,
) -> Plan:
    """Plan to take parts of the model away, one at a time.

    Args:
        base: the scenario.
        names: what to take away; what the scenario does not have is left out.
        policies: default: those that the scenario compares.
        seeds: default: the scenario's.
        days: as of :func:`sweep_plan`.

    Raises:
        UsageError: the scenario has none of it.
    """
    kept, notes = possible(base.checked().scenario, names)
    variants = [Variant(FULL, meaning="the scenario as it is"), *map(_ablation, kept)]
    terms = Terms(base, [()], variants, "ablation", policies=policies, seeds=seeds)
    return laid_out(replace(terms, notes=tuple(notes), days=days))


def study_plan(
    text: StudyText,
    overrides: Sequence[str] = (),
    *,
    policies: Sequence[str] = (),
    seeds: Sequence[int] = (),
    days: str | None = None,
) -> Plan:
    """Plan what a study file asks for.

    Args:
        text: the file.
        overrides: ``key=value`` texts over the scenario, below what the file sets.
        policies: instead of the file's.
        seeds: instead of the file's.
        days: instead of the file's, as of :func:`sweep_plan`.

    Raises:
        UsageError: the axes do not suit the design, or points would have other days.
        ScenarioError: what is wrong with any point, all at once.
    """
    study, base = text.study, draft(text.scenario, overrides)
    axes = _whole(base, [_axis(text, key) for key in study.axes])
    rows = lay_points(axes, study.design, study.samples) if axes else _listed(text) or [()]
    variants, notes = _variants(text, base)
    return laid_out(
        Terms(
            base,
            rows,
            variants,
            study.kind,
            study.name,
            study.about,
            study.design if axes else "list",
            axes,
            policies or study.policies,
            seeds or study.seeds,
            notes,
            tuple(Setting(k, v, text.place("set", k)) for k, v in study.set.items()),
            days or study.days,
        )
    )


# --- reading a study file -------------------------------------------------------------------


def _axis(text: StudyText, key: str) -> Axis:
    given, place = text.study.axes[key], text.place("axes", key)
    if isinstance(given, Span):
        return Axis(key, place, low=given.from_, high=given.to, log=given.scale == "log")
    return Axis(key, place, given)


def _listed(text: StudyText) -> list[Row]:
    return [
        tuple(Setting(k, v, text.place("points", i, k)) for k, v in point.items())
        for i, point in enumerate(text.study.points)
    ]


def _variants(text: StudyText, base: Draft) -> tuple[list[Variant], tuple[str, ...]]:
    study = text.study
    named = [
        Variant(
            name, tuple(Setting(k, v, text.place("variants", name, k)) for k, v in part.items())
        )
        for name, part in study.variants.items()
    ]
    if not study.ablations:
        return named or [Variant()], ()
    kept, notes = possible(base.checked().scenario, study.ablations)
    full = Variant(FULL, meaning="the scenario as it is")
    return [full, *named, *map(_ablation, kept)], tuple(notes)


def _ablation(name: AblationName) -> Variant:
    part = ABLATIONS[name]
    return Variant(name, change=part.change, meaning=part.meaning)


def _whole(base: Draft, axes: Sequence[Axis]) -> tuple[Axis, ...]:
    return tuple(replace(axis, whole=wants_whole(base.document, axis.key)) for axis in axes)
