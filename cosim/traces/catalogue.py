"""The shelf of traces that ship with cosim: what each is, where it came from, and its columns.

``Catalogue.load()`` reads ``traces/INDEX.toml``. A trace is named ``<id>:<column>`` as in
``price/dayahead_nl_2015_2024:price_nl_eur_mwh``; a scenario may also name its own file, relative
to the YAML, as in ``my/prices.csv:price_usd_mwh``, but never one outside the YAML's folder.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, Any, Literal

from cosim.errors import TraceError, did_you_mean
from cosim.traces.place import Calendar, Place

if TYPE_CHECKING:  # the index can be read, and scenarios be checked, without arrays
    import numpy as np

    from cosim.traces.series import Series
    from cosim.traces.table import StampedTable
    from cosim.traces.weather import Weather

Kind = Literal["weather", "price", "carbon", "jobs", "profile"]
FILE_SUFFIXES = (".csv", ".csv.gz")
_UNIT_BY_SUFFIX: tuple[tuple[str, str], ...] = (
    ("_eur_mwh", "EUR/MWh"),
    ("_usd_mwh", "USD/MWh"),
    ("_g_kwh", "gCO2/kWh"),
    ("_w_m2", "W/m2"),
    ("_m_s", "m/s"),
    ("_pct", "%"),
    ("_deg", "deg"),
    ("_mb", "MB"),
    ("_ms", "ms"),
    ("_kw", "kW"),
    ("_c", "degC"),
    ("_s", "s"),
    ("_s_median", "s"),
    ("_s_p95", "s"),
    ("_w", "W"),
    ("_j", "J"),
    ("_m", "m"),
)


def bundled(name: str) -> Path:
    """Return the folder ``name`` of the checkout, or the copy packed into the installed wheel."""
    package = Path(__file__).resolve().parents[1]
    checkout = package.parent
    if (checkout / "pyproject.toml").is_file() and (checkout / name).is_dir():
        return checkout / name
    return package / "bundled" / name


def unit_of(column: str) -> str:
    """Read the unit from the end of a column's name; ``1`` where there is none."""
    return next((unit for suffix, unit in _UNIT_BY_SUFFIX if column.endswith(suffix)), "1")


@dataclass(frozen=True)
class Gap:
    """Consecutive missing values of one column, ``[start, start + steps·step)``."""

    column: str
    start_utc: str
    steps: int


