"""Compares a list of taxa with what is known here, before anything is changed: what is new, renamed, moved, deprecated.

A taxon of a list is known by its identifier where the list is a portable one, else by EcoTaxa's number, by its AphiaID,
or by its name under the same parent.
"""

from psycopg.types.json import Jsonb

from app.database import Db
from app.taxonomy.comparing import Report, report
from app.taxonomy.faults import CALLED, fault_instead, fault_loops, fault_numbers, fault_twice, fault_unplaced

DEEPEST = 100


def plan(db: Db, import_id: int) -> Report:
    """Match, find what is wrong, and say what would change. Reads the taxonomy, and changes only the waiting room."""
    values = {"import": import_id}
    with db.transaction():
        db.execute(
            """
            update taxon_staged
            set taxon_id = null, parent_id = null, depth = null, instead_id = null, root_id = null,
                is_new = false, is_removed = false
            where import_id = %(import)s
            """,
            values,
        )
        fault_twice(db, values)
        _match_numbers(db, values)
        fault_numbers(db, values)
        _note_removed(db, values)
        _note_roots(db, values)
        _place(db, values)
        fault_unplaced(db, values)
        _note_instead(db, values)
        fault_instead(db, values)
        fault_loops(db, values)
        told = report(db, values)
        db.execute("update taxon_import set report = %s where id = %s", [Jsonb(told.__dict__), import_id])
    return told


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
            select distinct on (found.id) found.number, found.id
            from (
                select distinct on (found.number) found.number, found.id
                from ({match}) as found
                join taxon on taxon.id = found.id
                order by found.number, taxon.status = 'D', found.id
            ) as found
            order by found.id, found.number
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


def _note_removed(db: Db, values: dict[str, int]) -> None:
    """What was taken away here is not brought back by the list that it had come by, or had gone into."""
    db.execute(
        """
        update taxon_staged
        set is_removed = true
        from taxon_removed
        where import_id = %(import)s
          and taxon_removed.uid = taxon_staged.uid
          and taxon_id is null
        """,
        values,
    )


def _note_roots(db: Db, values: dict[str, int]) -> None:
    """Classes that images brought before the list did, by names alone, where the list has one place for the name."""
    db.execute(
        """
        update taxon_staged
        set root_id = made.id
        from (
            select min(staged.number) as number, min(taxon.id) as id
            from taxon_staged as staged
            join taxon on lower(taxon.name) = lower(staged.name)
                      and taxon.parent_id is null
                      and taxon.status <> 'D'
                      and taxon.ecotaxa_id is null
                      and taxon.aphia_id is null
            where import_id = %(import)s
              and staged.fault is null
              and staged.status <> 'D'
              and not exists (select from taxon as child where child.parent_id = taxon.id)
            group by lower(staged.name)
            having count(*) = 1
        ) as made
        where import_id = %(import)s
          and taxon_staged.number = made.number
          and taxon_staged.parent_key is not null
          and not is_synonym
        """,
        values,
    )


def _note_instead(db: Db, values: dict[str, int]) -> None:
    """Which of our taxa, or of the list's, a deprecated one names as what to use."""
    db.execute(
        """
        update taxon_staged as staged
        set instead_id = coalesce(
            (select other.taxon_id
             from taxon_staged as other
             where other.import_id = %(import)s
               and other.key = staged.instead_key
               and other.fault is null
               and not other.is_synonym
             limit 1),
            (select min(taxon.id)
             from taxon
             where case taxon_import.kind
                       when 'ecotaxa' then taxon.ecotaxa_id::text = staged.instead_key
                       when 'shoal' then taxon.uid::text = staged.instead_key
                       else lower(taxon.display_name) = lower(staged.instead_key)
                   end)
        )
        from taxon_import
        where staged.import_id = %(import)s
          and taxon_import.id = staged.import_id
          and staged.status = 'D'
          and staged.instead_key is not null
        """,
        values,
    )


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
        _take(db, at, _MADE_ROOT)
        db.execute(
            """
            update taxon_staged
            set taxon_id = nextval(pg_get_serial_sequence('taxon', 'id')),
                is_new = true
            where import_id = %(import)s
              and depth = %(depth)s
              and taxon_id is null
              and not is_synonym
              and not is_removed
            """,
            at,
        )
        depth += 1
        level = db.execute(_BELOW, values | {"depth": depth}).rowcount


_ROOTS = f"""
    with parent as (
        select staged.number,
               coalesce(min(taxon.id) filter (where lower(taxon.display_name) = staged.parent_key),
                        case when count(distinct taxon.id) = 1 then min(taxon.id) end) as id
        from taxon_staged as staged
        join taxon_import on taxon_import.id = staged.import_id
        left join taxon on case
            when taxon_import.kind = 'ecotaxa' then taxon.ecotaxa_id::text = staged.parent_key
            when taxon_import.kind = 'shoal' then taxon.uid::text = staged.parent_key
            when taxon_import.kind = 'darwin_core'
                then taxon.aphia_id::text = substring(staged.parent_key from '(\\d+)$')
            else {CALLED} or lower(taxon.display_name) = staged.parent_key
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
"""  # noqa: S608 - constants
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
# Where somebody asked for it.
_MADE_ROOT = """
    select staged.number, staged.root_id as id
    from taxon_staged as staged
    join taxon_import on taxon_import.id = staged.import_id and taxon_import.match_roots
    where staged.import_id = %(import)s
      and staged.depth = %(depth)s
      and staged.taxon_id is null
      and staged.root_id is not null
"""
