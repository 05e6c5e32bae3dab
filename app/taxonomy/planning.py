"""Compares a list of taxa with what is known here, before anything is changed: what is new, renamed, moved, deprecated.

A taxon of a list is known by its identifier where the list is a portable one, else by EcoTaxa's number, by its AphiaID,
or by its name under the same parent.
"""

from dataclasses import dataclass, field
from typing import Any

from psycopg.types.json import Jsonb

from app.database import Db

MOST_TOLD = 100
DEEPEST = 100


@dataclass(frozen=True)
class Report:
    """What a list would change, or has changed; the first of each kind by name. `faults`: line and what is wrong."""

    n_rows: int = 0
    n_new: int = 0
    n_renamed: int = 0
    n_moved: int = 0
    n_deprecated: int = 0
    n_same: int = 0
    n_names: int = 0
    n_presets: int = 0
    n_faults: int = 0
    new: list[str] = field(default_factory=list)
    renamed: list[str] = field(default_factory=list)
    moved: list[str] = field(default_factory=list)
    deprecated: list[str] = field(default_factory=list)
    faults: list[list[Any]] = field(default_factory=list)


def plan(db: Db, import_id: int) -> Report:
    """Match, find what is wrong, and say what would change. Reads the taxonomy, and changes only the waiting room."""
    values = {"import": import_id}
    with db.transaction():
        db.execute(
            """
            update taxon_staged
            set taxon_id = null, parent_id = null, depth = null, is_new = false
            where import_id = %(import)s
            """,
            values,
        )
        _find_twice(db, values)
        _match_numbers(db, values)
        _place(db, values)
        _fault_unplaced(db, values)
        _fault_loops(db, values)
        report = _report(db, values)
        db.execute("update taxon_import set report = %s where id = %s", [Jsonb(report.__dict__), import_id])
    return report


def _find_twice(db: Db, values: dict[str, int]) -> None:
    db.execute(
        """
        update taxon_staged
        set fault = 'the list names it twice, first in line ' || first.line
        from (
            select key, min(number) as number, min(line) as line
            from taxon_staged
            where import_id = %(import)s
            group by key
            having count(*) > 1
        ) as first
        where import_id = %(import)s
          and taxon_staged.key = first.key
          and taxon_staged.number > first.number
          and fault is null
        """,
        values,
    )


# The strongest first; a number that the list, or the taxonomy, gives to several says nothing.
_MATCHES = (
    """
    select staged.number, taxon.id
    from taxon_staged as staged
    join taxon on taxon.uid = staged.uid
    where import_id = %(import)s
    """,
    """
    select staged.number, taxon.id
    from taxon_staged as staged
    join taxon on taxon.ecotaxa_id = staged.ecotaxa_id
    where import_id = %(import)s
    """,
    """
    select min(staged.number) as number, min(taxon.id) as id
    from taxon_staged as staged
    join taxon on taxon.aphia_id = staged.aphia_id
    where import_id = %(import)s
    group by staged.aphia_id
    having count(*) = 1
    """,
)


def _match_numbers(db: Db, values: dict[str, int]) -> None:
    for match in _MATCHES:
        _take(db, values, match)


def _take(db: Db, values: dict[str, int], match: str) -> int:
    """Let rows mean the taxa found for them, each taxon once; returns how many."""
    return db.execute(
        f"""
        update taxon_staged
        set taxon_id = found.id
        from (
            select distinct on (id) number, id
            from ({match}) as found
            order by id, number
        ) as found
        where import_id = %(import)s
          and taxon_staged.number = found.number
          and taxon_id is null
          and fault is null
          and not exists (select from taxon_staged as other
                          where other.import_id = %(import)s and other.taxon_id = found.id)
        """,  # noqa: S608 - constants
        values,
    ).rowcount


def _place(db: Db, values: dict[str, int]) -> None:
    """Level by level from the roots: each row finds its parent, and by its name the taxon that it means, or is new.

    A parent that is not in the list is looked for among our taxa: by EcoTaxa's number or AphiaID where these are the
    list's keys, else by a name that only one has.
    """
    level = db.execute(_ROOTS, values).rowcount
    _take(db, values, _ONLY_NAME)
    depth = 0
    while level and depth < DEEPEST:
        at = values | {"depth": depth}
        _take(db, at, _SAME_NAME)
        db.execute(
            """
            update taxon_staged
            set taxon_id = nextval(pg_get_serial_sequence('taxon', 'id')),
                is_new = true
            where import_id = %(import)s
              and depth = %(depth)s
              and taxon_id is null
              and not is_synonym
            """,
            at,
        )
        depth += 1
        level = db.execute(_BELOW, values | {"depth": depth}).rowcount


