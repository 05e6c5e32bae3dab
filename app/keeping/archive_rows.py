"""An archive's rows on their way into the tables: as they were in temporary tables, then under their new numbers."""

import gzip
from pathlib import Path

from psycopg import sql
from psycopg.types.json import Jsonb

from app.database import Db
from app.errors import Refused
from app.keeping.archive import columns_of
from app.keeping.archive_inside import address, renumbered
from app.keeping.archive_numbers import Numbers
from app.keeping.archive_tables import NUMBERED, Table

LOOKED_UP = ("taxon", "account", "embedder")
PIECE = 1024 * 1024
ROWS = 5000


def read_rows(db: Db, table: Table, columns: list[str], file: Path) -> None:
    """Fill the table archived_NAME with what the archive holds of a table; empty where that is newer than it."""
    unknown = sorted(set(columns) - set(columns_of(db, table)))
    if unknown:
        raise Refused(
            f"This archive was made by an older Shoal, whose table {table.name} had the column {unknown[0]}: restore "
            "it with that one, upgrade, and archive it again."
        )
    name, of = sql.Identifier(f"archived_{table.name}"), sql.Identifier(table.name)
    # Without its checks, and before it is known which numbers are to stand in it.
    db.execute(sql.SQL("create temp table {} on commit drop as select * from {} limit 0").format(name, of))
    if not columns:
        return
    listed = sql.SQL(", ").join(map(sql.Identifier, columns))
    with (
        gzip.open(file) as lines,
        db.cursor().copy(sql.SQL("copy {} ({}) from stdin").format(name, listed)) as copy,
    ):
        while piece := lines.read(PIECE):
            copy.write(piece)
    missing = sorted(set(columns_of(db, table)) - set(columns))
    for column in missing:
        # What later migrations added has the value that it has for new rows.
        db.execute(sql.SQL("alter table {} drop column {}").format(name, sql.Identifier(column)))


def add_rows(db: Db, table: Table, numbers: Numbers) -> None:
    """Write a table's rows from its temporary table, each number the one of this Shoal."""
    there = {
        row.name
        for row in db.execute(
            "select attname as name from pg_attribute"
            " where attrelid = %s::regclass and attnum > 0 and not attisdropped",
            [f"pg_temp.archived_{table.name}"],
        )
    }
    columns = [name for name in columns_of(db, table) if name in there and name not in table.later]
    for name in columns:
        if table.kind(name) in ("json", "address"):
            _renumber_inside(db, table, name, numbers)
    joins: list[sql.Composable] = []
    values = [_value(name, table.kind(name), numbers, joins) for name in columns]
    db.execute(
        sql.SQL(
            "insert into {} ({}) overriding system value select {} from {} as s {} {} on conflict do nothing"
        ).format(
            sql.Identifier(table.name),
            sql.SQL(", ").join(map(sql.Identifier, columns)),
            sql.SQL(", ").join(values),
            sql.Identifier(f"archived_{table.name}"),
            sql.SQL(" ").join(joins),
            sql.SQL("order by s.id" if "id" in columns else ""),
        )
    )


def make_maps(db: Db, numbers: Numbers) -> None:
    """What is looked up, as tables to join."""
    for kind in LOOKED_UP:
        known: dict[int, int] = getattr(numbers, kind)
        name = sql.Identifier(f"new_{kind}")
        db.execute(sql.SQL("create temp table {} (old int primary key, new int not null) on commit drop").format(name))
        db.execute(
            sql.SQL("insert into {} select * from unnest(%s::int[], %s::int[])").format(name),
            [list(known), list(known.values())],
        )
        db.execute(sql.SQL("analyze {}").format(name))


def _value(column: str, kind: str, numbers: Numbers, joins: list[sql.Composable]) -> sql.Composable:
    """The expression that gives a column's value here."""
    own = sql.SQL("s.{}").format(sql.Identifier(column))
    if kind.endswith("[]"):
        return _array(own, kind.removesuffix("[]"), numbers)
    if kind in LOOKED_UP:
        alias = sql.Identifier(f"m{len(joins)}")
        joins.append(
            sql.SQL("left join {} as {} on {}.old = {}").format(sql.Identifier(f"new_{kind}"), alias, alias, own)
        )
        return sql.SQL("{}.new").format(alias)
    if kind == "project":
        return sql.SQL("case when {} is not null then {} end").format(own, sql.Literal(numbers.new_project))
    if kind == "audited":
        return sql.SQL("s.source_id + case s.source when 'batch' then {} when 'pile' then {} else 0 end").format(
            sql.Literal(numbers.shift("batch")), sql.Literal(numbers.shift("pile"))
        )
    if kind == "next_tx":
        return sql.SQL("(pg_current_xact_id()::text::bigint + 1)::text::xid8")
    return _shifted(own, kind, numbers)


def _shifted(value: sql.Composable, kind: str, numbers: Numbers) -> sql.Composable:
    """0 stands for none."""
    if kind not in NUMBERED:
        return value
    return sql.SQL("case when {} = 0 then 0 else {} + {} end").format(value, value, sql.Literal(numbers.shift(kind)))


def _array(own: sql.Composable, kind: str, numbers: Numbers) -> sql.Composable:
    """Each element anew, in its place."""
    if kind == "project":
        element: sql.Composable = sql.SQL("case when n = 0 then 0 else {} end").format(sql.Literal(numbers.new_project))
    elif kind in LOOKED_UP:
        element = sql.SQL("coalesce((select new from {} where old = n), 0)").format(sql.Identifier(f"new_{kind}"))
    else:
        element = _shifted(sql.SQL("n"), kind, numbers)
    return sql.SQL(
        "case when {} is not null"
        " then array(select {} from unnest({}) with ordinality as one (n, place) order by place) end"
    ).format(own, element, own)


def _renumber_inside(db: Db, table: Table, column: str, numbers: Numbers) -> None:
    """JSON and addresses, in pieces."""
    name, of = sql.Identifier(f"archived_{table.name}"), sql.Identifier(column)
    is_json = table.kind(column) == "json"
    with db.cursor(name="inside") as cursor:
        cursor.execute(
            sql.SQL("select ctid::text as place, {} as said from {} where {}::text not in ('', '{{}}', '[]')").format(
                of, name, of
            )
        )
        found = cursor.fetchall()
    for start in range(0, len(found), ROWS):
        rows = found[start : start + ROWS]
        new = [Jsonb(renumbered(row.said, numbers.new)) if is_json else address(row.said, numbers.new) for row in rows]
        db.execute(
            sql.SQL(
                "update {} set {} = given.said from unnest(%s::text[], %s::{}[]) as given (place, said)"
                " where ctid = given.place::tid"
            ).format(name, of, sql.SQL("jsonb" if is_json else "text")),
            [[row.place for row in rows], new],
        )
