"""Writes new values of one column, and keeps the former ones under the act.

One statement a piece: it holds the rows in the order of their ids, leaves those that have the value already, and notes
of each other what stood there and what stands there now. Values travel as texts, as PostgreSQL writes them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import sql

from app.database import Db
from app.edits.columns import OF_SUN, EditColumn
from app.exchange.sun import sun_position
from app.labels.changes import array

PIECE = 10_000  # things a transaction
MOST_EXAMPLES = 20


@dataclass(frozen=True)
class Values:
    """New values of a column by id, ascending; None erases."""

    column: EditColumn
    place: int
    ids: Sequence[int]
    values: Sequence[str | None]


@dataclass(frozen=True)
class Difference:
    """What would change of one thing."""

    id: int
    column: str
    old: str | None
    new: str | None


def hold(db: Db, project_id: int) -> None:
    """Edits of one project's columns take turns, for the rest of the transaction."""
    db.execute("select pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"edit {project_id}"])


def write(db: Db, project_id: int, act_id: int, given: Values) -> list[int]:
    """The ids that have a new value now."""
    column = given.column
    if column.level == "object" and column.is_free:
        _make_rows(db, project_id, given.ids)
    query = _WRITE.format(given=_GIVEN, thing=thing_id(column.level), **parts_of(column))
    return [row.id for row in db.execute(query, _parameters(project_id, act_id, given))]


def compare(db: Db, project_id: int, given: Values) -> tuple[int, list[Difference]]:
    """How many would change, and the first of them; nothing is written."""
    query = sql.SQL(
        """
        with given as ({given}),
        differing as (
            select given.id, {old} as old, {new} as new
              from given
              left join {table} as t on t.project_id = %(project_id)s and t.{key} = given.id
                                    and t.{key} = any(%(ids)s::bigint[])
             where {old} is distinct from {new}
        )
        select id, old, new, count(*) over () as n
          from differing
         order by id
         limit %(most)s
        """
    ).format(given=_GIVEN, **parts_of(given.column))
    rows = db.execute(query, _parameters(project_id, 0, given) | {"most": MOST_EXAMPLES}).fetchall()
    told = [Difference(row.id, given.column.key, row.old, row.new) for row in rows]
    return (rows[0].n if rows else 0), told


def thing_id(level: str) -> sql.Identifier:
    """The column of field_change that names the things of a level."""
    return sql.Identifier("object_id" if level == "object" else "parent_id")


def _parameters(project_id: int, act_id: int, given: Values) -> dict[str, Any]:
    return {
        "project_id": project_id, "act_id": act_id, "place": given.place, "ids": array(given.ids),
        "values": list(given.values),
    }  # fmt: skip


_GIVEN = sql.SQL("select id, value from unnest(%(ids)s::bigint[], %(values)s::text[]) as given (id, value)")
_WRITE = sql.SQL(
    """
    with given as ({given}),
    held as materialized (
        select t.*
          from {table} as t
         where project_id = %(project_id)s
           and {key} = any(%(ids)s::bigint[])
         order by {key}
           for no key update
    ),
    changed as materialized (
        select given.id, {old} as old, {new} as new
          from held as t
          join given on given.id = t.{key}
         where {old} is distinct from {new}
    ),
    written as (
        update {table} as t
           set {assigned}
          from changed
         where t.project_id = %(project_id)s
           and t.{key} = changed.id
    ),
    logged as (
        insert into field_change (project_id, act_id, place, {thing}, old_value, new_value)
        select %(project_id)s, %(act_id)s, %(place)s, id, old, new
          from changed
         order by id
    )
    select id
      from changed
     order by id
    """
)


def parts_of(column: EditColumn) -> dict[str, sql.Composable]:
    """Where a column stands: its table and key, its value as a text, the given value as that would be, and how it is
    written."""
    given, name = sql.SQL("given.value"), sql.Identifier(column.name)
    if not column.is_free:
        table, key = _table(column.level)
        kind = _TYPES[column.kind]
        if column.kind == "text":
            old: sql.Composable = sql.SQL("nullif(t.{}, '')").format(name)
            assigned = sql.SQL("{} = coalesce(changed.new, '')").format(name)
        else:
            old = sql.SQL("t.{}::text").format(name)
            assigned = sql.SQL("{} = changed.new::{}").format(name, kind)
        return {"table": table, "key": key, "old": old, "assigned": assigned,
                "new": sql.SQL("{}::{}::text").format(given, kind)}  # fmt: skip
    if column.level != "object":
        table, key = _table(column.level)
        literal = sql.Literal(column.name)
        return {"table": table, "key": key, "new": given,
                "old": sql.SQL("nullif(t.fields ->> {}, '')").format(literal),
                "assigned": sql.SQL(
                    "fields = case when changed.new is null then t.fields - {0}"
                    " else t.fields || jsonb_build_object({0}, changed.new) end"
                ).format(literal)}  # fmt: skip
    return _in_array(column)


_TYPES = {
    "number": sql.SQL("double precision"), "latitude": sql.SQL("double precision"),
    "longitude": sql.SQL("double precision"), "date": sql.SQL("date"), "time": sql.SQL("time"),
    "text": sql.SQL("text"),
}  # fmt: skip


def _table(level: str) -> tuple[sql.Composable, sql.Composable]:
    return sql.Identifier(level), sql.Identifier("acquisition_id" if level == "process" else "id")


def _in_array(column: EditColumn) -> dict[str, sql.Composable]:
    """One place of an object's array, which may be shorter than that; a missing number is NaN."""
    numeric = column.kind == "number"
    own, at = sql.Identifier("numbers" if numeric else "texts"), sql.Literal(column.position)
    none = sql.SQL("'NaN'::double precision" if numeric else "null::text")
    cast = sql.SQL("double precision" if numeric else "text")
    old = sql.SQL("nullif(t.{}[{}], 'NaN')::text" if numeric else "nullif(t.{}[{}], '')").format(own, at)
    assigned = sql.SQL(
        "{own} = t.{own}[:{at} - 1]"
        " || array_fill({none}, array[greatest({at} - 1 - cardinality(t.{own}), 0)])"
        " || coalesce(changed.new::{cast}, {none}) || t.{own}[{at} + 1:]"
    ).format(own=own, at=at, none=none, cast=cast)
    return {"table": sql.SQL("object_field"), "key": sql.SQL("object_id"), "old": old, "assigned": assigned,
            "new": sql.SQL("given.value::{}::text").format(cast)}  # fmt: skip


def _make_rows(db: Db, project_id: int, ids: Sequence[int]) -> None:
    """An object that came without free columns has no row for them."""
    db.execute(
        """
        insert into object_field (project_id, object_id)
        select %(project_id)s, id
          from object
         where project_id = %(project_id)s
           and id = any(%(ids)s::bigint[])
         order by id
            on conflict do nothing
        """,
        {"project_id": project_id, "ids": array(ids)},
    )


def follow_sun(db: Db, project_id: int, columns: Sequence[EditColumn], ids: Sequence[int]) -> None:
    """Day, dusk, night or dawn of objects whose place or time changed."""
    if not ids or not any(column.level == "object" and column.name in OF_SUN for column in columns):
        return
    rows = db.execute(
        """
        select id, latitude, longitude, date, time, sun_position
          from object
         where project_id = %s
           and id = any(%s::bigint[])
        """,
        [project_id, array(sorted(ids))],
    )
    new = {row.id: sun_position(row.latitude, row.longitude, row.date, row.time) for row in rows}
    db.execute(
        """
        update object
           set sun_position = given.sun
          from unnest(%s::bigint[], %s::text[]) as given (id, sun)
         where project_id = %s
           and object.id = given.id
           and sun_position <> given.sun
        """,
        [array(new), list(new.values()), project_id],
    )
