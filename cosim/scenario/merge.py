"""Inheritance between scenarios: ``extends: base.yaml`` on top, ``extends: SITE`` inside a site.

Mappings merge key by key, lists and scalars replace, ``null`` removes. Where a mapping names
another ``kind:`` than it inherits, only the inherited keys that the new kind also knows are kept.
A base file is named by a relative path, at most two folders above the scenario's own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, NoReturn

from cosim.errors import Problem, ScenarioError, did_you_mean
from cosim.scenario import shape
from cosim.scenario.model import Scenario, Site
from cosim.scenario.yaml12 import Document, Loc, Marks, Place, read_bytes

LEVELS_UP = 2
MAX_CHAIN = 20


def overlay(annotation: Any, base: Any, top: Any) -> Any:
    """Lay ``top`` over ``base`` by the rules above; ``annotation`` says what the model expects."""
    if not (isinstance(base, dict) and isinstance(top, dict)):
        return top
    base = _kept(annotation, base, top)
    merged = dict(base)
    for key, value in top.items():
        merged[key] = (
            overlay(shape.child(annotation, {**base, **top}, key), base[key], value)
            if key in base
            else value
        )
    return merged


def _kept(annotation: Any, base: dict[Any, Any], top: dict[Any, Any]) -> dict[Any, Any]:
    default = shape.default_kind(annotation)
    before = base.get("kind", default)
    after = top.get("kind", before)
    new = shape.kinds(annotation).get(after) if isinstance(after, str) else None
    if after == before or new is None:
        return base
    known = shape.keys_of(new)
    return {key: value for key, value in base.items() if key in known and key != "kind"}


def without_nulls(annotation: Any, data: Any) -> Any:
    """Return the data without the keys that are null: ``null`` means absent.

    A key that the model does not know is kept, so that ``batery: null`` is told as a mistake.
    """
    if isinstance(data, dict):
        part = shape.model_at(annotation, data)
        return {
            k: without_nulls(shape.child(annotation, data, k), v)
            for k, v in data.items()
            if v is not None or (part is not None and str(k) not in shape.keys_of(part))
        }
    if isinstance(data, list):
        return [without_nulls(shape.child(annotation, data, i), v) for i, v in enumerate(data)]
    return data


def overlay_marks(base: Marks, top: Marks) -> Marks:
    """Places of an overlay: those of ``top`` win."""
    return Marks({**base.keys, **top.keys}, {**base.values, **top.values})


# --- a whole file ---------------------------------------------------------------------------


@dataclass(frozen=True)
class _Chain:
    """The files on the way from the scenario to its bases."""

    root: Path
    home: Path
    seen: tuple[Path, ...] = ()
    shown: tuple[str, ...] = field(default=())


def read_chain(path: Path, shown: str) -> Document:
    """Read a scenario file and everything it extends, merged.

    Raises:
        ScenarioError: for unreadable files, refused paths and cycles, located at ``extends:``.
    """
    home = path.resolve().parent
    return _read(path, shown, _Chain(_root(home), home))


def _read(path: Path, shown: str, chain: _Chain) -> Document:
    document = read_bytes(path.read_bytes(), shown)
    if not isinstance(document.data, dict):
        place = document.marks.values[()]
        message = "must be a mapping: `name:`, `clock:`, `sites:` …"
        raise ScenarioError([Problem(place.file, place.line, place.column, "", message)])
    _refuse_local_traces(path, document, chain)
    named = document.data.pop("extends", None)
    if named is None:
        return document
    place = document.marks.values[("extends",)]
    base_path = _named_path(path, named, place, chain.root)
    inner = _Chain(
        chain.root, chain.home, (*chain.seen, path.resolve()), (*chain.shown, path.name)
    )
    if base_path in inner.seen or len(inner.seen) >= MAX_CHAIN:
        loop = " → ".join((*inner.shown, base_path.name))
        _refuse(place, "extends", f"leads back to itself or on and on: {loop}")
    base = _read(base_path, _beside(shown, str(named)), inner)
    merged = overlay(Scenario, base.data, document.data)
    return Document(merged, overlay_marks(base.marks, document.marks))


def _beside(shown: str, named: str) -> str:
    folder = Path(shown).parent
    return str(Path(*_collapsed((folder / named).parts)))


def _collapsed(parts: tuple[str, ...]) -> list[str]:
    kept: list[str] = []
    for part in parts:
        if part == ".." and kept and kept[-1] not in ("..", "/"):
            kept.pop()
        else:
            kept.append(part)
    return kept


def named_yaml(path: Path, named: Any, place: Place, key: str) -> Path:
    """Return the YAML file that another one names, by the rules of ``extends:``.

    Args:
        path: the file that names it.
        named: what it says.
        place: where it says so.
        key: the key under which it does.

    Raises:
        ScenarioError: the path is refused or leads nowhere.
    """
    return _named_path(path, named, place, _root(path.resolve().parent), key)


def _root(home: Path) -> Path:
    return home.parents[LEVELS_UP - 1] if len(home.parents) >= LEVELS_UP else Path(home.anchor)


def _named_path(path: Path, named: Any, place: Place, root: Path, key: str = "extends") -> Path:
    allowed = (
        "allowed: a relative path of a .yaml file, at most "
        f"{LEVELS_UP} folders above the scenario's own"
    )
    if not isinstance(named, str) or not named.strip():
        _refuse(place, key, f"must name one file; {allowed}")
    windows = PureWindowsPath(named)
    remote = "://" in named or windows.drive or "\\" in named
    if remote or PurePosixPath(named).is_absolute() or not named.endswith((".yaml", ".yml")):
        _refuse(place, key, f"`{named}` is refused; {allowed}")
    target = (path.resolve().parent / named).resolve()
    if not target.is_relative_to(root):
        _refuse(place, key, f"`{named}` leaves the folder `{root.name}`; {allowed}")
    if not target.is_file():
        near = sorted(p.name for p in target.parent.glob("*.y*ml"))[:20]
        _refuse(place, key, f"no file `{named}`{did_you_mean(target.name, near)}")
    return target


def _refuse(place: Place, path: str, message: str) -> NoReturn:
    raise ScenarioError([Problem(place.file, place.line, place.column, path, message)])


def _refuse_local_traces(path: Path, document: Document, chain: _Chain) -> None:
    """A ``./file.csv`` is found beside the scenario; it cannot come from a base elsewhere."""
    if path.resolve().parent == chain.home:
        return
    problems = [
        Problem(p.file, p.line, p.column, ".".join(map(str, loc)), _LOCAL)
        for loc, value in leaves(document.data)
        if isinstance(value, str) and value.startswith("./") and (p := _value(document, loc))
    ]
    if problems:
        raise ScenarioError(problems)


_LOCAL = (
    "names a file beside this YAML, which the scenario that extends it (in another folder) "
    "cannot follow; use a catalogue id, or keep both YAML files in one folder"
)


def _value(document: Document, loc: Loc) -> Place:
    return document.marks.values[loc]


def leaves(data: Any, loc: Loc = ()) -> list[tuple[Loc, Any]]:
    """Return every scalar of plain data with its location."""
    if isinstance(data, dict):
        return [leaf for key, value in data.items() for leaf in leaves(value, (*loc, key))]
    if isinstance(data, list):
        return [leaf for i, value in enumerate(data) for leaf in leaves(value, (*loc, i))]
    return [(loc, data)]


# --- sites ----------------------------------------------------------------------------------


def resolve_siblings(document: Document) -> tuple[Document, list[Problem]]:
    """Resolve ``extends: SITE`` inside sites; unknown names and cycles become problems."""
    sites = document.data.get("sites")
    if not isinstance(sites, dict):
        return document, []
    work = _Siblings(sites, document.marks)
    resolved = {name: work.resolve(name, ()) for name in sites}
    return Document({**document.data, "sites": resolved}, work.marks), work.problems


class _Siblings:
    def __init__(self, sites: Mapping[Any, Any], marks: Marks) -> None:
        self.sites = sites
        self.marks = Marks(dict(marks.keys), dict(marks.values))
        self.problems: list[Problem] = []
        self.done: dict[Any, Any] = {}
        self.locs: dict[Any, set[Loc]] = defaultdict(set)
        for loc in (*marks.keys, *marks.values):
            if len(loc) > 2 and loc[0] == "sites":
                self.locs[loc[1]].add(loc)

    def resolve(self, name: Any, chain: tuple[Any, ...]) -> Any:
        if name in self.done:
            return self.done[name]
        site = self.sites[name]
        if isinstance(site, dict) and "extends" in site:
            site = self._extended(name, site, (*chain, name))
        self.done[name] = site
        return site

    def _extended(self, name: Any, site: dict[Any, Any], chain: tuple[Any, ...]) -> Any:
        own = {key: value for key, value in site.items() if key != "extends"}
        base_name = site["extends"]
        others = [str(other) for other in self.sites if other != name]
        if base_name is None:
            return own
        if not isinstance(base_name, str) or base_name not in self.sites:
            self._complain(name, f"no site `{base_name}`{did_you_mean(str(base_name), others)}")
            return own
        if base_name in chain:
            circle = chain[chain.index(base_name) :]
            loop = " → ".join(map(str, (*circle, base_name)))
            self._complain(name, f"goes in a circle: {loop}")
            return own
        base = self.resolve(base_name, chain)
        self._inherit_marks(base_name, name)
        return overlay(Site, base, own) if isinstance(base, dict) else own

    def _inherit_marks(self, base: Any, name: Any) -> None:
        for loc in self.locs[base]:
            here = ("sites", name, *loc[2:])
            self.locs[name].add(here)
            for places in (self.marks.keys, self.marks.values):
                if loc in places:
                    places.setdefault(here, places[loc])

    def _complain(self, name: Any, message: str) -> None:
        loc: Loc = ("sites", name, "extends")
        p = self.marks.values[loc]
        self.problems.append(Problem(p.file, p.line, p.column, ".".join(map(str, loc)), message))
