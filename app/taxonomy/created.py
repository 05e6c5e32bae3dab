"""Classes that people created: listed with their use for those who look at them, refused, and removed while unused."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.accounts.viewer import Viewer
from app.database import Db
from app.errors import Conflict, Refused
from app.taxonomy.browse import NAMED, seen_projects
from app.taxonomy.changing import deprecate_taxon, held
from app.taxonomy.names import is_italic
from app.taxonomy.naming import name_uniquely

PAGE = 100


@dataclass(frozen=True)
class CreatedTaxon:
    """A class, who made it when and in which project (nobody here: it came by a list; “somebody”: who shares no project
    with the caller), and how many objects that the caller may know of have it now.

    `waits`: nobody has looked at it; `mine`: the caller made it; `may_judge`: may keep, merge or refuse it.
    """

    id: int
    name: str
    display_name: str
    italic: bool
    created_by: str | None
    created_at: datetime
    n_objects: int
    mine: bool
    waits: bool
    may_judge: bool
    project_id: int | None
    project: str | None


# Who looks at a class: application managers, and while it waits the managers of the project that it was made in.
_MAY_JUDGE = """
    (%(all)s or taxon.reviewed_at is null and exists (
        select from member
        where member.project_id = taxon.created_in and member.account_id = %(account)s and member.role = 'manager'
    ))
"""


def list_created(db: Db, viewer: Viewer, before: int | None = None, waiting: bool = False) -> list[CreatedTaxon]:
    """A page of them, newest first; `before` is the id of the last one of the page before. `waiting`: those that the
    caller is to look at.

    Objects are counted from the projects' own sums, never one by one.
    """
    rows = db.execute(
        f"""
        with listed as (
            select taxon.*, {_MAY_JUDGE} as may_judge
            from taxon
            where (created_by is not null or (status = 'N' and reviewed_at is null))
              and (%(before)s::int is null or id < %(before)s)
              and (not %(waiting)s or (status = 'N' and reviewed_at is null and {_MAY_JUDGE}))
            order by id desc
            limit %(page)s
        ),
        used as (
            select taxon_id, sum(n)::bigint as n
            from count_delta
            where taxon_id in (select id from listed)
              and project_id = any(%(projects)s::int[])
            group by taxon_id
        )
        select listed.*, account.name as who, coalesce(used.n, 0) as n, project.title as project
        from listed
        left join account on account.id = listed.created_by
                         and {NAMED}
        left join used on used.taxon_id = listed.id
        left join project on project.id = listed.created_in
                         and project.hidden is null
                         and (%(all)s or project.visibility <> 'private'
                              or exists (select from member
                                         where member.project_id = project.id and member.account_id = %(account)s))
        order by listed.id desc
        """,  # noqa: S608 - a constant
        {
            "before": before, "page": PAGE, "waiting": waiting, "account": viewer.account_id,
            "all": viewer.is_application_manager, "projects": seen_projects(db, viewer),
        },
    )  # fmt: skip
    return [_created(viewer, row) for row in rows]


def _created(viewer: Viewer, row: Any) -> CreatedTaxon:
    waits = row.status == "N" and row.reviewed_at is None
    return CreatedTaxon(
        row.id, row.name, row.display_name, is_italic(row.name, row.rank, row.type),
        row.who or (row.created_by and "somebody"), row.created_at, row.n,
        mine=row.created_by is not None and row.created_by == viewer.account_id, waits=waits, may_judge=row.may_judge,
        project_id=row.created_in if row.project else None, project=row.project,
    )  # fmt: skip


def n_waiting(db: Db, viewer: Viewer) -> int:
    """How many classes this person is to look at."""
    row: Any = db.execute(
        f"""
        select count(*) as n
        from taxon
        where reviewed_at is null
          and status = 'N'
          and {_MAY_JUDGE}
        """,  # noqa: S608 - a constant
        {"account": viewer.account_id, "all": viewer.is_application_manager},
    ).fetchone()
    return int(row.n)


def remove_taxon(db: Db, viewer: Viewer, taxon_id: int) -> None:
    """Take a class away that nothing uses; Conflict says what does."""
    row = held(db, viewer, taxon_id, own_too=True)
    use = _use(db, taxon_id)
    if use:
        raise Conflict(f"“{row.display_name}” cannot be removed: {use}. Rename it instead.")
    db.execute("insert into taxon_removed (uid, name) values (%s, %s)", [row.uid, row.name])
    db.execute("delete from taxon where id = %s", [taxon_id])
    name_uniquely(db, [row.name])


def refuse_taxon(db: Db, viewer: Viewer, taxon_id: int, advised_id: int | None) -> bool:
    """A class that is not wanted goes where nothing uses it (then True); else it is deprecated, with what to use
    instead."""
    row = held(db, viewer, taxon_id)
    if row.created_by is None and row.status != "N":
        raise Conflict(f"“{row.display_name}” was not made by a person here: deprecate it instead.")
    if not _use(db, taxon_id):
        remove_taxon(db, viewer, taxon_id)
        return True
    if advised_id is None:
        raise Refused(f"“{row.display_name}” is in use: say which taxon is to be used instead.", status=422)
    deprecate_taxon(db, viewer, taxon_id, advised_id)
    return False


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
            when exists (select from classifier where %(id)s = any(taxa)) then 'a classifier tells it'
            when exists (select from learning_item where taxon_id = %(id)s) then 'a learning set teaches it'
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
