"""Classes that people created: listed with their use, renamed, and removed while nothing uses them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from app.accounts.viewer import Viewer
from app.database import Db
from app.errors import Conflict, Forbidden, NotFound
from app.taxonomy.names import is_italic
from app.taxonomy.queries import check_name, get_taxon

PAGE = 100


@dataclass(frozen=True)
class CreatedTaxon:
    """A class, who made it when, and how many objects have it now. `mine`: the caller may rename and remove it."""

    id: int
    name: str
    display_name: str
    italic: bool
    created_by: str
    created_at: datetime
    n_objects: int
    mine: bool


def list_created(db: Db, viewer: Viewer, before: int | None = None) -> list[CreatedTaxon]:
    """A page of them, newest first; `before` is the id of the last one of the page before.

    Objects are counted from the projects' own sums, never one by one.
    """
    rows = db.execute(
        """
        with listed as (
            select *
            from taxon
            where created_by is not null
              and (%(before)s::int is null or id < %(before)s)
            order by id desc
            limit %(page)s
        ),
        used as (
            select taxon_id, sum(n)::bigint as n
            from count_delta
            where taxon_id in (select id from listed)
            group by taxon_id
        )
        select listed.*, account.name as who, coalesce(used.n, 0) as n
        from listed
        join account on account.id = listed.created_by
        left join used on used.taxon_id = listed.id
        order by listed.id desc
        """,
        {"before": before, "page": PAGE},
    )
    return [
        CreatedTaxon(
            row.id, row.name, row.display_name, is_italic(row.name, row.rank, row.type), row.who, row.created_at, row.n,
            _may_change(viewer, row.created_by),
        )
        for row in rows
    ]  # fmt: skip


def _may_change(viewer: Viewer, created_by: int | None) -> bool:
    return created_by is not None and (viewer.is_application_manager or created_by == viewer.account_id)


def _held(db: Db, viewer: Viewer, taxon_id: int) -> Any:
    """The class, held until the transaction ends: an act that would use it waits. Refused for who may not change it."""
    row = None
    if 0 < taxon_id < 2**31:
        row = db.execute("select * from taxon where id = %s for update", [taxon_id]).fetchone()
    if row is None:
        raise NotFound("There is no taxon with this id. It may have been removed.")
    if row.created_by is None:
        raise Forbidden(f"“{row.display_name}” belongs to the taxonomy that was loaded: it is not changed here.")
    if not _may_change(viewer, row.created_by):
        raise Forbidden(f"Only who created “{row.display_name}”, or an application manager, may change it.")
    return row


def rename_taxon(db: Db, viewer: Viewer, taxon_id: int, name: str) -> Any:
    """Give a class another name; it and its children keep display names that nothing else has."""
    row = _held(db, viewer, taxon_id)
    name = check_name(name)
    try:
        with db.transaction():
            _rename(db, row, name)
    except psycopg.errors.UniqueViolation:
        raise Conflict(f"There is already a taxon “{name}”: use it, or choose another name.") from None
    return get_taxon(db, taxon_id)


def _rename(db: Db, row: Any, name: str) -> None:
    """“name < parent” where the name alone is another's; Conflict where that too is taken."""
    names = {"id": row.id, "name": name, "old": row.name, "parent_id": row.parent_id}
    changed = db.execute(
        """
        with other as (
            select parent_id, display_name
            from taxon
            where id <> %(id)s
              and (lower(name) = lower(%(name)s) or lower(display_name) = lower(%(name)s))
        ),
        shown as (
            select case when exists (select from other) and parent.id is not null
                        then %(name)s || ' < ' || parent.name
                        else %(name)s
                   end as display_name
            from (select 1) one
            left join taxon parent on parent.id = %(parent_id)s
        )
        update taxon
        set name = %(name)s,
            display_name = shown.display_name
        from shown
        where taxon.id = %(id)s
          and not exists (select from other where other.parent_id is not distinct from %(parent_id)s::int)
          and not exists (
              select from taxon taken
              where taken.id <> %(id)s and lower(taken.display_name) = lower(shown.display_name)
          )
        """,
        names,
    )
    if not changed.rowcount:
        raise Conflict(f"There is already a taxon “{name}”: use it, or choose another name.")
    db.execute(
        """
        update taxon
        set display_name = name || ' < ' || %(name)s
        where parent_id = %(id)s
          and display_name = name || ' < ' || %(old)s
        """,
        names,
    )


def remove_taxon(db: Db, viewer: Viewer, taxon_id: int) -> None:
    """Take a class away that nothing uses; Conflict says what does."""
    row = _held(db, viewer, taxon_id)
    use = _use(db, taxon_id)
    if use:
        raise Conflict(f"“{row.display_name}” cannot be removed: {use}. Rename it instead.")
    db.execute("delete from taxon where id = %s", [taxon_id])


def _use(db: Db, taxon_id: int) -> str:
    """What uses a class, the first that is found: each is looked for only where the ones before found nothing."""
    row = db.execute(
        """
        select case
            when exists (select from taxon where parent_id = %(id)s or rename_to = %(id)s)
                then 'other taxa stand under it or were renamed to it'
            when exists (select from label where taxon_id = %(id)s) then 'objects are labelled with it'
            when exists (select from act where taxon_id = %(id)s) then 'acts, perhaps undone, name it'
            when exists (select from prediction where %(id)s in (taxon_id, taxon_2_id, taxon_3_id))
                then 'objects are predicted to be it'
            when exists (
                select from history
                where %(id)s in (new_taxon_id, old_taxon_id, old_predicted_taxon_id)
            ) then 'the history of objects names it'
            else ''
        end as use
        """,
        {"id": taxon_id},
    ).fetchone()
    return str(row.use) if row else ""
