"""A project's reference projects: named by its managers, and asked only for those who may read them.

Who may read what can change at any time, so every question is put to the database together with who asks it.
"""

from dataclasses import dataclass, field
from typing import Any

from app.accounts.viewer import Viewer
from app.database import Db
from app.errors import NotFound, Refused
from app.projects.access import NO_PROJECT, Project, find_project

MOST = 10
MOST_FOUND = 10

# Whether the account of the parameter `account_id` may read the project `p`; null: somebody who is not logged in.
READABLE = """
    (p.hidden is null and (p.visibility = 'everyone'
     or exists (
         select
         from account
         where account.id = %(account_id)s
           and (account.is_application_manager
                or p.visibility = 'accounts'
                or exists (select from member where member.project_id = p.id and member.account_id = account.id))
     )))
"""


@dataclass(frozen=True)
class Source:
    """A project as something that is compared with, by vectors of `embedder_id` in the space `space_id` (null: plain),
    which need not be its own; as it is now, or as its frozen version `number` says."""

    id: int
    title: str
    embedder_id: int | None
    space_id: int | None = None
    number: int | None = None


@dataclass(frozen=True)
class Offered:
    """A project that may be named as a reference; its votes count at once where it has the same embedder."""

    id: int
    title: str
    has_same_embedder: bool
    n_validated: int


