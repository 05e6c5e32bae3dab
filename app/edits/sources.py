"""Where an edit's new values come from: one value for all, a formula over columns, or a table that was brought."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from app.database import Db
from app.edits.columns import OTHER_NAMES, EditColumn
from app.edits.things import PLURALS, Things
from app.edits.writing import Values
from app.errors import Refused
from app.exchange.values import BadValue
from app.expressions import Expression, Ref, Result, evaluate
from app.expressions.values import as_texts
from app.labels.changes import array
from app.objects.fields import Fields, project_fields
from app.search.columns import MISSING, TextColumn
from app.search.mirror import Mirror

MOST_FAULTS = 50
# What a formula may name beside its own level: what each thing has one of.
ABOVE = {
    "object": ("object", "sample", "acquisition", "process"),
    "sample": ("sample",),
    "acquisition": ("acquisition", "process", "sample"),
    "process": ("process", "acquisition", "sample"),
}


@dataclass
class Faults:
    """Why things keep their value: by what is wrong, how many, and the first of them."""

    n: Counter[str] = field(default_factory=Counter)
    example: dict[str, int] = field(default_factory=dict)

    def note(self, says: str, ids: Sequence[int]) -> None:
        if says not in self.n and len(self.n) >= MOST_FAULTS:
            says = "other reasons"
        self.n[says] += len(ids)
        self.example.setdefault(says, int(ids[0]))


class Source(Protocol):
    """New values of things, column by column."""

    columns: list[EditColumn]

    def values(self, db: Db, mirror: Mirror, things: Things, faults: Faults) -> list[Values]: ...


@dataclass
class OneValue:
    """The same for all; None erases."""

    column: EditColumn
    value: str | None

    def __post_init__(self) -> None:
        self.columns = [self.column]

    def values(self, db: Db, mirror: Mirror, things: Things, faults: Faults) -> list[Values]:
        ids = things.ids.tolist()
        return [Values(self.column, 0, ids, [self.value] * len(ids))]


class Formula:
    """What a formula gives for each thing; where it gives nothing, the value stays."""

    def __init__(self, db: Db, project_id: int, column: EditColumn, expression: Expression) -> None:
        self.columns = [column]
        self.expression = expression
        fields = project_fields(db, project_id)
        self.named = {ref: _resolved(fields, ref, column.level) for ref in expression.refs}

    def values(self, db: Db, mirror: Mirror, things: Things, faults: Faults) -> list[Values]:
        column = self.columns[0]
        without = things.places < 0
        if self.named and without.any():
            faults.note(f"there is no object in this {column.level}", things.ids[without].tolist())
            things = Things(things.level, things.ids[~without], things.places[~without], things.n_objects)
        given = {ref: _column(db, mirror, *where, things.places) for ref, where in self.named.items()}
        result = evaluate(self.expression, given, len(things))
        for fault in (*result.faults, *result.missing):
            faults.note(fault.says, things.ids[fault.rows].tolist())
        return [_read(column, things, result, faults)]


def _resolved(fields: Fields, ref: Ref, level: str) -> tuple[str, str]:
    """The level and the name of the column that a formula names; those of its own level come first."""
    levels = {"subsample": ("process", "acquisition"), "": ABOVE[level]}.get(ref.level, (ref.level,))
    outside = [one for one in levels if one not in ABOVE[level]]
    if outside:
        raise Refused(
            f"“{ref}” differs between the {PLURALS[outside[0]]} of one {level}: a formula for {PLURALS[level]} names"
            f" columns of its {', '.join(ABOVE[level])}.",
            status=422,
        )
    for one in levels:
        for name in (ref.name, OTHER_NAMES.get(ref.name, ref.name)):
            found = fields.find(f"{one}.{name}")
            if found is not None and found.level == one:
                return one, found.name
    raise Refused(f"The formula names “{ref}”, and this project has no such column.", status=422)


def _column(db: Db, mirror: Mirror, level: str, name: str, places: np.ndarray) -> np.ndarray:
    """Of some objects: float64, NaN missing, or texts, None missing."""
    column = mirror.column(db, level, name)
    if not isinstance(column, TextColumn):
        return column[places].astype(np.float64)
    found = np.empty(len(places), object)
    said = column.texts[places].tolist()
    found[:] = [_text(one) for one in said]
    return found


def _text(value: Any) -> str | None:
    text = value.decode() if isinstance(value, bytes) else str(value)
    return None if text in (MISSING, "") else text


def _read(column: EditColumn, things: Things, result: Result, faults: Faults) -> Values:
    """The results as values of the column; those that it cannot hold are faults."""
    rows = np.flatnonzero(~result.absent)
    if column.kind == "number" and not result.is_text:
        return Values(column, 0, things.ids[rows].tolist(), [repr(one) for one in result.values[rows].tolist()])
    ids, values = [], []
    for thing_id, said in zip(things.ids[rows].tolist(), as_texts(result.values[rows]).tolist(), strict=True):
        try:
            values.append(column.read(said))
            ids.append(thing_id)
        except BadValue as bad:
            faults.note(str(bad), [thing_id])
    return Values(column, 0, ids, values)


class Table:
    """The rows of a table that was brought; an empty cell leaves the value, or erases it where that is asked for."""

    def __init__(self, table_id: int, columns: list[EditColumn], empty_erases: bool) -> None:
        self.table_id, self.columns, self.empty_erases = table_id, columns, empty_erases

    def values(self, db: Db, mirror: Mirror, things: Things, faults: Faults) -> list[Values]:
        rows = db.execute(
            """
            select thing_id, cells
              from edit_row
             where table_id = %s
               and thing_id = any(%s::bigint[])
             order by thing_id
            """,
            [self.table_id, array(things.ids.tolist())],
        ).fetchall()
        found = []
        for place, column in enumerate(self.columns):
            mine = [
                (row.thing_id, row.cells[place]) for row in rows if row.cells[place] is not None or self.empty_erases
            ]
            found.append(Values(column, place, [one for one, _ in mine], [value for _, value in mine]))
        return found
