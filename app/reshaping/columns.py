"""The free columns of a project, in another one: named there where they are not, and where its own stand."""

from dataclasses import dataclass
from typing import Any

from app.database import Db
from app.errors import Conflict

KINDS = {"number": ("object_field.numbers", "'NaN'", "float8[]"), "text": ("object_field.texts", "null", "text[]")}


@dataclass(frozen=True)
class Columns:
    """SQL expressions for the two arrays of an object that comes, in the order of the target's columns."""

    numbers: str
    texts: str


AS_THEY_ARE = Columns(KINDS["number"][0], KINDS["text"][0])


def copy_columns(db: Db, source_id: int, target_id: int) -> None:
    """The same columns at the same places, for a project that has none."""
    db.execute(
        """
        insert into field (project_id, level, name, type, position)
        select %s, level, name, type, position
          from field
         where project_id = %s
            on conflict do nothing
        """,
        [target_id, source_id],
    )


def numbers(db: Db, project_id: int) -> set[int]:
    """By which the project's columns are known."""
    return {row.id for row in db.execute("select id from field where project_id = %s", [project_id])}


def clashes(db: Db, source_id: int, target_id: int) -> list[Any]:
    """Columns of one name and other types: level, name, type here and type there."""
    return db.execute(
        """
        select source.level, source.name, source.type, target.type as target_type
          from field as source
          join field as target on target.project_id = %s
                              and target.level = source.level
                              and target.name = source.name
         where source.project_id = %s
           and source.type <> target.type
         order by source.level, source.name
        """,
        [target_id, source_id],
    ).fetchall()


def join_columns(db: Db, source_id: int, target_id: int, rename: bool) -> Columns:
    """Name the source's columns in the target, after its own, where they are not there; `rename`: those of one name
    and another type come as name_number or name_text, else Conflict."""
    names = _new_names(db, source_id, target_id, rename)
    _add(db, target_id, list(names.values()))
    places = {
        (row.level, row.name, row.type): row.position
        for row in db.execute("select level, name, type, position from field where project_id = %s", [target_id])
    }
    own = db.execute(
        "select level, name, type, position from field where project_id = %s and level = 'object'", [source_id]
    ).fetchall()
    taken = next((name for name in names.values() if name not in places), None)
    if taken:
        raise Conflict(f"The project has another column {taken[0]}.{taken[1]} already: rename one of the two before.")
    moved = {(row.type, places[names[row.level, row.name]]): row.position for row in own}
    return Columns(*(_array(kind, moved) for kind in KINDS))


def _new_names(db: Db, source_id: int, target_id: int, rename: bool) -> dict[tuple[str, str], tuple[str, str, str]]:
    """Level, name and type there of each column here, by level and name."""
    wrong = clashes(db, source_id, target_id)
    if wrong and not rename:
        one = wrong[0]
        raise Conflict(
            f"The column {one.level}.{one.name} is {one.type} here and {one.target_type} there: let it come under"
            " another name, or rename it before."
        )
    others = {(row.level, row.name) for row in wrong}
    rows = db.execute(
        "select level, name, type from field where project_id = %s order by level, type, position", [source_id]
    )
    return {
        (row.level, row.name): (
            row.level, f"{row.name}_{row.type}" if (row.level, row.name) in others else row.name, row.type
        )
        for row in rows
    }  # fmt: skip


def _add(db: Db, target_id: int, wanted: list[tuple[str, str, str]]) -> None:
    levels, names, types = zip(*wanted, strict=True) if wanted else ((), (), ())
    db.execute(
        """
        insert into field (project_id, level, name, type, position)
        select %(target)s, wanted.level, wanted.name, wanted.type,
               coalesce(last.position, 0) + row_number() over (partition by wanted.level, wanted.type order by number)
          from unnest(%(levels)s::text[], %(names)s::text[], %(types)s::text[]) with ordinality
               as wanted (level, name, type, number)
          left join (select level, type, max(position) as position
                       from field
                      where project_id = %(target)s
                      group by level, type) as last using (level, type)
         where not exists (select
                             from field
                            where project_id = %(target)s
                              and field.level = wanted.level
                              and field.name = wanted.name)
        """,
        {"target": target_id, "levels": list(levels), "names": list(names), "types": list(types)},
    )


def _array(kind: str, moved: dict[tuple[str, int], int]) -> str:
    """`moved`: by kind and place there, the place here."""
    column, missing, cast = KINDS[kind]
    places = {there: here for (of, there), here in moved.items() if of == kind}
    if all(there == here for there, here in places.items()):
        return column
    items = [f"{column}[{places[k]}]" if k in places else missing for k in range(1, max(places) + 1)]
    # A row from before the column was made has no value there.
    items = [f"coalesce({item}, 'NaN')" if kind == "number" and item != missing else item for item in items]
    return f"array[{', '.join(items)}]::{cast}"
