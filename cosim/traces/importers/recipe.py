"""What to bring from somebody else's data: which files, which columns, under which names.

    [sort.weather]
    columns = { temp_air_c = "temperature_c", wind_speed_m_s = "wind_speed_m_s" }

    [[file]]
    sort = "weather"
    from = "era5/dallas.csv"
    to = "weather_dallas.csv.gz"
    place = { lat = 32.79, lon = -96.82, tz = "America/Chicago" }

A recipe is a TOML file beside a scenario; what it names goes to the folder ``data/`` beside it.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from cosim.errors import TraceError, did_you_mean
from cosim.traces.catalogue import FILE_SUFFIXES, unit_of

Rows = Literal["stamped", "requests"]
FOLDER = "data"
_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_SORT_KEYS = ("rows", "columns", "flags", "keep", "source", "licence")
_FILE_KEYS = ("sort", "from", "to", "place")
_PLACE_KEYS = ("lat", "lon", "alt_m", "tz", "calendar", "wind_height_m", "clock_offset_min")


@dataclass(frozen=True)
class Sort:
    """How files of one sort are read.

    Attributes:
        rows: ``stamped`` intervals (``time_utc``) or ``requests``, one per row.
        columns: name here → name there; both must end in the same unit.
        flags: columns of 0 and 1 that mark rows as filled or estimated; taken over and counted.
        keep: column there → the text that a row must have there to be taken.
        source: whose data it is, for the top of the files.
        licence: under which terms.
    """

    columns: Mapping[str, str]
    rows: Rows = "stamped"
    flags: tuple[str, ...] = ()
    keep: Mapping[str, str] = field(default_factory=dict)
    source: str = ""
    licence: str = ""


@dataclass(frozen=True)
class Wanted:
    """A file to bring.

    Attributes:
        sort: how it is read.
        source: where it lies, relative to the folder named on the command line.
        name: what it is called in ``data/``.
        place: the ``# key: value`` lines of a weather file.
    """

    sort: Sort
    source: str
    name: str
    place: Mapping[str, str]


@dataclass(frozen=True)
class Recipe:
    """All files to bring, and where they go."""

    folder: Path
    files: tuple[Wanted, ...]


def read_recipe(path: Path) -> Recipe:
    """Read and check a recipe.

    Raises:
        TraceError: with everything that is wrong in it.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise TraceError(f"recipe {path}: cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise TraceError(f"recipe {path}: not a TOML file: {error}") from error
    problems = list(_problems(data))
    if problems:
        raise TraceError("\n".join([f"recipe {path.name}:", *(f"  {line}" for line in problems)]))
    sorts = {name: _sort(said) for name, said in data["sort"].items()}
    files = tuple(_wanted(said, sorts) for said in data["file"])
    return Recipe(path.parent / FOLDER, files)


def _sort(said: Mapping[str, Any]) -> Sort:
    flags = tuple(said.get("flags", ()))
    return Sort(**{**said, "flags": flags})


def _wanted(said: Mapping[str, Any], sorts: Mapping[str, Sort]) -> Wanted:
    place = {key: str(value) for key, value in said.get("place", {}).items()}
    return Wanted(sorts[said["sort"]], said["from"], said["to"], place)


# --- what is wrong ----------------------------------------------------------------------------


def _problems(data: Mapping[str, Any]) -> Iterator[str]:
    yield from _unknown("the recipe", data, ("sort", "file", "about"))
    sorts, files = data.get("sort"), data.get("file")
    if not isinstance(sorts, dict) or not all(isinstance(said, dict) for said in sorts.values()):
        yield "needs a table [sort.NAME] with `columns` for each sort of file"
        sorts = {}
    if not isinstance(files, list) or not all(isinstance(said, dict) for said in files):
        yield "needs a table [[file]] with `sort`, `from` and `to` for each file"
        files = []
    for name, said in sorts.items():
        yield from _sort_problems(f"[sort.{name}]", said)
    names = [said.get("to") for said in files]
    for k, said in enumerate(files, start=1):
        yield from _file_problems(f"[[file]] {k}", said, list(sorts))
    twice = sorted({str(name) for name in names if name and names.count(name) > 1})
    if twice:
        yield f"brought twice: {', '.join(twice)}; each `to` must be one file's"


def _sort_problems(where: str, said: Mapping[str, Any]) -> Iterator[str]:
    yield from _unknown(where, said, _SORT_KEYS)
    for key in ("columns", "keep"):
        if not _is_text_table(said.get(key, {})):
            yield f'{where}: `{key}` must be a table of texts: {{ here = "there" }}'
            return
    if not said.get("columns"):
        yield f"{where}: needs `columns`"
    flags = said.get("flags", [])
    if not isinstance(flags, list) or not all(isinstance(flag, str) for flag in flags):
        yield f"{where}: `flags` must be a list of columns"
    for key in ("source", "licence"):
        if not isinstance(said.get(key, ""), str) or "\n" in said.get(key, ""):
            yield f"{where}: `{key}` must be one line of text"
    if said.get("rows", "stamped") not in get_args(Rows):
        yield f"{where}: `rows` must be one of {', '.join(get_args(Rows))}"
    for here, there in said.get("columns", {}).items():
        if unit_of(here) != unit_of(there):
            yield (
                f"{where}: `{here}` is in {unit_of(here)} but `{there}` in {unit_of(there)}; "
                "units are never converted on the way, so convert the source first"
            )


def _file_problems(where: str, said: Mapping[str, Any], sorts: list[str]) -> Iterator[str]:
    yield from _unknown(where, said, _FILE_KEYS)
    for key in ("sort", "from", "to"):
        if not isinstance(said.get(key), str):
            yield f"{where}: needs `{key}`, a text"
            return
    if said["sort"] not in sorts:
        yield f"{where}: no [sort.{said['sort']}]{did_you_mean(said['sort'], sorts)}"
    if not _FILE_NAME.fullmatch(said["to"]) or not said["to"].endswith(FILE_SUFFIXES):
        suffixes = " or ".join(FILE_SUFFIXES)
        yield f"{where}: `to` is `{said['to']}`; it must be a bare name that ends in {suffixes}"
    place = said.get("place", {})
    if not isinstance(place, dict):
        yield f"{where}: `place` must be a table: {{ lat = 52.4, lon = 13.1 }}"
    else:
        yield from _unknown(f"{where}: place", place, _PLACE_KEYS)


def _unknown(where: str, said: Mapping[str, Any], known: tuple[str, ...]) -> Iterator[str]:
    for key in said:
        if key not in known:
            yield f"{where}: no key `{key}`{did_you_mean(key, known)}"


def _is_text_table(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(text, str) for text in value.values())
