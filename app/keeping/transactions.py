"""Numbers of transactions, which mean nothing in another database: what they order is kept when one is restored.

Columns `tx` say with which transaction a row came, and other columns of their type say up to which one something was
looked at (a horizon). In the new database each horizon becomes a transaction of its own, in their order, and each row's
`tx` the one of the last horizon before it. So what was looked at stays looked at, and all of it is of the past.
"""

from typing import NamedTuple

from app.database import Db


class Column(NamedTuple):
    table: str
    name: str


def _columns(db: Db) -> list[Column]:
    rows = db.execute(
        """
        select pg_class.relname as "table", attname as name
        from pg_attribute
        join pg_class on pg_class.oid = attrelid
        where atttypid = 'xid8'::regtype
          and relnamespace = 'public'::regnamespace
          and relkind in ('r', 'p')
          and not relispartition
          and not attisdropped
        order by 1, 2
        """
    )
    return [Column(row.table, row.name) for row in rows]


def horizons(db: Db) -> list[str]:
    """Every transaction that something remembers as the first that it has not looked at."""
    remembered = [column for column in _columns(db) if column.name != "tx"]
    if not remembered:
        return []
    asked = " union ".join(f"select {column.name} as at from {column.table}" for column in remembered)  # noqa: S608
    return [str(row.at) for row in db.execute(f"select at::text from ({asked}) as known order by known.at")]  # noqa: S608


def fresh(db: Db, n: int) -> list[str]:
    """So many new transactions' numbers, ascending, each over when this returns. The connection commits by itself."""
    return [str(db.execute("select pg_current_xact_id()::text as id").fetchone().id) for _ in range(n)]


def begin_sql(known: list[str], numbers: list[str]) -> str:
    """Between the making of tables and their filling: rows get their new numbers on their way in.

    `known`: the horizons, ascending; `numbers`: one more than these.
    """
    return f"""
create function public.shoal_renumber() returns trigger language plpgsql as $$
begin
    new.tx := ({_array(numbers)})[width_bucket(new.tx, {_array(known)}) + 1];
    return new;
end
$$;
{
        _for_each(
            "= 'tx'",
            "create trigger shoal_renumber before insert on public.%I for each row execute function "
            "public.shoal_renumber()",
            "rel.relname",
        )
    }
"""


def end_sql(known: list[str], numbers: list[str]) -> str:
    """After the filling: the horizons themselves."""
    update = f"update public.%1$I set %2$I = ({_array(numbers)})[width_bucket(%2$I, {_array(known)}) + 1]"  # noqa: S608 - numbers
    renumbered = _for_each("<> 'tx'", update.replace("'", "''"), "rel.relname, att.attname")
    return f"{renumbered}\ndrop function public.shoal_renumber() cascade;\n"


def _array(numbers: list[str]) -> str:
    return f"'{{{','.join(str(int(number)) for number in numbers)}}}'::xid8[]"


def _for_each(which: str, statement: str, values: str) -> str:
    return f"""
do $do$
declare
    statement text;
begin
    for statement in
        select format('{statement}', {values})
        from pg_attribute as att
        join pg_class as rel on rel.oid = att.attrelid
        where att.atttypid = 'xid8'::regtype
          and rel.relnamespace = 'public'::regnamespace
          and rel.relkind in ('r', 'p')
          and not rel.relispartition
          and not att.attisdropped
          and att.attname {which}
    loop
        execute statement;
    end loop;
end
$do$;
"""  # noqa: S608 - constants
