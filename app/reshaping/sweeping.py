"""Takes away again what a merge brought: the copies, and with them whatever came along and has come to hold nothing."""

from typing import Any

from app.database import Db
from app.reshaping import counting, erasing
from app.reshaping.asked import Reshaping

# In which of the tables, and whether anything of a project and its bin has a value there.
OF_LEVEL = {"sample": "sample", "acquisition": "acquisition", "process": "process"}
FILLED = {"number": "numbers[{place}] <> 'NaN'", "text": "texts[{place}] is not null"}


def drop_piece(db: Db, project_id: int) -> None:
    """The copies in `piece`, out of the counts and indexes of the project that they came to, and erased."""
    counting.hold(db, project_id)
    counting.count_piece(db, project_id, -1)
    db.execute(
        """
        insert into vector_removed (embedder_id, project_id, object_id)
        select embedder_id, project_id, object_vector.object_id
          from piece
          join object_vector on object_vector.embedder_id in (select id from embedder)
                            and object_vector.project_id = %s
                            and object_vector.object_id = piece.object_id
        """,
        [project_id],
    )
    erasing.erase_piece(db, project_id)


def sweep(db: Db, merge: Reshaping, project_id: int) -> None:
    """Samples, columns, predictions' run and acts that came, where nothing of the project or its bin is of them."""
    bins = [row.id for row in db.execute("select id from project where bin_of = %s", [project_id])]
    keys = {"merge": merge.id, "homes": [project_id, *bins], "first": merge.choices.get("first_parent")}
    for table in ("acquisition", "sample"):
        db.execute(
            f"""
            delete from {table}
             where id in (select new_id
                            from reshaped_number
                           where reshaping_id = %(merge)s
                             and kind = '{table}'
                             and new_id > %(first)s)
               and not exists (select from object where {table}_id = {table}.id)
            """,  # noqa: S608 - constants
            keys,
        )
    _sweep_columns(db, keys | {"fields": merge.choices.get("fields", [])})
    db.execute(
        """
        delete from run
         where id = %(run)s
           and not exists (select from prediction where project_id = any(%(homes)s) and run_id = run.id)
        """,
        keys | {"run": merge.choices.get("own_run_id")},
    )
    _sweep_acts(db, keys)
    db.execute("delete from reshaped_number where reshaping_id = %s", [merge.id])


def _sweep_columns(db: Db, keys: dict[str, Any]) -> None:
    """All columns of the objects are looked for in one reading."""
    rows = db.execute("select id, level, name, type, position from field where id = any(%(fields)s)", keys).fetchall()
    filled: set[int] = set()
    for level in {row.level for row in rows}:
        here = [row for row in rows if row.level == level]
        table = "object_field" if level == "object" else OF_LEVEL[level]
        tests = [
            FILLED[row.type].format(place=row.position) if level == "object" else f"fields ? %(name{row.id})s"
            for row in here
        ]
        asked = ", ".join(f"bool_or({test}) as is_filled_{row.id}" for row, test in zip(here, tests, strict=True))
        found: Any = db.execute(
            f"select {asked} from {table} where project_id = any(%(homes)s)",  # noqa: S608 - made of column numbers
            keys | {f"name{row.id}": row.name for row in here},
        ).fetchone()
        filled |= {row.id for row, is_filled in zip(here, found, strict=True) if is_filled}
    db.execute("delete from field where id = any(%s)", [[row.id for row in rows if row.id not in filled]])


def _sweep_acts(db: Db, keys: dict[str, Any]) -> None:
    """Those that are left say how many objects they are of now."""
    db.execute(
        """
        create temp table left_act on commit drop as
        select numbered.new_id as act_id,
               (select count(*) from history where project_id = any(%(homes)s) and act_id = numbered.new_id)
               + (select count(*) from refusal where project_id = any(%(homes)s) and act_id = numbered.new_id) as n
          from reshaped_number as numbered
         where reshaping_id = %(merge)s
           and kind = 'act'
        """,
        keys,
    )
    for column in ("reverses", "reversed_by"):
        db.execute(
            f"update act set {column} = null from left_act where act.{column} = left_act.act_id and n = 0"  # noqa: S608 - constants
        )
    db.execute("delete from act using left_act where act.id = left_act.act_id and n = 0")
    db.execute("update act set n_objects = n from left_act where act.id = left_act.act_id and n > 0 and n_objects <> n")
