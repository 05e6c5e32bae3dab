"""Runs a formula on whole columns: for each row its value, or why it has none."""

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

import numpy as np

from app.expressions.language import Call, Column, Constant, Expression, Node, Ref

LONGEST_TEXT = 2_000  # characters of what a formula may give
MISSING_WORDS = frozenset({"", "na", "nan", "null", "none"})
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
TOLD_TEXTS = 3  # wrong ones that are told each by itself
QUOTED = 60  # characters of a value or a formula, in a sentence
Array = np.ndarray


@dataclass(frozen=True)
class Fault:
    """Why some rows have no value; `rows`: their places, ascending."""

    says: str
    rows: Array


@dataclass(frozen=True)
class Result:
    """What a formula gives for n rows. `values`: float64 [n], NaN where there is none, or texts (object [n]), None
    where there is none. `missing`: rows without a value since a column has none, by column. `faults`: rows that cannot
    have one, by what is wrong, in the formula's order. A row is named once."""

    values: Array
    missing: list[Fault]
    faults: list[Fault]

    @property
    def is_text(self) -> bool:
        return self.values.dtype == object

    @property
    def absent(self) -> Array:
        """Which rows have no value: bool [n]."""
        return absent(self.values)


def evaluate(expression: Expression, columns: Mapping[Ref, Array], n: int) -> Result:
    """Run a formula on n rows. `columns`: for each of its refs numbers (float64 [n], NaN missing) or texts (object [n],
    None missing), which count as numbers where the formula needs them so."""
    run = _Run(columns, n)
    values = np.array(run.value(expression.root, np.ones(n, bool)))
    without = absent(values)
    values[without] = None if values.dtype == object else np.nan
    faults, told = [], np.zeros(n, bool)
    for fault in run.faults:
        rows = without & fault.mask & ~told
        told |= rows
        if rows.any():
            faults.append(Fault(fault.says, np.flatnonzero(rows)))
    return Result(values, _missing(expression, columns, without & ~told), faults)


def _missing(expression: Expression, columns: Mapping[Ref, Array], without: Array) -> list[Fault]:
    """Rows that have no value and no fault, by the first of the formula's columns that has none there."""
    found, left = [], without.copy()
    for ref in expression.refs:
        rows = left & _absent_as_read(columns[ref])
        left &= ~rows
        if rows.any():
            found.append(Fault(f"{ref} is missing", np.flatnonzero(rows)))
    if left.any():
        found.append(Fault("the formula gives no value", np.flatnonzero(left)))
    return found


def _absent_as_read(values: Array) -> Array:
    if values.dtype != object:
        return absent(values)
    return np.fromiter((one is None or one.strip().lower() in MISSING_WORDS for one in values), bool, len(values))


def absent(values: Array) -> Array:
    """Which of numbers or texts are missing: bool [n]."""
    if values.dtype == object:
        return np.fromiter((one is None for one in values), bool, len(values))
    return ~np.isfinite(values)


def as_texts(values: Array) -> Array:
    """Numbers as people write them: 3, 0.25; texts as they are."""
    if values.dtype == object:
        return values
    return _texts((f"{one:.15g}" if np.isfinite(one) else None for one in values.tolist()), len(values))


def _among(values: Array, wanted: set[str]) -> Array:
    return np.fromiter((one in wanted for one in values), bool, len(values))


def _texts(said: Any, n: int) -> Array:
    found = np.empty(n, object)
    found[:] = list(said)
    return found


def _short(said: str) -> str:
    said = " ".join(said.split())
    return said if len(said) <= QUOTED else said[: QUOTED - 1] + "…"


@dataclass
class _Noted:
    says: str
    mask: Array


