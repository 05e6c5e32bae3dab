"""What is wrong with the lines of a list of taxa: told before anything changes, each where it stands in its file."""

from app.database import Db
from app.taxonomy.comparing import CHANGES

# A taxon that a table's `parent` means by its name, or by its name and its parent's.
CALLED = """
    (folded_name(taxon.name) = folded_name(split_part(staged.parent_key, ' < ', 1))
     and (staged.parent_key not like '%% < %%'
          or exists (select from taxon as above
                     where above.id = taxon.parent_id
                       and folded_name(above.name) = folded_name(split_part(staged.parent_key, ' < ', 2)))))
"""


def fault_twice(db: Db, values: dict[str, int]) -> None:
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


def fault_numbers(db: Db, values: dict[str, int]) -> None:
    """An AphiaID that a table gives to two in use, or to one while it is that of another here. Other lists may."""
    db.execute(
        """
        update taxon_staged as staged
        set fault = 'its AphiaID ' || aphia_id || ' is given twice, first in line ' || first_line
        from (
            select number, first_value(line) over those as first_line, row_number() over those as place
            from taxon_staged
            join taxon_import on taxon_import.id = import_id and taxon_import.kind = 'csv'
            where import_id = %(import)s
              and aphia_id is not null
              and taxon_staged.status <> 'D'
              and fault is null
            window those as (partition by aphia_id order by number)
        ) as given
        where import_id = %(import)s
          and staged.number = given.number
          and place > 1
        """,
        values,
    )
    db.execute(
        """
        update taxon_staged as staged
        set fault = 'its AphiaID ' || staged.aphia_id || ' is that of “' || taxon.display_name || '” here'
        from taxon, taxon_import
        where import_id = %(import)s
          and taxon_import.id = import_id
          and taxon_import.kind = 'csv'
          and taxon.aphia_id = staged.aphia_id
          and taxon.status <> 'D'
          and staged.status <> 'D'
          and staged.fault is null
          and not exists (select from taxon as own
                          where own.aphia_id = staged.aphia_id
                            and (own.id = staged.taxon_id
                                 or (staged.taxon_id is null and lower(own.name) = lower(staged.name))))
        """,
        values,
    )


def fault_unplaced(db: Db, values: dict[str, int]) -> None:
    """What was not reached from any root: its parent is unknown or faulty, or it stands under itself."""
    db.execute(
        f"""
        with recursive several as (
            select staged.parent_key
            from taxon_staged as staged
            join taxon_import on taxon_import.id = staged.import_id and taxon_import.kind = 'csv'
            join taxon on {CALLED}
            where staged.import_id = %(import)s
              and depth is null
              and fault is null
              and not exists (select from taxon_staged as above
                              where above.import_id = %(import)s and above.key = staged.parent_key)
            group by staged.number, staged.parent_key
            having count(*) > 1
        ),
        astray as (
            select number, key, parent_key
            from taxon_staged
            where import_id = %(import)s
              and depth is null
              and fault is null
              and not is_synonym
              and not is_removed
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
                when parent_key in (select parent_key from several)
                    then 'several taxa are called as its parent “' || left(parent_key, 80)
                         || '”: say which, as “name < its parent”'
                when parent_key in (select key from taxon_staged where import_id = %(import)s and is_removed)
                    then 'its parent was removed here: create it again, or leave this out'
                else 'its parent “' || left(parent_key, 80) || '” is neither in the list nor known here, or is faulty'
            end
        where import_id = %(import)s
          and number in (select number from astray)
        """,  # noqa: S608 - constants
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


def fault_instead(db: Db, values: dict[str, int]) -> None:
    """Of a deprecated one: what to use instead is itself, unknown, or advises this one in turn."""
    db.execute(
        """
        update taxon_staged
        set fault = case
                when instead_key = key then 'it is to be replaced by itself: name another, or none'
                when instead_id is null
                    then 'what to use instead, “' || left(instead_key, 80)
                         || '”, is neither in the list nor known here, or is faulty'
                else 'it and “' || left(instead_key, 80) || '” are each to be used instead of the other'
            end
        where import_id = %(import)s
          and status = 'D'
          and instead_key is not null
          and fault is null
          and not is_synonym
          and (instead_key = key
               or instead_id is null
               or exists (select from taxon_staged as other
                          where other.import_id = %(import)s
                            and other.key = taxon_staged.instead_key
                            and other.status = 'D'
                            and other.instead_key = taxon_staged.key))
        """,
        values,
    )


def fault_loops(db: Db, values: dict[str, int]) -> None:
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
