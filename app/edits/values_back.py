"""The undo of an edit of columns: what it would do to the next things, and doing it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from psycopg import sql

from app.database import Db
from app.edits import acts, writing
from app.edits.columns import EditColumn, edit_columns
from app.edits.former import Cell, cells
from app.edits.values import raise_version
from app.edits.writing import PIECE, Values
from app.labels.in_bin import bin_of


@dataclass
class Sorted:
    """Things by what becomes of them, each once: put back (some value of it at least), left since they are in the bin,
    or staying under later edits, whose ids they have (None: changed otherwise)."""

    back: set[int] = field(default_factory=set)
    in_bin: set[int] = field(default_factory=set)
    stays: dict[int, int | None] = field(default_factory=dict)

    def take(self, found: Sequence[Cell]) -> None:
        for cell in found:
            if cell.state == "back":
                self.back.add(cell.id)
            elif cell.state == "bin":
                self.in_bin.add(cell.id)
            elif cell.state != "done":
                self.stays.setdefault(cell.id, cell.under_id)

    def close(self) -> None:
        self.in_bin -= self.back
        self.stays = {id: under for id, under in self.stays.items() if id not in self.back and id not in self.in_bin}


class ValuesBack:
    """The undo of an edit of columns, as far as it got; `act` is None where it is only looked at."""

    def __init__(self, db: Db, act: Any, of: Any) -> None:
        self.db, self.act, self.of, self.project_id = db, act, of, of.project_id
        detail = act.detail if act else {}
        self.total, self.done_to, self.n_done = detail.get("n", 0), detail.get("done_to", 0), 0
        self.n_in_bin, self.wrote = detail.get("n_in_bin", 0), False
        self.level = of.detail["wish"]["level"]
        known = {column.name: column for column in edit_columns(db, of.project_id, self.level)}
        # A column that is gone has nothing to be put back.
        self.columns: dict[int, EditColumn] = {
            place: known[name] for place, name in enumerate(of.detail["columns"]) if name in known
        }

    def next_ids(self) -> list[int]:
        query = sql.SQL(
            """
            select distinct {thing} as id
              from field_change
             where act_id = %s
               and {thing} > %s
             order by {thing}
             limit %s
            """
        ).format(thing=writing.thing_id(self.level))
        ids = [row.id for row in self.db.execute(query, [self.of.id, self.done_to, PIECE])]
        self.done_to, self.n_done = ids[-1] if ids else self.done_to, self.n_done + len(ids)
        return ids

    def look(self, ids: Sequence[int]) -> Sorted:
        """Nothing is written."""
        told = Sorted()
        for place, column in self.columns.items():
            told.take(cells(self.db, self.project_id, self.of.id, column, place, ids))
        told.close()
        return told

    def step(self) -> bool:
        writing.hold(self.db, self.project_id)
        ids = self.next_ids()
        if not ids:
            return False
        told, changed = Sorted(), set[int]()
        for place, column in self.columns.items():
            found = cells(self.db, self.project_id, self.of.id, column, place, ids)
            told.take(found)
            back = [cell for cell in found if cell.state == "back"]
            given = Values(column, place, [cell.id for cell in back], [cell.value for cell in back])
            changed.update(writing.write(self.db, self.project_id, self.act.id, given))
        told.close()
        writing.follow_sun(self.db, self.project_id, list(self.columns.values()), sorted(changed))
        self.wrote = self.wrote or bool(changed)
        self.n_in_bin += len(told.in_bin)
        n_left = 0 if acts.is_repeated(self.act) else len(told.stays)
        acts.note(self.db, self.act.id, self.done_to, len(told.back), n_left, n_in_bin=self.n_in_bin)
        return len(ids) == PIECE

    def end(self, whole: bool) -> list[str]:
        if whole and self.of.detail["wish"].get("new_column"):
            self._drop_empty()
        if self.wrote:
            raise_version(self.db, self.project_id)
        return []

    def _drop_empty(self) -> None:
        """The column that came with the edit goes with it, where nobody wrote anything else there."""
        for column in self.columns.values():
            query = sql.SQL(
                """
                delete from field
                 where project_id = %(project_id)s
                   and level = %(level)s
                   and name = %(name)s
                   and not exists (select
                                     from {table} as t
                                    where t.project_id in (%(project_id)s, %(bin_id)s)
                                      and {old} is not null)
                """
            ).format(**writing.parts_of(column))
            values = {"project_id": self.project_id, "bin_id": bin_of(self.db, self.project_id),
                      "level": column.level, "name": column.name}  # fmt: skip
            self.db.execute(query, values)