@dataclass
class _Run:
    """One run over n rows. `mask`, here and below: the rows whose value is wanted; no other has faults."""

    columns: Mapping[Ref, Array]
    n: int
    faults: list[_Noted] = field(default_factory=list)

    def value(self, node: Node, mask: Array) -> Array:
        """Numbers or texts of all rows."""
        if isinstance(node, Constant):
            return self._constant(node.value)
        if isinstance(node, Column):
            return self.columns[node.ref]
        if node.name in CHOICES:
            return CHOICES[node.name](self, node, mask)
        if node.name in TEXTS:
            return self._text(node, mask)
        if node.name in COMPARED:
            return self._compared(node, mask)
        return self._number(node, mask)

    def _constant(self, value: float | str) -> Array:
        return np.full(self.n, value, object if isinstance(value, str) else np.float64)

    def note(self, says: str, mask: Array) -> None:
        if mask.any():
            self.faults.append(_Noted(says, mask))

    def numbers(self, node: Node, mask: Array) -> Array:
        """The values as numbers; texts that are none are a fault, those that say so are missing."""
        return self._as_numbers(node, self.value(node, mask), mask)

    def _as_numbers(self, node: Node, values: Array, mask: Array) -> Array:
        if values.dtype != object:
            return np.where(np.isfinite(values), values, np.nan)
        known = {one: _read_number(one) for one in set(values[mask].tolist())}
        wrong = sorted(str(one) for one, number in known.items() if number is None)
        for bad in wrong[:TOLD_TEXTS]:
            says = f"{_short(node.source)} is “{_short(bad)}”, which is no number"
            self.note(says, mask & _among(values, {bad}))
        if len(wrong) > TOLD_TEXTS:
            self.note(f"{_short(node.source)} is a text, where a number is due", mask & _among(values, set(wrong)))
        numbers = {one: np.nan if number is None else number for one, number in known.items()}
        return np.fromiter((numbers.get(one, np.nan) for one in values), np.float64, self.n)

    def texts(self, node: Node, mask: Array) -> Array:
        return as_texts(self.value(node, mask))

    def _number(self, node: Call, mask: Array) -> Array:
        """An operator or a function of numbers; what is no finite number is a fault."""
        args = [self.numbers(arg, mask) for arg in node.args]
        with np.errstate(all="ignore"):
            found = np.asarray(NUMBERS[node.name](*args), np.float64)
        known = mask & ~np.isnan(args).any(axis=0)
        if node.name in ("/", "%"):
            self.note(f"{_short(node.source)} divides by zero", known & (args[1] == 0))
        if node.name in UNDEFINED:
            outside = np.isnan(found) | (np.isinf(found) & (node.name.startswith("log")))
            self.note(f"{_short(node.source)}: {UNDEFINED[node.name]}", known & outside)
        self.note(f"{_short(node.source)} is too large a number", known & ~np.isfinite(found))
        return np.where(np.isfinite(found), found, np.nan)

    def _compared(self, node: Call, mask: Array) -> Array:
        """1 where it is so, 0 where not, missing where one side is. Two texts are compared as texts."""
        left, right = (self.value(arg, mask) for arg in node.args)
        if left.dtype == right.dtype == object:
            both = ~(absent(left) | absent(right))
            found = np.full(self.n, np.nan)
            found[both] = COMPARED[node.name](left[both], right[both])
            return found
        left, right = (
            self._as_numbers(arg, values, mask) for arg, values in zip(node.args, (left, right), strict=True)
        )
        known = ~(np.isnan(left) | np.isnan(right))
        return np.where(known, COMPARED[node.name](left, right), np.nan)

    def _text(self, node: Call, mask: Array) -> Array:
        """A function of texts, row by row; missing where anything is."""
        numeric = {1} if node.name in ("left", "right") else set()
        args = [
            self.numbers(arg, mask) if place in numeric else self.texts(arg, mask)
            for place, arg in enumerate(node.args)
        ]
        wanted = mask & ~np.any([absent(arg) for arg in args], axis=0)
        found, function = np.empty(self.n, object), TEXTS[node.name]
        too_long = np.zeros(self.n, bool)
        for row in np.flatnonzero(wanted).tolist():
            given = [arg[row] for arg in args]
            if node.name in LENGTHS and LENGTHS[node.name](*given) > LONGEST_TEXT:
                too_long[row] = True
            else:
                found[row] = function(*given)
        self.note(f"{_short(node.source)} has over {LONGEST_TEXT:,} characters", too_long)
        if node.name in ("length", "contains"):
            return np.fromiter((np.nan if one is None else one for one in found), np.float64, self.n)
        return found

    def if_(self, node: Call, mask: Array) -> Array:
        asked, yes, no = node.args
        holds = self.numbers(asked, mask)
        known = ~np.isnan(holds)
        so = known & (holds != 0)
        return self._chosen([(self.value(yes, mask & so), so), (self.value(no, mask & known & ~so), known & ~so)])

    def coalesce(self, node: Call, mask: Array) -> Array:
        parts, left = [], np.ones(self.n, bool)
        for arg in node.args:
            values = self.value(arg, mask & left)
            here = left & ~_absent_as_read(values)
            parts.append((values, here))
            left = left & ~here
        return self._chosen(parts)

    def _chosen(self, parts: list[tuple[Array, Array]]) -> Array:
        """Values of several, each where its rows are; texts where any of them is."""
        if any(values.dtype == object and rows.any() for values, rows in parts):
            found = np.empty(self.n, object)
            for values, rows in parts:
                found[rows] = as_texts(values[rows])
            return found
        found = np.full(self.n, np.nan)
        for values, rows in parts:
            if rows.any():
                found[rows] = values[rows]
        return found

    def missing(self, node: Call, mask: Array) -> Array:
        return _absent_as_read(self.value(node.args[0], mask)).astype(np.float64)

    def both(self, node: Call, mask: Array) -> Array:
        """`and`: what is decided by its left side does not ask the right one."""
        left = self.numbers(node.args[0], mask)
        right = self.numbers(node.args[1], mask & ~(left == 0))
        found = np.where(np.isnan(left) | np.isnan(right), np.nan, 1.0)
        return np.where((left == 0) | (right == 0), 0.0, found)

    def either(self, node: Call, mask: Array) -> Array:
        left = self.numbers(node.args[0], mask)
        decided = ~np.isnan(left) & (left != 0)
        right = self.numbers(node.args[1], mask & ~decided)
        found = np.where(np.isnan(left) | np.isnan(right), np.nan, 0.0)
        return np.where(decided | (~np.isnan(right) & (right != 0)), 1.0, found)


