"""What changed in a frozen project since its last version, as proposals to the next: seen, accepted, refused."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from app.database import Db
from app.errors import Conflict, Refused
from app.frozen.versions import hold, last_number
from app.labels.changes import array

Kind = Literal["added", "renamed", "removed"]
A_PAGE = 100
MOST_GROUPS = 300
MOST_NAMED = 10_000
LARGEST = 2**62
NOT_FROZEN = "This project has no version yet: freeze one first; what changes after that is proposed to the next."


@dataclass(frozen=True)
class Look:
    """How many proposals there were when somebody last looked, less what was decided since, and how many were accepted
    since the last version."""

    looked_at: datetime
    n_added: int
    n_renamed: int
    n_removed: int
    n_accepted: int
    job_id: int | None

    @property
    def n(self) -> int:
        return self.n_added + self.n_renamed + self.n_removed


@dataclass(frozen=True)
class Group:
    """Proposals that are alike; an empty name: not in the version, or no longer validated."""

    kind: Kind
    old_taxon_id: int | None
    old_taxon: str
    new_taxon_id: int | None
    new_taxon: str
    n: int


@dataclass(frozen=True)
class Proposal:
    """One object whose label is otherwise than in the last version."""

    object_id: int
    orig_id: str
    kind: Kind
    old_taxon: str
    new_taxon: str
    by: str | None
    at: datetime | None


def look(db: Db, project_id: int) -> Look:
    """Compare all labels with the last version and what was accepted since; in the caller's transaction."""
    hold(db, project_id)
    if not last_number(db, project_id):
        raise Conflict(NOT_FROZEN)
    db.execute("delete from frozen_proposal where project_id = %s", [project_id])
    db.execute(
        """
        with said as (
            select object_id, version, case when status = 'V' then taxon_id end as taxon_id
            from label
            where project_id = %(project)s
        ),
        stands as (
            select object_id, taxon_id
            from frozen_label
            where project_id = %(project)s
              and to_number is null
        )
        insert into frozen_proposal (project_id, object_id, kind, old_taxon_id, new_taxon_id, label_version)
        select %(project)s, object_id,
               case when stands.taxon_id is null then 'added' when said.taxon_id is null then 'removed'
                    else 'renamed' end,
               stands.taxon_id, said.taxon_id, coalesce(said.version, 0)
        from said
        full join stands using (object_id)
        where said.taxon_id is distinct from stands.taxon_id
          and not exists (
              select
              from frozen_refusal
              where project_id = %(project)s
                and frozen_refusal.object_id = coalesce(said.object_id, stands.object_id)
                and label_version = coalesce(said.version, 0)
          )
        """,
        {"project": project_id},
    )
    db.execute("analyze frozen_proposal")
    return _count(db, project_id)


def _count(db: Db, project_id: int) -> Look:
    row = db.execute(
        """
        insert into frozen_look (project_id, looked_at, n_added, n_renamed, n_removed, n_accepted)
        select %(project)s, now(), count(*) filter (where kind = 'added'), count(*) filter (where kind = 'renamed'),
               count(*) filter (where kind = 'removed'), 0
        from frozen_proposal
        where project_id = %(project)s
        on conflict (project_id) do update
        set looked_at = excluded.looked_at,
            n_added = excluded.n_added,
            n_renamed = excluded.n_renamed,
            n_removed = excluded.n_removed
        returning looked_at, n_added, n_renamed, n_removed, n_accepted, job_id
        """,
        {"project": project_id},
    )
    return Look(*row.fetchall()[0])


def last_look(db: Db, project_id: int) -> Look | None:
    row = db.execute(
        "select looked_at, n_added, n_renamed, n_removed, n_accepted, job_id from frozen_look where project_id = %s",
        [project_id],
    ).fetchone()
    return Look(*row) if row else None


def groups(db: Db, project_id: int) -> list[Group]:
    """By kind and taxa, the most frequent first."""
    rows = db.execute(
        """
        select kind, old_taxon_id, coalesce(former.display_name, '') as old_taxon, new_taxon_id,
               coalesce(taxon.display_name, '') as new_taxon, count(*) as n
        from frozen_proposal
        left join taxon as former on former.id = old_taxon_id
        left join taxon on taxon.id = new_taxon_id
        where project_id = %(project)s
        group by 1, 2, 3, 4, 5
        order by n desc, 3, 5
        limit %(most)s
        """,
        {"project": project_id, "most": MOST_GROUPS},
    )
    return [Group(*row) for row in rows]


