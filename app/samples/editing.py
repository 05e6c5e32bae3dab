"""One sample, acquisition or process changed by hand: an act as every edit of columns, with what stood there before."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import sql
from psycopg.types.json import Jsonb

from app.database import Db
from app.edits import acts
from app.edits.columns import EditColumn, edit_columns, find_column
from app.edits.values import edit_values
from app.edits.wishes import ValuesWish
from app.errors import Conflict, NotFound, Refused
from app.exchange.values import BadValue
from app.labels.acts import Labelled
from app.templating import parent_name

MOST_CHANGES = 20
LARGEST_ID = 2**63
KEYS = {"sample": "id", "acquisition": "id", "process": "acquisition_id"}


@dataclass(frozen=True)
class EditField:
    """A column of one thing as a form shows it; `kind`: number, text, latitude or longitude."""

    name: str
    kind: str
    value: str


@dataclass(frozen=True)
class Changed:
    """What was changed of one thing's column, when and by whom; `undone`: it was taken back since."""

    act_id: int
    at: datetime
    by: str | None
    level: str
    column: str
    old: str | None
    new: str | None
    undone: bool


def edit_fields(db: Db, project_id: int, level: str, thing_id: int) -> list[EditField]:
    """What may be changed of it, as it is now; NotFound where there is no such thing."""
    columns = edit_columns(db, project_id, level)
    values = _values(db, project_id, level, thing_id)
    return [EditField(column.name, column.kind, _value(values, column)) for column in columns]


def change(
    db: Db,
    project: Labelled,
    account_id: int | None,
    client_id: UUID,
    level: str,
    thing_id: int,
    values: Mapping[str, str],
    was: Mapping[str, str] | None = None,
) -> int | None:
    """The act that wrote these values (empty: there is none), or None where nothing differs from what stands there.

    `was`: what the form showed. What it did not change is left, and what somebody else changed meanwhile is refused.
    """
    row = db.execute("select id from act where project_id = %s and client_id = %s", [project.id, client_id]).fetchone()
    if row is not None:
        return int(row.id)
    known = edit_columns(db, project.id, level)
    now = _values(db, project.id, level, thing_id, lock=True)
    new: dict[EditColumn, str | None] = {}
    for name, text in values.items():
        column = find_column(known, level, name)
        stands = _value(now, column)
        if was is not None and _same(text, was.get(name, "")):
            continue
        if was is not None and not _same(stands, was.get(name, "")):
            raise Conflict(
                f"Somebody else changed {column.key} to “{stands}” meanwhile. Nothing was saved: look, and save again."
            )
        if not _same(text, stands):
            new[column] = _read(column, text)
    return _write(db, project, account_id, client_id, level, thing_id, new, now["orig_id"]) if new else None


def _write(
    db: Db,
    project: Labelled,
    account_id: int | None,
    client_id: UUID,
    level: str,
    thing_id: int,
    new: dict[EditColumn, str | None],
    name: str,
) -> int:
    """As a table of new values with one row, which every edit of columns understands."""
    names = [column.name for column in new]
    table = db.execute(
        """
        insert into edit_table (project_id, account_id, name, level, columns, n_rows)
        values (%s, %s, 'by hand', %s, %s, 1)
        returning id
        """,
        [project.id, account_id, level, names],
    ).fetchone()
    db.execute(
        "insert into edit_row (table_id, thing_id, line, cells) values (%s, %s, 1, %s)",
        [table.id, thing_id, list(new.values())],
    )
    wish = ValuesWish(level, "table", table_id=table.id, empty_erases=True)
    act_id = edit_values(db, project, account_id, client_id, wish).act_id
    words = f"{', '.join(names)} of the {level} {parent_name(name)}, by hand"
    db.execute("update act set detail = detail || %s where id = %s", [Jsonb({"words": words}), act_id])
    return act_id


def _values(db: Db, project_id: int, level: str, thing_id: int, lock: bool = False) -> dict[str, Any]:
    """The thing's row."""
    query = sql.SQL("select * from {} where project_id = %s and {} = %s{}").format(
        sql.Identifier(level), sql.Identifier(KEYS[level]), sql.SQL(" for no key update" if lock else "")
    )
    row = db.execute(query, [project_id, thing_id]).fetchone() if 0 < thing_id < LARGEST_ID else None
    if row is None:
        raise NotFound(f"This project has no such {level}. It may have been removed.")
    found: dict[str, Any] = row._asdict()
    return found


def _value(values: dict[str, Any], column: EditColumn) -> str:
    value = values["fields"].get(column.name) if column.is_free else values[column.name]
    return "" if value is None else f"{value:.15g}" if isinstance(value, float) else str(value)


def _same(text: str, other: str) -> bool:
    return text.strip() == other.strip()


def _read(column: EditColumn, text: str) -> str | None:
    try:
        return column.read(text)
    except BadValue as bad:
        raise Refused(f"{bad} Nothing was saved.", status=422) from None


def changes(db: Db, project_id: int, thing_ids: list[int], levels: list[str]) -> list[Changed]:
    """The latest changes of columns of these things; those of an undo are not told apart from what they took back."""
    rows = db.execute(
        """
        select act.id as act_id, act.at, account.name as by, act.detail -> 'wish' ->> 'level' as level,
               act.detail -> 'columns' ->> place as column, old_value, new_value, act.reversed_by is not null as undone
          from field_change
          join act on act.id = field_change.act_id
          left join account on account.id = act.account_id
         where parent_id = any(%s)
           and field_change.project_id = %s
           and act.kind = 'edit'
           and act.detail -> 'wish' ->> 'level' = any(%s)
         order by act.id desc, place
         limit %s
        """,
        [thing_ids, project_id, levels, MOST_CHANGES],
    )
    return [Changed(*row) for row in rows]


def told(db: Db, act_id: int | None) -> acts.Asked | None:
    return acts.told(db, act_id) if act_id is not None else None
