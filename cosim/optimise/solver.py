"""The only doorway to HiGHS: a program is loaded once and solved again and again.

The solver object stays alive between solves and only numbers are changed in place, so that the
simplex method starts from the basis of the last solve (a *hot* start). After every solve the
status is looked at: an answer that is not proven says so, and whoever asked falls back.

HiGHS keeps one scheduler of threads per process and answers with nothing but an error status if
their number is changed later on; so it is never touched here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cosim.errors import CosimError
from cosim.optimise.program import FloatArray, IntArray, Program

Int32Array = NDArray[np.int32]
Status = Literal["optimal", "limited", "failed"]
Method = Literal["simplex", "ipm"]


@dataclass(frozen=True)
class Answer:
    """What came of a solve.

    Attributes:
        status: ``optimal``; ``limited`` if a limit stopped it with values that can be used;
            ``failed`` if there are none.
        gain: value of the objective, NaN if it failed.
        bound: no solution is better than this; ``gain`` itself for an optimal linear program.
        values: of the columns, shape (columns,).
        worth: what raising both sides of a row by one would add to the gain, shape (rows,); zeros
            where some columns are whole numbers, which have no such prices.
        iterations: of the simplex or interior point method.
        said: the solver's own word for its status.
    """

    status: Status
    gain: float
    bound: float
    values: FloatArray
    worth: FloatArray
    iterations: int
    said: str

    @property
    def usable(self) -> bool:
        """Whether there are values."""
        return self.status != "failed"

    @property
    def gap(self) -> float:
        """How far the gain may be from the best, as a share of it."""
        return abs(self.bound - self.gain) / max(abs(self.gain), 1e-12)


class Solver:
    """A program inside HiGHS.

    Args:
        program: what is solved.
        unit: money in which gains are handed over, so that tolerances (1e-7) mean little money.
        method: ``simplex`` for hot starts, ``ipm`` for one large program.
        iterations_max: of the simplex method, a limit that does not depend on the machine.
        time_s_max: wall-clock limit of a solve [s]; results then depend on the machine.
        gap: gap at which a search over whole numbers may stop, as a share of the gain.
        nodes_max: most nodes of that search.
    """

    def __init__(
        self,
        program: Program,
        *,
        unit: float = 1.0,
        method: Method = "simplex",
        iterations_max: int = 1_000_000,
        time_s_max: float = np.inf,
        gap: float = 1e-3,
        nodes_max: int = 100_000,
    ) -> None:
        import highspy

        make: Any = highspy.Highs  # its stubs lack types, and one of its methods
        self._h, self._kinds = make(), highspy.HighsModelStatus
        self.unit, self.time_s_max = unit, time_s_max
        self._whole = bool(program.whole.any())
        self._shape = (len(program.gain), len(program.row_lower))
        for name, value in (
            ("output_flag", False),
            ("parallel", "off"),
            ("solver", method),
            ("simplex_iteration_limit", iterations_max),
            ("mip_rel_gap", gap),
            ("mip_max_nodes", nodes_max),
        ):
            self._done(self._h.setOptionValue(name, value), f"option {name}")
        self._load(program)

    def _done(self, status: Any, what: str) -> None:
        if "Error" in str(status):
            raise CosimError(f"HiGHS refuses {what}: {status}")

    def _load(self, program: Program) -> None:
        import highspy

        lp = highspy.HighsLp()
        lp.num_col_, lp.num_row_ = self._shape
        lp.col_cost_ = -program.gain / self.unit
        lp.col_lower_, lp.col_upper_ = program.lower, program.upper
        lp.row_lower_, lp.row_upper_ = program.row_lower, program.row_upper
        lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        lp.a_matrix_.start_ = program.start.astype(np.int32)
        lp.a_matrix_.index_ = program.index.astype(np.int32)
        lp.a_matrix_.value_ = program.value
        if self._whole:
            kinds = highspy.HighsVarType
            lp.integrality_ = [
                kinds.kInteger if whole else kinds.kContinuous for whole in program.whole.tolist()
            ]
        self._done(self._h.passModel(lp), "the program")

    # changes in place -------------------------------------------------------------------

    def set_gain(self, columns: IntArray, gain: ArrayLike) -> None:
        """Change the worth of columns."""
        at = np.ravel(columns).astype(np.int32)
        cost = -np.broadcast_to(gain, columns.shape).ravel() / self.unit
        self._done(self._h.changeColsCost(len(at), at, cost), "gains")

    def set_range(self, columns: IntArray, lower: ArrayLike, upper: ArrayLike) -> None:
        """Change the ranges of columns."""
        at, low, high = _sides(columns, lower, upper)
        self._done(self._h.changeColsBounds(len(at), at, low, high), "ranges of columns")

    def set_sides(self, rows: IntArray, lower: ArrayLike, upper: ArrayLike) -> None:
        """Change the two sides of rows."""
        at, low, high = _sides(rows, lower, upper)
        self._done(self._h.changeRowsBounds(len(at), at, low, high), "sides of rows")

    def set_coefficients(self, rows: IntArray, columns: IntArray, values: ArrayLike) -> None:
        """Change single coefficients; few at a time, each is a call."""
        row, column, value = np.broadcast_arrays(rows, columns, np.asarray(values, np.float64))
        for r, c, v in zip(
            row.ravel().tolist(), column.ravel().tolist(), value.ravel().tolist(), strict=True
        ):
            self._done(self._h.changeCoeff(r, c, v), "a coefficient")

    def forget(self) -> None:
        """Drop the basis: the next solve starts cold."""
        self._done(self._h.clearSolver(), "a cold start")

    # solving ----------------------------------------------------------------------------

    def solve(self) -> Answer:
        """Solve as it stands."""
        if np.isfinite(self.time_s_max):  # HiGHS adds up the time of all solves of an object
            until_s = self._h.getRunTime() + self.time_s_max
            self._done(self._h.setOptionValue("time_limit", until_s), "a time limit")
        self._h.run()
        return self._answer()

    def _answer(self) -> Answer:
        kind, kinds, info = self._h.getModelStatus(), self._kinds, self._h.getInfo()
        said = self._h.modelStatusToString(kind)
        limits = (kinds.kTimeLimit, kinds.kIterationLimit, kinds.kSolutionLimit)
        feasible = info.primal_solution_status == 2
        status: Status = "failed"
        if kind == kinds.kOptimal:
            status = "optimal"
        elif kind in limits and feasible:
            status = "limited"
        columns, rows = self._shape
        if status == "failed":
            nothing = (np.zeros(columns), np.zeros(rows))
            return Answer(status, np.nan, np.inf, *nothing, info.simplex_iteration_count, said)
        found = self._h.getSolution()
        gain = -self.unit * info.objective_function_value
        worth = np.zeros(rows) if self._whole else -self.unit * np.asarray(found.row_dual)
        bound = -self.unit * info.mip_dual_bound if self._whole else gain
        count = max(info.simplex_iteration_count, 0) + max(info.ipm_iteration_count, 0)
        return Answer(status, gain, bound, np.asarray(found.col_value), worth, count, said)


def _sides(
    numbers: IntArray, lower: ArrayLike, upper: ArrayLike
) -> tuple[Int32Array, FloatArray, FloatArray]:
    at = np.ravel(numbers).astype(np.int32)
    low = np.broadcast_to(np.asarray(lower, np.float64), numbers.shape).ravel()
    high = np.broadcast_to(np.asarray(upper, np.float64), numbers.shape).ravel()
    return at, low, high