def _read_number(said: str | None) -> float | None:
    """A text's number, NaN where it says that there is none, None where it says something else."""
    if said is None or said.strip().lower() in MISSING_WORDS:
        return np.nan
    if not NUMBER.fullmatch(said.strip()):
        return None
    found = float(said)
    return found if np.isfinite(found) else None


def _round(values: Array, digits: Array | None = None) -> Array:
    if digits is None:
        return np.round(values)
    scale = 10.0 ** np.clip(np.round(digits), -15, 15)
    return np.round(values * scale) / scale


def _cut(said: str, n: float) -> str:
    return said[: max(0, int(min(n, LONGEST_TEXT)))]


def _end(said: str, n: float) -> str:
    wanted = max(0, int(min(n, LONGEST_TEXT)))
    return said[-wanted:] if wanted else ""


def _replaced_length(said: str, old: str, new: str) -> int:
    return len(said) + (said.count(old) * (len(new) - len(old)) if old else 0)


NUMBERS: dict[str, Callable[..., Any]] = {
    "+": np.add, "-": np.subtract, "*": np.multiply, "/": np.divide, "%": np.mod, "**": np.power, "pow": np.power,
    "negative": np.negative, "abs": np.abs, "sqrt": np.sqrt, "exp": np.exp, "log": np.log, "log10": np.log10,
    "log2": np.log2, "sin": np.sin, "cos": np.cos, "tan": np.tan, "asin": np.arcsin, "acos": np.arccos,
    "atan": np.arctan, "radians": np.radians, "round": _round, "floor": np.floor, "ceil": np.ceil,
    "min": lambda *args: reduce(np.minimum, args), "max": lambda *args: reduce(np.maximum, args),
    "not": lambda one: np.where(np.isnan(one), np.nan, one == 0), "number": lambda one: one,
}  # fmt: skip
UNDEFINED = {
    "sqrt": "a number below zero has no square root", "log": "only numbers above zero have a logarithm",
    "log10": "only numbers above zero have a logarithm", "log2": "only numbers above zero have a logarithm",
    "asin": "only -1 to 1 has one", "acos": "only -1 to 1 has one",
    "**": "a number below zero has no such power", "pow": "a number below zero has no such power",
}  # fmt: skip
COMPARED: dict[str, Callable[..., Any]] = {
    "=": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
TEXTS: dict[str, Callable[..., Any]] = {
    "&": operator.add, "text": lambda said: said, "lower": str.lower, "upper": str.upper, "trim": str.strip,
    "length": len, "left": _cut, "right": _end, "contains": lambda said, part: float(part.lower() in said.lower()),
    "replace": lambda said, old, new: said.replace(old, new) if old else said,
}  # fmt: skip
# How long a text would become, where it may grow.
LENGTHS: dict[str, Callable[..., int]] = {"&": lambda one, other: len(one) + len(other), "replace": _replaced_length}
CHOICES: dict[str, Callable[[_Run, Call, Array], Array]] = {
    "if": _Run.if_, "coalesce": _Run.coalesce, "missing": _Run.missing, "and": _Run.both, "or": _Run.either,
}  # fmt: skip