@dataclass(frozen=True)
class Reference:
    """A reference project as a manager sees it. `n_voters`: its validated objects that have a vector of the asking
    project's embedder; `has_same_embedder`: then all that it embeds have one. `heard`: what its votes count here on
    average, 0 to 1, by how near they are to the project's objects; null where nothing can be compared. `number`: the
    frozen version that votes, of `versions` (their titles by number); null: it votes as it is now."""

    id: int
    title: str
    embedder: str | None
    has_same_embedder: bool
    n_validated: int
    n_voters: int
    job_id: int | None  # what embeds for it now
    job_done: int
    job_total: int | None
    heard: float | None = None
    number: int | None = None
    versions: dict[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class References:
    """Those that the asking person may read, and how many there are that they may not: these do not vote for them."""

    references: list[Reference]
    n_hidden: int


def sources(
    db: Db, project_id: int, embedder_id: int | None, account_id: int | None, space_id: int | None = None
) -> list[Source]:
    """The references of a project that a person may read now, in the project's own space."""
    rows = db.execute(
        f"""
        select p.id, p.title, project_reference.number
        from project_reference
        join project p on p.id = project_reference.reference_id
        where project_reference.project_id = %(project_id)s
          and {READABLE}
        order by p.id
        """,  # noqa: S608 - a constant
        {"project_id": project_id, "account_id": account_id},
    )
    return [Source(row.id, row.title, embedder_id, space_id, row.number) for row in rows]


def all_sources(db: Db, project_id: int, embedder_id: int | None, space_id: int | None = None) -> list[Source]:
    """All references of a project, for work whose outcome is only shown to those who may read them."""
    rows = db.execute(
        """
        select p.id, p.title, project_reference.number
        from project_reference
        join project p on p.id = project_reference.reference_id
        where project_reference.project_id = %s
        order by p.id
        """,
        [project_id],
    )
    return [Source(row.id, row.title, embedder_id, space_id, row.number) for row in rows]


def describe(db: Db, project: Project, account_id: int | None) -> References:
    """The references with how much of each can be compared with."""
    rows = db.execute(
        f"""
        select p.id, p.title, p.embedder_id, embedder.name as embedder, {READABLE} as is_readable,
               (select coalesce(sum(n), 0)::bigint
                from count_delta
                where count_delta.project_id = p.id and count_delta.status = 'V') as n_validated,
               job.id as job_id, job.done, job.total, project_reference.number,
               (select coalesce(jsonb_object_agg(frozen_version.number, frozen_version.title), '{{}}')
                from frozen_version
                where frozen_version.project_id = p.id) as versions
        from project_reference
        join project p on p.id = project_reference.reference_id
        left join embedder on embedder.id = p.embedder_id
        left join lateral (
            select id, done, total
            from job
            where kind = 'reference'
              and project_id = %(project_id)s
              and args ->> 'reference_id' = p.id::text
              and status in ('queued', 'running')
            order by id
            limit 1
        ) job on true
        where project_reference.project_id = %(project_id)s
        order by lower(p.title), p.id
        """,  # noqa: S608 - a constant
        {"project_id": project.id, "account_id": account_id},
    ).fetchall()
    seen = [row for row in rows if row.is_readable]
    n_voters = _count_voters(db, project.embedder_id, [row.id for row in seen])
    found = [
        Reference(
            row.id, row.title, row.embedder, row.embedder_id is not None and row.embedder_id == project.embedder_id,
            row.n_validated, n_voters.get(row.id, 0), row.job_id, row.done or 0, row.total, number=row.number,
            versions={int(number): title for number, title in row.versions.items()},
        )
        for row in seen
    ]  # fmt: skip
    return References(found, len(rows) - len(seen))


def _count_voters(db: Db, embedder_id: int | None, ids: list[int]) -> dict[int, int]:
    rows: Any = db.execute(
        """
        select label.project_id, count(*) as n
        from label
        join object_vector on object_vector.embedder_id = %s
                          and object_vector.project_id = label.project_id
                          and object_vector.object_id = label.object_id
        where label.project_id = any(%s)
          and label.status = 'V'
        group by label.project_id
        """,
        [embedder_id, ids],
    )
    return {row.project_id: row.n for row in rows}


def add(db: Db, project: Project, viewer: Viewer, reference_id: int) -> None:
    """Name a project that the viewer may read as a reference."""
    if reference_id == project.id:
        raise Refused("A project's own validated objects vote anyway: name another one.", status=422)
    reference = find_project(db, viewer, reference_id)
    db.execute("select from project where id = %s for no key update", [project.id])
    row = db.execute(
        "select count(*) as n from project_reference where project_id = %s and reference_id <> %s",
        [project.id, reference.id],
    ).fetchone()
    if row.n >= MOST:
        raise Refused(f"A project has at most {MOST} reference projects: take one out first.", status=422)
    db.execute(
        """
        insert into project_reference (project_id, reference_id, account_id)
        values (%s, %s, %s)
        on conflict do nothing
        """,
        [project.id, reference.id, viewer.account_id],
    )


def name_version(db: Db, project_id: int, viewer: Viewer, reference_id: int, number: int | None) -> None:
    """Which frozen version of a reference votes, which the viewer may read; none: it votes as it is now."""
    find_project(db, viewer, reference_id)
    row = db.execute(
        """
        update project_reference
        set number = %(number)s
        where project_id = %(project)s
          and reference_id = %(reference)s
          and (%(number)s::int is null
               or exists (select from frozen_version where project_id = %(reference)s and number = %(number)s))
        returning reference_id
        """,
        {"project": project_id, "reference": reference_id, "number": number},
    ).fetchone()
    if row is None:
        raise NotFound("This is no reference project of this one, or it has no such version. Load the page again.")


def remove(db: Db, project_id: int, viewer: Viewer, reference_id: int) -> None:
    """Take a reference out, which the viewer may read."""
    find_project(db, viewer, reference_id)
    row = db.execute(
        "delete from project_reference where project_id = %s and reference_id = %s returning reference_id",
        [project_id, reference_id],
    ).fetchone()
    if row is None:
        raise NotFound("This is no reference project of this one. Load the page again.")


def remove_hidden(db: Db, project_id: int, account_id: int | None) -> int:
    """Take out those that the person may not read; returns how many."""
    return db.execute(
        f"""
        delete from project_reference
        using project p
        where project_reference.project_id = %(project_id)s
          and p.id = project_reference.reference_id
          and not {READABLE}
        """,  # noqa: S608 - a constant
        {"project_id": project_id, "account_id": account_id},
    ).rowcount


def offered(db: Db, project: Project, account_id: int | None, typed: str) -> list[Offered]:
    """Projects that may be named, by a part of the title; those with most validated objects first."""
    rows = db.execute(
        f"""
        select p.id, p.title, p.embedder_id is not distinct from %(embedder_id)s as has_same_embedder,
               (select coalesce(sum(n), 0)::bigint from count_delta where project_id = p.id and status = 'V')
                   as n_validated
        from project p
        where p.id <> %(project_id)s
          and strpos(lower(p.title), %(typed)s) > 0
          and {READABLE}
          and not exists (
              select from project_reference named
              where named.project_id = %(project_id)s and named.reference_id = p.id
          )
        order by n_validated desc, p.id
        limit %(most)s
        """,  # noqa: S608 - a constant
        {
            "project_id": project.id, "account_id": account_id, "embedder_id": project.embedder_id,
            "typed": typed.replace("\0", " ").strip().lower()[:200], "most": MOST_FOUND,
        },
    )  # fmt: skip
    return [Offered(**row._asdict()) for row in rows]


def find_reference(db: Db, project_id: int, account_id: int | None, reference_id: int) -> Any:
    """A reference that the person may read, with its own embedder; NotFound where it is none, or not for them."""
    row = db.execute(
        f"""
        select p.id, p.title, p.embedder_id
        from project_reference
        join project p on p.id = project_reference.reference_id
        where project_reference.project_id = %(project_id)s
          and p.id = %(reference_id)s
          and {READABLE}
        """,  # noqa: S608 - a constant
        {"project_id": project_id, "reference_id": reference_id, "account_id": account_id},
    ).fetchone()
    if row is None:
        raise NotFound(NO_PROJECT)
    return row