_ROOTS = """
    with parent as (
        select staged.number, case when count(distinct taxon.id) = 1 then min(taxon.id) end as id
        from taxon_staged as staged
        join taxon_import on taxon_import.id = staged.import_id
        left join taxon on case
            when taxon_import.kind = 'ecotaxa' then taxon.ecotaxa_id::text = staged.parent_key
            when taxon_import.kind = 'shoal' then taxon.uid::text = staged.parent_key
            when taxon_import.kind = 'darwin_core'
                then taxon.aphia_id::text = substring(staged.parent_key from '(\\d+)$')
            else folded_name(taxon.name) = folded_name(staged.parent_key)
                 or lower(taxon.display_name) = staged.parent_key
        end
        where staged.import_id = %(import)s
          and staged.parent_key is not null
          and not exists (select from taxon_staged as above
                          where above.import_id = %(import)s and above.key = staged.parent_key)
        group by staged.number
    )
    update taxon_staged
    set parent_id = parent.id,
        depth = 0
    from (
        select number, null::int as id
        from taxon_staged
        where import_id = %(import)s
          and parent_key is null
        union all
        select number, id
        from parent
        where id is not null
    ) as parent
    where import_id = %(import)s
      and taxon_staged.number = parent.number
      and fault is null
"""
_BELOW = """
    update taxon_staged
    set parent_id = above.taxon_id,
        depth = %(depth)s
    from taxon_staged as above
    where taxon_staged.import_id = %(import)s
      and above.import_id = %(import)s
      and above.key = taxon_staged.parent_key
      and above.depth = %(depth)s - 1
      and above.taxon_id is not null
      and above.fault is null
      and taxon_staged.fault is null
      and taxon_staged.depth is null
"""
# Of a list that tells no place for it: the only one of that name.
_ONLY_NAME = """
    select staged.number, min(taxon.id) as id
    from taxon_staged as staged
    join taxon_import on taxon_import.id = staged.import_id and taxon_import.kind in ('csv', 'darwin_core')
    join taxon on lower(taxon.name) = lower(staged.name)
    where staged.import_id = %(import)s
      and staged.parent_key is null
      and staged.taxon_id is null
      and not staged.is_synonym
    group by staged.number
    having count(*) = 1
"""
_SAME_NAME = """
    select staged.number, taxon.id
    from taxon_staged as staged
    join taxon on lower(taxon.name) = lower(staged.name)
              and taxon.parent_id is not distinct from staged.parent_id
    where import_id = %(import)s
      and staged.depth = %(depth)s
      and staged.taxon_id is null
      and not staged.is_synonym
"""


def _fault_unplaced(db: Db, values: dict[str, int]) -> None:
    """What was not reached from any root: its parent is unknown or faulty, or it stands under itself."""
    db.execute(
        """
        with recursive astray as (
            select number, key, parent_key
            from taxon_staged
            where import_id = %(import)s
              and depth is null
              and fault is null
              and not is_synonym
        ),
        above as (
            select number, parent_key, key as start, false as is_loop
            from astray
            union
            select above.number, astray.parent_key, above.start, astray.key = above.start
            from above
            join astray on astray.key = above.parent_key
            where not above.is_loop
        )
        update taxon_staged
        set fault = case
                when exists (select from above where above.number = taxon_staged.number and above.is_loop)
                    then 'it stands under itself, by way of its parent “' || left(parent_key, 80) || '”'
                else 'its parent “' || left(parent_key, 80) || '” is neither in the list nor known here, or is faulty'
            end
        where import_id = %(import)s
          and number in (select number from astray)
        """,
        values,
    )
    db.execute(
        """
        update taxon_staged
        set fault = 'the accepted taxon “' || left(instead_key, 80) || '” is not in the list, or is faulty'
        where import_id = %(import)s
          and is_synonym
          and fault is null
          and not exists (select from taxon_staged as accepted
                          where accepted.import_id = %(import)s
                            and accepted.key = taxon_staged.instead_key
                            and accepted.fault is null
                            and not accepted.is_synonym)
        """,
        values,
    )


