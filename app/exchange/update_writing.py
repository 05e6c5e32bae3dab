"""Writes the values of an update as mass edits, one for each level, which keep what stood before."""

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid5

from psycopg import sql

from app.database import Db
from app.edits import acts, writing
from app.edits.columns import EditColumn, add_column
from app.edits.values import names_of, raise_version
from app.edits.writing import Difference, Values
from app.exchange.update_rows import LEVELS, Piece, Rows

SPACE = UUID("5b6f2a0e-6d3c-4c57-9a3f-6e1f0c1f8d21")
POSITION = ("latitude", "longitude")

__all__ = ["Edits", "differing", "names_of"]


def differing(
    db: Db, project_id: int, level: str, columns: list[EditColumn], piece: Piece
) -> list[tuple[int, EditColumn, list[Difference]]]:
    """What differs, by column and its place: all columns of a level are read at once, since most values do not."""
    asked = [(place, column) for place, column in enumerate(columns) if piece.values.get(level, {}).get(column.name)]
    if not asked:
        return []
    there = _read(db, project_id, level, [column for _, column in asked], piece)
    found = []
    for at, (place, column) in enumerate(asked):
        given = piece.values[level][column.name]
        told = [
            Difference(id, column.key, there[id][at], given[id])
            for id in sorted(given)
            if id in there and not _is_same(column, there[id][at], given[id])
        ]
        if told:
            found.append((place, column, told))
    return found


def _read(db: Db, project_id: int, level: str, columns: list[EditColumn], piece: Piece) -> dict[int, list[str | None]]:
    """The values of these columns, as texts; a column that the project is to get has none yet."""
    ids = sorted({id for column in columns for id in piece.values[level][column.name]})
    found: dict[int, list[str | None]] = {id: [None] * len(columns) for id in ids}
    by_table: dict[str, list[int]] = {}
    for at, column in enumerate(columns):
        if column.position is not None or not column.is_free or level != "object":
            by_table.setdefault("object_field" if column.is_free and level == "object" else level, []).append(at)
    for places in by_table.values():
        parts = [writing.parts_of(columns[at]) for at in places]
        query = sql.SQL(
            "select t.{key} as id, array[{values}]::text[] as values from {table} as t"
            " where t.project_id = %s and t.{key} = any(%s)"
        ).format(key=parts[0]["key"], table=parts[0]["table"], values=sql.SQL(", ").join(one["old"] for one in parts))
        for row in db.execute(query, [project_id, ids]):
            for at, value in zip(places, row.values, strict=True):
                found[row.id][at] = value
    return found


def _is_same(column: EditColumn, old: str | None, new: str | None) -> bool:
    if old is None or new is None or not column.is_number:
        return old == new
    return float(old) == float(new)