@dataclass(frozen=True)
class Entry:
    """What the index says of one file; times are UTC and ``end_utc`` is exclusive.

    Attributes:
        id: name in scenarios, the path without its suffix.
        path: the file.
        kind: what it is for.
        what: one line of description.
        place: where.
        units: column → unit.
        sha256: of the file's bytes.
        rows: data rows.
        packages: ``registry name version (licence)`` of each package it came from.
        package_path: path inside the package, where recorded.
        owner: whose data it is.
        licence: as the source states it.
        remarks: what a user must know.
        calendar: ``nominal`` where the year is borrowed.
        label: what a stamp names; ``start`` of its interval.
        step_s: length of an interval [s], 0 for files without stamps.
        start_utc: first stamp.
        end_utc: end of the last interval.
        gaps: declared missing values.
        filled: flag column → rows that the source had filled.
        site: coordinates, for weather.
    """

    id: str
    path: Path
    kind: Kind
    what: str
    place: str
    units: Mapping[str, str]
    sha256: str
    rows: int
    packages: tuple[str, ...]
    package_path: str
    owner: str
    licence: str
    remarks: str
    calendar: Calendar
    label: str = ""
    step_s: float = 0.0
    start_utc: str = ""
    end_utc: str = ""
    gaps: tuple[Gap, ...] = ()
    filled: Mapping[str, int] = field(default_factory=dict)
    site: Place | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the data columns, in file order."""
        return tuple(self.units)

    @property
    def stamped(self) -> bool:
        """Whether rows carry UTC stamps (weather, prices, carbon)."""
        return self.step_s > 0


@dataclass(frozen=True)
class Catalogue:
    """All entries under one folder of traces."""

    root: Path
    entries: Mapping[str, Entry]

    @classmethod
    def load(cls, root: Path | None = None) -> Catalogue:
        """Read ``INDEX.toml`` of a folder (default: the traces that ship with cosim)."""
        folder = (root or bundled("traces")).resolve()
        try:
            stat = (folder / "INDEX.toml").stat()
        except OSError as error:
            raise TraceError(
                f"no catalogue: {folder.name}/INDEX.toml is missing; reinstall cosim or build it: "
                "python -m cosim.traces.importers.index"
            ) from error
        return _load(folder, stat.st_mtime_ns, stat.st_size)

    def entry(self, trace_id: str) -> Entry:
        """Return the entry of an id; an unknown id is an error that names the nearest one."""
        if trace_id not in self.entries:
            raise TraceError(
                f"no trace `{trace_id}` in the catalogue"
                f"{did_you_mean(trace_id, sorted(self.entries))}"
                " (see `cosim traces list`; a file of your own ends in .csv or .csv.gz)"
            )
        return self.entries[trace_id]

    def verified_path(self, trace_id: str) -> Path:
        """Return the file of an entry after checking its hash (once per file state)."""
        entry = self.entry(trace_id)
        try:
            stat = entry.path.stat()
        except OSError as error:
            raise TraceError(
                f"trace `{trace_id}`: {entry.path.name} is missing; reinstall cosim or restore it"
            ) from error
        found = _sha256(entry.path, stat.st_mtime_ns, stat.st_size)
        if found != entry.sha256:
            raise TraceError(
                f"trace `{trace_id}`: {entry.path.name} has sha256 {found[:12]}… but the index "
                f"says {entry.sha256[:12]}…; restore the file, or, if you changed it, "
                "rebuild the index: python -m cosim.traces.importers.index"
            )
        return entry.path

    def table(self, trace_id: str) -> StampedTable:
        """Read a stamped file of the catalogue; only declared gaps may be missing."""
        from cosim.traces.table import read_stamped

        entry = self.entry(trace_id)
        if not entry.stamped:
            raise TraceError(
                f"trace `{trace_id}` is of kind {entry.kind} and has no UTC stamps; "
                "it cannot be used as a time series"
            )
        return read_stamped(self.verified_path(trace_id), trace_id, gaps_allowed=bool(entry.gaps))

    def series(self, ref: str, *, base: Path | None = None) -> Series:
        """Read one column as a step series.

        Args:
            ref: ``<id>:<column>``, or ``<path>:<column>`` with a ``.csv`` or ``.csv.gz`` path.
            base: folder of the YAML; paths are relative to it and stay inside it.
        """
        from cosim.traces.series import Series

        source, column = _split_ref(ref)
        table = self._table_of(source, base)
        if column not in table.columns:
            known = [name for name in table.columns if not name.startswith("filled")]
            told = (
                f"no column `{column}`{did_you_mean(column, known)}"
                if column
                else f"name a column: `{source}:<column>` with one of {', '.join(known)}"
            )
            raise TraceError(f"trace `{source}`: {told}")
        return Series(
            f"{source}:{column}",
            unit_of(column),
            table.start_utc_ns,
            table.step_ns,
            table.columns[column],
        )

    def weather(self, ref: str, *, base: Path | None = None) -> Weather:
        """Read the weather at a place: an id of kind weather, or a file relative to ``base``.

        A file of the user's own gives its place in lines ``# lat: …`` and ``# lon: …`` on top.
        """
        from cosim.traces.weather import weather_from

        if _is_file(ref):
            table = self._table_of(ref, base)
            return weather_from(table, Place.from_about(ref, table.about))
        entry = self.entry(ref)
        if entry.site is None:
            raise TraceError(
                f"trace `{ref}` is of kind {entry.kind}, not weather; weather traces: "
                f"{', '.join(sorted(k for k, e in self.entries.items() if e.site))}"
            )
        return weather_from(self.table(ref), entry.site)

    def _table_of(self, source: str, base: Path | None) -> StampedTable:
        from cosim.traces.table import read_stamped

        if _is_file(source):
            return read_stamped(inside(source, base), source)
        return self.table(source)


def inside(ref: str, base: Path | None) -> Path:
    """Resolve a path named in a YAML; leaving the YAML's folder, by any means, is refused."""
    if base is None:
        raise TraceError(f"trace `{ref}`: a file path needs a scenario file to be relative to")
    path = _below(ref, base)
    if not path.is_file():
        near = sorted(p.name for p in path.parent.glob("*.csv*")) if path.parent.is_dir() else []
        raise TraceError(f"trace `{ref}`: no such file{did_you_mean(path.name, near)}")
    return path


def _below(ref: str, base: Path) -> Path:
    windows, folder = PureWindowsPath(ref), base.resolve()
    path = (folder / ref).resolve()
    absolute = PurePosixPath(ref).is_absolute() or bool(windows.anchor)
    if absolute or ".." in windows.parts or not path.is_relative_to(folder):
        raise TraceError(
            f"trace `{ref}`: the path leaves the folder of the scenario ({folder.name}/); "
            "copy the file beside the YAML and name it relative to it"
        )
    return path


def _split_ref(ref: str) -> tuple[str, str]:
    source, _, column = ref.rpartition(":")
    return (source, column) if source else (column, "")


def _is_file(source: str) -> bool:
    return source.lower().endswith(FILE_SUFFIXES)


@lru_cache(maxsize=512)
def _sha256(path: Path, _mtime_ns: int, _size: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@lru_cache(maxsize=8)
def _load(root: Path, _mtime_ns: int, _size: int) -> Catalogue:
    index = root / "INDEX.toml"
    try:
        with index.open("rb") as stream:
            rows = tomllib.load(stream)["file"]
        entries = [_entry(root, row) for row in rows]
    except (tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        raise TraceError(
            f"{index.name} is not a catalogue ({error!r}); rebuild it: "
            "python -m cosim.traces.importers.index"
        ) from error
    return Catalogue(root, {entry.id: entry for entry in entries})


def _entry(root: Path, row: Mapping[str, Any]) -> Entry:
    plain = {key: value for key, value in row.items() if key not in _COMPOSED}
    return Entry(
        **plain,
        path=_below(row["path"], root),
        packages=tuple(row["packages"]),
        gaps=tuple(Gap(**gap) for gap in row.get("gaps", [])),
        site=Place(**row["site"], tz=row["tz"], calendar=row["calendar"])
        if "site" in row
        else None,
    )


_COMPOSED = frozenset({"path", "packages", "gaps", "site", "tz"})


def nan_runs(values: np.ndarray[Any, np.dtype[np.float64]]) -> list[tuple[int, int]]:
    """Return (first index, length) of every run of NaN, in order."""
    import numpy as np

    missing = np.isnan(values).astype(np.int8)
    edges = np.diff(missing, prepend=0, append=0)
    starts, stops = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    return [(int(a), int(b - a)) for a, b in zip(starts, stops, strict=True)]