def _fault_loops(db: Db, values: dict[str, int]) -> None:
    """What would come to stand under itself, by way of taxa that are here and not in the list."""
    db.execute(
        f"""
        with recursive moved as (
            select number, taxon_id, parent_id
            from ({CHANGES}) as change
            where is_moved
        ),
        above as (
            select number, taxon_id as start, parent_id as id
            from moved
            union
            select above.number, above.start, coalesce(moved.parent_id, taxon.parent_id)
            from above
            join taxon on taxon.id = above.id
            left join moved on moved.taxon_id = taxon.id
            where above.id <> above.start
        )
        update taxon_staged
        set fault = 'it would stand under itself: what the list puts it under stands below it here'
        where import_id = %(import)s
          and number in (select number from above where id = start)
        """,  # noqa: S608 - constants
        values,
    )


# What becomes of each row without fault; `staged.status` N never takes back that somebody kept a class.
CHANGES = """
    select staged.*, taxon.name as old_name, taxon.display_name, taxon.parent_id as old_parent_id,
           not is_new and not is_synonym and taxon.name <> staged.name as is_renamed,
           not is_new and not is_synonym and taxon.parent_id is distinct from staged.parent_id
               and (staged.parent_key is not null or taxon_import.kind in ('ecotaxa', 'shoal')) as is_moved,
           taxon.status <> 'D' and (staged.status = 'D' or is_synonym) as is_deprecated
    from taxon_staged as staged
    join taxon_import on taxon_import.id = staged.import_id
    left join taxon on taxon.id = staged.taxon_id
    where staged.import_id = %(import)s
      and staged.fault is null
"""


def _report(db: Db, values: dict[str, int]) -> Report:
    kinds = {"new": "is_new", "renamed": "is_renamed", "moved": "is_moved", "deprecated": "is_deprecated"}
    counts: Any = db.execute(
        f"""
        select count(*) filter (where is_new) as n_new, count(*) filter (where is_renamed) as n_renamed,
               count(*) filter (where is_moved) as n_moved, count(*) filter (where is_deprecated) as n_deprecated,
               count(*) filter (where taxon_id is not null and not is_new and not is_renamed and not is_moved
                                  and not is_deprecated) as n_same,
               count(*) filter (where is_synonym)
                   + (select count(*) from taxon_staged_name where import_id = %(import)s) as n_names,
               (select count(*) from taxon_staged_preset where import_id = %(import)s) as n_presets,
               (select count(*) from taxon_staged where import_id = %(import)s) as n_rows,
               (select count(*) from taxon_staged where import_id = %(import)s and fault is not null) as n_faults
        from ({CHANGES}) as change
        """,  # noqa: S608 - constants
        values,
    ).fetchone()
    told = {name: _examples(db, values, condition) for name, condition in kinds.items()}
    faults = db.execute(
        """
        select line, case when name = '' then fault else name || ': ' || fault end as fault
        from taxon_staged
        where import_id = %(import)s
          and fault is not null
        order by number
        limit %(most)s
        """,
        values | {"most": MOST_TOLD},
    )
    return Report(**counts._asdict(), **told, faults=[list(row) for row in faults])


def _examples(db: Db, values: dict[str, int], condition: str) -> list[str]:
    rows = db.execute(
        f"""
        select case when is_new then change.name || coalesce(' under ' || parent.name, '')
                    when is_renamed and not is_moved then old_name || ' becomes ' || change.name
                    when is_moved then old_name || ' goes under ' || coalesce(parent.name, 'the root')
                    else coalesce(display_name, change.name) end as told
        from ({CHANGES}) as change
        left join (
            select id, name from taxon
            union all
            select taxon_id, name from taxon_staged where import_id = %(import)s and is_new
        ) as parent on parent.id = change.parent_id
        where {condition}
        order by change.number
        limit %(most)s
        """,  # noqa: S608 - constants
        values | {"most": MOST_TOLD},
    )
    return [row.told for row in rows]