class Edits:
    """The edits of one update. Begun again it goes on with the same ones, and writes what still differs."""

    def __init__(self, db: Db, project: Any, account_id: int, import_id: int, name: str, rows: Rows) -> None:
        self.db, self.project, self.account_id, self.import_id = db, project, account_id, import_id
        self.name, self.rows = name, rows
        self.columns = {level: list(columns) for level, columns in rows.columns.items()}
        self.act_ids: dict[str, int] = {}
        self.moved: set[int] = set()  # samples of objects that have another position now

    def write(self, tell: Callable[[int, str], None]) -> int:
        """Piece by piece, each in a transaction; returns how many values stand changed by these edits."""
        with self.db.transaction():
            self._add_columns()
            self._begin()
        done = 0
        for piece in self.rows.pieces():
            with self.db.transaction():
                writing.hold(self.db, self.project.id)
                for level in LEVELS:
                    self._write(piece, level)
            done += piece.n_rows
            tell(done, "Writing values")
        with self.db.transaction():
            writing.hold(self.db, self.project.id)
            self._place_samples()
            return self._end()

    def _add_columns(self) -> None:
        for columns in self.columns.values():
            for place, column in enumerate(columns):
                if column.key in self.rows.new:
                    columns[place] = add_column(self.db, self.project.id, column)

    def _begin(self) -> None:
        """One act a level; samples also get the positions of their objects."""
        if any(column.name in POSITION for column in self.columns["object"]):
            self.columns["sample"] += [EditColumn("sample", name, name, False) for name in POSITION]
        for level, columns in self.columns.items():
            if columns:
                self.act_ids[level] = self._act(level, columns)

    def _act(self, level: str, columns: list[EditColumn]) -> int:
        detail = {
            "way": "table", "wish": {"level": level, "way": "table"}, "words": f"Values from {self.name}",
            "columns": [column.name for column in columns], "import_id": self.import_id,
        }  # fmt: skip
        client_id = uuid5(SPACE, f"{self.project.id} {self.import_id} {level}")
        act_id = acts.start(self.db, self.project, self.account_id, client_id, detail, 0)
        if act_id is None:
            row: Any = self.db.execute(
                "select id from act where project_id = %s and client_id = %s", [self.project.id, client_id]
            ).fetchone()
            act_id = int(row.id)
        return act_id

    def _write(self, piece: Piece, level: str) -> None:
        changed: set[int] = set()
        moved: set[int] = set()
        for place, column, told in differing(self.db, self.project.id, level, self.columns[level], piece):
            given = Values(column, place, [one.id for one in told], [one.new for one in told])
            ids = writing.write(self.db, self.project.id, self.act_ids[level], given)
            changed.update(ids)
            if level == "object" and column.name in POSITION:
                moved.update(ids)
        if not changed:
            return
        if level == "object":
            writing.follow_sun(self.db, self.project.id, self.columns[level], sorted(changed))
            self._note_moved(sorted(moved))
        acts.note(self.db, self.act_ids[level], max(changed), len(changed))

    def _note_moved(self, ids: list[int]) -> None:
        rows = self.db.execute(
            "select distinct sample_id from object where project_id = %s and id = any(%s)", [self.project.id, ids]
        )
        self.moved.update(row.sample_id for row in rows)

    def _place_samples(self) -> None:
        """A sample lies where the least of its objects' positions are, as imports have it."""
        if not self.moved:
            return
        rows = self.db.execute(
            """
            select sample_id, min(latitude)::text as latitude, min(longitude)::text as longitude
            from object
            where sample_id = any(%s)
            group by sample_id
            order by sample_id
            """,
            [sorted(self.moved)],
        ).fetchall()
        columns, act_id = self.columns["sample"], self.act_ids["sample"]
        changed: set[int] = set()
        for place, column in enumerate(columns):
            if column.name in POSITION and not column.is_free:
                values = [getattr(row, column.name) for row in rows]
                given = Values(column, place, [row.sample_id for row in rows], values)
                changed.update(writing.write(self.db, self.project.id, act_id, given))
        if changed:
            acts.note(self.db, act_id, max(changed), len(changed))

    def _end(self) -> int:
        """Acts that changed nothing are none; the others are called after the columns in which something differed."""
        ids = list(self.act_ids.values())
        self.db.execute("delete from act where id = any(%s) and n_objects = 0", [ids])
        changed = self.db.execute(
            """
            select act_id, count(*) as n, array_agg(distinct place) as places
            from field_change
            where act_id = any(%s)
            group by act_id
            """,
            [ids],
        ).fetchall()
        levels = {act_id: level for level, act_id in self.act_ids.items()}
        words = [self._words(levels[row.act_id], row.places) for row in changed]
        self.db.execute(
            """
            update act
            set detail = detail || jsonb_build_object('n', n_objects, 'words', said.words)
            from unnest(%s::bigint[], %s::text[]) as said (id, words)
            where act.id = said.id
            """,
            [[row.act_id for row in changed], words],
        )
        if changed:
            raise_version(self.db, self.project.id)
        return sum(row.n for row in changed)

    def _words(self, level: str, places: list[int]) -> str:
        keys = [self.columns[level][place].key for place in places]
        return ", ".join(keys[:4]) + (" …" if len(keys) > 4 else "") + f" from {self.name}"
