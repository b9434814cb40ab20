"""Ledger, job table and meter bins as Parquet: every bit comes back, and any tool can read them.

Rows of the ledger are (slot, site), those of the bins (bin, site), each with the site's name, so
that a file explains itself. What the columns do not hold (length of a slot, size of the window)
stands in the file's metadata.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cosim.errors import UsageError
from cosim.jobtable import JobTable
from cosim.ledger import Ledger
from cosim.store.atomic import write_text, write_with

if TYPE_CHECKING:
    import pyarrow as pa

FloatArray = NDArray[np.float64]
_META = b"cosim"


def write_ledger(path: Path, ledger: Ledger) -> None:
    """Write a ledger."""
    meta = {"sites": list(ledger.sites), "slots": ledger.slots, "slot_ns": ledger.slot_ns}
    _write(path, long_columns("slot", ledger.sites, ledger.data), meta)


def read_ledger(path: Path) -> Ledger:
    """Read a ledger back, bit for bit."""
    table, meta = _read(path)
    sites = tuple(str(site) for site in meta["sites"])
    return Ledger(sites, int(meta["slots"]), int(meta["slot_ns"]), _ungrid(table, len(sites)))


def write_bins(path: Path, bins: Mapping[str, FloatArray], sites: tuple[str, ...]) -> None:
    """Write the meter bins."""
    _write(path, long_columns("bin", sites, bins), {"sites": list(sites)})


def read_bins(path: Path) -> dict[str, FloatArray]:
    """Read the meter bins back."""
    table, meta = _read(path)
    return _ungrid(table, len(meta["sites"]))


def write_jobs(path: Path, jobs: JobTable) -> None:
    """Write a job table."""
    _write(path, dict(jobs.columns()), {})


def read_jobs(path: Path) -> JobTable:
    """Read a job table back."""
    table, _ = _read(path)
    wanted = {field.name for field in fields(JobTable)}
    if set(table.column_names) != wanted:
        differs = ", ".join(sorted(wanted ^ set(table.column_names)))
        raise UsageError(
            f"{path} was written by another version of cosim (it differs in: {differs}); run its "
            "scenario again, the lock beside it is complete"
        )
    return JobTable(**{name: _column(table, name) for name in table.column_names})


def write_log(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows of a log; what a row lacks is NaN."""
    names = dict.fromkeys(name for row in rows for name in row)
    columns = {name: np.array([row.get(name, np.nan) for row in rows]) for name in names}
    few = {k: v.astype(object) if v.dtype.kind == "U" else v for k, v in columns.items()}
    _write(path, few, {"rows": len(rows)})


def read_log(path: Path) -> list[dict[str, Any]]:
    """Read the rows of a log back; NaN where they had nothing."""
    table, _ = _read(path)
    columns = {name: _column(table, name).tolist() for name in table.column_names}
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def long_columns(
    row: str, sites: tuple[str, ...], data: Mapping[str, FloatArray]
) -> dict[str, NDArray[Any]]:
    """Columns of shape (rows, sites) as one long table with its row number and site."""
    count = len(next(iter(data.values())))
    return {
        row: np.repeat(np.arange(count, dtype=np.int32), len(sites)),
        "site": np.tile(np.asarray(sites, dtype=object), count),
        **{name: np.ascontiguousarray(values).reshape(-1) for name, values in data.items()},
    }


def _ungrid(table: pa.Table, sites: int) -> dict[str, FloatArray]:
    names = [name for name in table.column_names if name not in ("slot", "bin", "site")]
    return {name: _column(table, name).reshape(-1, sites) for name in names}


def _column(table: pa.Table, name: str) -> NDArray[Any]:
    values = table.column(name).to_numpy()
    return np.array(values)  # a copy of its own: Arrow's buffers are read-only views


def _write(path: Path, columns: Mapping[str, NDArray[Any]], meta: Mapping[str, Any]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table({name: pa.array(values) for name, values in columns.items()})
    table = table.replace_schema_metadata({_META: json.dumps(meta)})
    few = [
        name
        for name, values in columns.items()
        if values.dtype.itemsize < 8 or values.dtype == object
    ]

    def write(temporary: Path) -> None:
        # instants and amounts hardly repeat: a dictionary of them costs time and saves nothing
        pq.write_table(
            table, temporary, compression="zstd", use_dictionary=few, write_statistics=False
        )

    write_with(path, write)


def _read(path: Path) -> tuple[pa.Table, dict[str, Any]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.ParquetFile(path, memory_map=False).read()
        meta = json.loads(table.schema.metadata[_META])
    except FileNotFoundError:
        raise UsageError(f"{path} is missing; run its policy and seed again") from None
    except (OSError, pa.ArrowException, KeyError, TypeError, ValueError) as error:
        said = (str(error).splitlines() or [type(error).__name__])[0]
        raise UsageError(f"{path} is damaged or not from cosim: {said}") from None
    return table, meta


def write_results(folder: Path, name: str, columns: Mapping[str, Sequence[Any]]) -> None:
    """Write a table of results twice: as Parquet for programs, as CSV for everybody.

    Args:
        folder: where.
        name: of both files, without suffix.
        columns: numbers with NaN or None where there is none, or texts; all of one length.
    """
    arrays = {key: _array(values) for key, values in columns.items()}
    _write(folder / f"{name}.parquet", arrays, {"rows": len(next(iter(columns.values()), ()))})
    lines = io.StringIO(newline="")
    rows = csv.writer(lines, lineterminator="\n")
    rows.writerow(columns)
    rows.writerows(
        zip(*(map(_csv_cell, array.tolist()) for array in arrays.values()), strict=True)
    )
    write_text(folder / f"{name}.csv", lines.getvalue())


def read_results(folder: Path, name: str) -> dict[str, list[Any]]:
    """Read a table of results back."""
    table, _ = _read(folder / f"{name}.parquet")
    return {key: _column(table, key).tolist() for key in table.column_names}


def _array(values: Sequence[Any]) -> NDArray[Any]:
    """Whole numbers and numbers as such, anything else as texts."""
    if any(isinstance(value, str) for value in values):
        return np.array(["" if value is None else str(value) for value in values], dtype=object)
    if all(isinstance(value, int) for value in values):
        return np.array(values, dtype=np.int64)
    return np.array([np.nan if v is None else v for v in values], dtype=np.float64)


def _csv_cell(value: Any) -> Any:
    """Nothing for NaN; a text that a spreadsheet would take for a formula is marked as text."""
    if isinstance(value, float):
        return "" if math.isnan(value) else repr(value)
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@") else value