def page(db: Db, project_id: int, after: int = 0) -> list[Proposal]:
    """One by one, in the order of the objects."""
    rows = db.execute(
        """
        select frozen_proposal.object_id, coalesce(object.orig_id, '') as orig_id, kind,
               coalesce(former.display_name, '') as old_taxon, coalesce(taxon.display_name, '') as new_taxon,
               account.name as by, label.at
        from frozen_proposal
        left join object on object.project_id = %(project)s
                        and object.id = frozen_proposal.object_id
        left join label on label.project_id = %(project)s
                       and label.object_id = frozen_proposal.object_id
        left join account on account.id = label.account_id
        left join taxon as former on former.id = old_taxon_id
        left join taxon on taxon.id = new_taxon_id
        where frozen_proposal.project_id = %(project)s
          and frozen_proposal.object_id > %(after)s
        order by frozen_proposal.object_id
        limit %(most)s
        """,
        {"project": project_id, "after": min(max(after, 0), LARGEST), "most": A_PAGE},
    )
    return [Proposal(*row) for row in rows]


def accept(db: Db, project_id: int, object_ids: list[int] | None = None) -> tuple[int, int]:
    """Take proposals into the next version: some, or all. Returns how many, and how many were left since their label
    changed after somebody looked."""
    ids, n_left = _chosen(db, project_id, object_ids)
    last = last_number(db, project_id)
    values = {"project": project_id, "ids": array(ids), "last": last}
    db.execute(
        """
        delete from frozen_label
        where project_id = %(project)s
          and from_number = %(last)s + 1
          and object_id = any(%(ids)s::bigint[])
        """,
        values,
    )
    # What was accepted before, and is again as the last version has it, stands on as it stood.
    db.execute(
        """
        update frozen_label
        set to_number = case when exists (
            select
            from label
            where project_id = %(project)s
              and label.object_id = frozen_label.object_id
              and label.status = 'V'
              and label.taxon_id = frozen_label.taxon_id
        ) then null else %(last)s::int end
        where project_id = %(project)s
          and object_id = any(%(ids)s::bigint[])
          and (to_number is null or to_number = %(last)s)
        """,
        values,
    )
    db.execute(
        """
        insert into frozen_label (project_id, object_id, from_number, taxon_id, account_id, at, provenance)
        select project_id, object_id, %(last)s + 1, taxon_id, account_id, at, provenance
        from label
        where project_id = %(project)s
          and object_id = any(%(ids)s::bigint[])
          and status = 'V'
          and not exists (
              select
              from frozen_label
              where project_id = %(project)s
                and frozen_label.object_id = label.object_id
                and to_number is null
          )
        order by object_id
        """,
        values,
    )
    _settle(db, project_id, ids, accepted=len(ids))
    return len(ids), n_left


def refuse(db: Db, project_id: int, account_id: int | None, object_ids: list[int] | None = None) -> tuple[int, int]:
    """Leave proposals out of the next version: they come again once their label changes. Labels stay as they are."""
    ids, n_left = _chosen(db, project_id, object_ids)
    db.execute(
        """
        insert into frozen_refusal (project_id, object_id, label_version, account_id)
        select project_id, object_id, label_version, %(account)s
        from frozen_proposal
        where project_id = %(project)s
          and object_id = any(%(ids)s::bigint[])
        on conflict (project_id, object_id) do update
        set label_version = excluded.label_version,
            account_id = excluded.account_id,
            at = now()
        """,
        {"project": project_id, "ids": array(ids), "account": account_id},
    )
    _settle(db, project_id, ids, accepted=0)
    return len(ids), n_left


def _chosen(db: Db, project_id: int, object_ids: list[int] | None) -> tuple[list[int], int]:
    """Those that stand as they were seen, whose labels nobody changes until this is done, and how many do not."""
    if object_ids is not None and (len(object_ids) > MOST_NAMED or any(not 0 < id < LARGEST for id in object_ids)):
        raise Refused(f"Name proposals by their objects, at most {MOST_NAMED:,} at once, or all.", status=422)
    hold(db, project_id)
    rows = db.execute(
        """
        select frozen_proposal.object_id, coalesce(version, 0) = label_version as stands
        from frozen_proposal
        left join label on label.project_id = %(project)s
                       and label.object_id = frozen_proposal.object_id
        where frozen_proposal.project_id = %(project)s
          and (%(ids)s::bigint[] is null or frozen_proposal.object_id = any(%(ids)s::bigint[]))
        """,
        {"project": project_id, "ids": object_ids},
    ).fetchall()
    if not rows:
        raise Conflict("None of these is proposed (any more): look for changes again.")
    good = [row.object_id for row in rows if row.stands]
    return good, len(rows) - len(good)


def _settle(db: Db, project_id: int, ids: list[int], accepted: int) -> None:
    """Take decided ones off the list, and off its counts."""
    db.execute(
        """
        with decided as (
            delete from frozen_proposal
            where project_id = %(project)s
              and object_id = any(%(ids)s::bigint[])
            returning kind
        )
        update frozen_look
        set n_added = n_added - (select count(*) from decided where kind = 'added'),
            n_renamed = n_renamed - (select count(*) from decided where kind = 'renamed'),
            n_removed = n_removed - (select count(*) from decided where kind = 'removed'),
            n_accepted = n_accepted + %(accepted)s
        where project_id = %(project)s
        """,
        {"project": project_id, "ids": array(ids), "accepted": accepted},
    )
