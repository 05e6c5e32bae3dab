"""Edits of columns: looked at before, and done piece by piece."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import numpy as np

from app.database import Db
from app.edits import acts, writing
from app.edits.acts import Asked, Edit
from app.edits.columns import add_column
from app.edits.sources import Faults, Source, Table
from app.edits.things import PLURALS, Things, find_things
from app.edits.wishes import ValuesWish, find_source, read_wish
from app.edits.writing import MOST_EXAMPLES, PIECE
from app.errors import Refused
from app.labels.acts import Labelled, check_open
from app.search.mirror import Mirror

MOST_LOOKED_AT = 200_000  # things that a page waits for


@dataclass(frozen=True)
class Example:
    """One value that would change."""

    id: int
    name: str
    column: str
    old: str | None
    new: str | None


@dataclass(frozen=True)
class Reason:
    """Why so many things keep their value, and one of them."""

    says: str
    n: int
    example: str


@dataclass(frozen=True)
class ValuesPreview:
    """What an edit of columns would do. `n_things` of the level are meant, `n_objects` meet the filter; `n_looked_at`
    things were compared: `n_changed` values would change, `n_same` are so already, `n_kept` stay for the `reasons`."""

    words: str
    level: str
    columns: list[str]
    n_things: int
    n_objects: int
    n_looked_at: int
    n_changed: int
    n_same: int
    n_kept: int
    examples: list[Example] = field(default_factory=list)
    reasons: list[Reason] = field(default_factory=list)


def preview(db: Db, project: Labelled, account_id: int | None, wish: ValuesWish) -> ValuesPreview:
    """Nothing is written; of very many things the first are compared."""
    source = find_source(db, project.id, wish)
    mirror, things = meant(db, project.id, account_id, wish, source)
    faults, n_given, n_changed = Faults(), 0, 0
    told: list[writing.Difference] = []
    looked_at = things.part(MOST_LOOKED_AT)
    for first in range(0, len(looked_at), PIECE):
        piece = Things(things.level, looked_at.ids[first : first + PIECE], looked_at.places[first : first + PIECE], 0)
        for given in source.values(db, mirror, piece, faults):
            n, some = _compared(db, project.id, given, bool(wish.new_column))
            n_given, n_changed = n_given + len(given.ids), n_changed + n
            told += some[: MOST_EXAMPLES - len(told)]
    names = names_of(db, project.id, wish.level, [one.id for one in told] + list(faults.example.values()))
    return ValuesPreview(
        wish.words(source), wish.level, [column.key for column in source.columns], len(things), things.n_objects,
        len(looked_at), n_changed, 0 if wish.new_column else n_given - n_changed, sum(faults.n.values()),
        [Example(one.id, names.get(one.id, ""), one.column, one.old, one.new) for one in told],
        [Reason(says, n, names.get(faults.example[says], "")) for says, n in faults.n.most_common()],
    )  # fmt: skip


def _compared(db: Db, project_id: int, given: writing.Values, is_new: bool) -> tuple[int, list[writing.Difference]]:
    if not is_new:
        return writing.compare(db, project_id, given)
    pairs = [(one, value) for one, value in zip(given.ids, given.values, strict=True) if value is not None]
    told = [writing.Difference(one, given.column.key, None, value) for one, value in pairs[:MOST_EXAMPLES]]
    return len(pairs), told


def meant(db: Db, project_id: int, account_id: int | None, wish: ValuesWish, source: Source) -> tuple[Mirror, Things]:
    mirror, things = find_things(db, project_id, wish.level, wish.filters, account_id)
    if not isinstance(source, Table):
        return mirror, things
    rows = db.execute("select thing_id from edit_row where table_id = %s", [source.table_id]).fetchall()
    return mirror, things.only(np.array([row.thing_id for row in rows], np.int64))


def names_of(db: Db, project_id: int, level: str, ids: Sequence[int]) -> dict[int, str]:
    """What imports call some things."""
    table, key = ("process", "acquisition_id") if level == "process" else (level, "id")
    rows = db.execute(
        f"select {key} as id, orig_id from {table} where project_id = %s and {key} = any(%s)",  # noqa: S608 (constants)
        [project_id, list(ids)],
    )
    return {row.id: row.orig_id for row in rows}


def edit_values(
    db: Db, project: Labelled, account_id: int | None, client_id: UUID, wish: ValuesWish, expected: int | None = None
) -> Asked:
    """At once for up to 2,000 things, else by the job that is told. `expected`: how many a preview told of."""
    check_open(project)
    detail: dict[str, Any] = {"way": wish.way, "wish": wish.to_json()}
    if _was_sent(db, project.id, client_id):
        return acts.told_again(db, project.id, account_id, client_id, detail)
    source = find_source(db, project.id, wish)
    _, things = meant(db, project.id, account_id, wish, source)
    acts.check_expected(expected, len(things), PLURALS[wish.level])
    if not len(things):
        raise Refused(f"No {wish.level} meets this: there is nothing to change.", status=422)
    detail["words"] = wish.words(source)
    detail["columns"] = [column.name for column in source.columns]
    act_id = acts.start(db, project, account_id, client_id, detail, len(things))
    if act_id is None:
        return acts.told_again(db, project.id, account_id, client_id, detail)
    if wish.new_column:
        add_column(db, project.id, source.columns[0])
    return acts.go(db, project.id, account_id, act_id, len(things), f"Edit {detail['words']}")


def _was_sent(db: Db, project_id: int, client_id: UUID) -> bool:
    """Whether an act of this id is there: what it wished for may be no longer possible, since it did it."""
    row = db.execute("select 1 from act where project_id = %s and client_id = %s", [project_id, client_id]).fetchone()
    return row is not None


def changes_of(db: Db, project_id: int, edit: Edit) -> list[Example]:
    """The first values that an edit of columns changed."""
    rows = db.execute(
        """
        select object_id + parent_id as id, act.detail -> 'columns' ->> place as name, old_value, new_value
          from field_change
          join act on act.id = act_id
         where act_id = %s
         order by object_id, parent_id, place
         limit %s
        """,
        [edit.id, MOST_EXAMPLES],
    ).fetchall()
    names = names_of(db, project_id, edit.level, [row.id for row in rows]) if rows else {}
    return [
        Example(row.id, names.get(row.id, ""), f"{edit.level}.{row.name}", row.old_value, row.new_value) for row in rows
    ]


def raise_version(db: Db, project_id: int) -> None:
    """Have everybody read the columns anew."""
    db.execute("update project set data_version = data_version + 1 where id = %s", [project_id])


class ValuesWork:
    """An edit of columns, as far as it got."""

    def __init__(self, db: Db, act: Any) -> None:
        self.db, self.act_id, self.project_id, self.account_id = db, act.id, act.project_id, act.account_id
        self.wish = read_wish(act.detail["wish"])
        self.total, self.done_to, self.wrote = act.detail["n"], act.detail["done_to"], False
        self._look()
        self.n_done = self.total - len(self.left) if self.done_to else 0
        self.faults = Faults()

    def _look(self) -> None:
        self.source = find_source(self.db, self.project_id, self.wish, may_be_there=True)
        self.mirror, things = meant(self.db, self.project_id, self.account_id, self.wish, self.source)
        self.left = things.after(self.done_to)

    def step(self) -> bool:
        """The next things; False where there are none."""
        if not len(self.left):
            return False
        writing.hold(self.db, self.project_id)
        row: Any = self.db.execute("select data_version from project where id = %s", [self.project_id]).fetchone()
        if row.data_version != self.mirror.data_version:
            self._look()
        piece = self.left.part(PIECE)
        if len(piece):
            changed = self._write(piece)
            self.done_to = int(piece.ids[-1])
            acts.note(self.db, self.act_id, self.done_to, len(changed))
        self.n_done += len(piece)
        self.left = self.left.after(self.done_to)
        return len(self.left) > 0

    def _write(self, piece: Things) -> set[int]:
        changed: set[int] = set()
        for given in self.source.values(self.db, self.mirror, piece, self.faults):
            changed.update(writing.write(self.db, self.project_id, self.act_id, given))
        writing.follow_sun(self.db, self.project_id, self.source.columns, sorted(changed))
        self.wrote = self.wrote or bool(changed)
        return changed

    def end(self, whole: bool) -> list[str]:
        """Also of one that was stopped: what it wrote is seen. Returns what is to be told."""
        if self.wrote:
            raise_version(self.db, self.project_id)
        return [f"{n:,} keep their value: {says}" for says, n in self.faults.n.most_common()]
