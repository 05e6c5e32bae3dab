"""A project's learned spaces: which there were, which one is in use, and the way from one to another."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np
from psycopg.types.json import Jsonb

from app.database import Db
from app.errors import Conflict, NotFound, Refused
from app.jobs.queue import UNASKED, cancel, enqueue
from app.learning.sets import validated_in
from app.nouns import counted
from app.search import generations
from app.search.likeness import NO_EMBEDDER
from app.spaces.labels import teachers
from indexer.space_fitting import Fitted, TooFewLabels, check_enough

KIND, TITLE = "space", "Learn likeness from labels"
FIRST = 500  # validated objects from which on a space is learned by itself, and again at each doubling
AUTOMATIC = "space_automatic"  # of a project's settings: whether it is
LARGEST_ID = 2**31
COLUMNS = """
    space.id, space.version, space.status, space.n_labels, space.report, space.created_at, space.adopted_at,
    account.name as account, embedder.name as embedder, space.embedder_id = project.embedder_id as is_of_embedder,
    space.id is not distinct from project.space_id as is_current
"""
FROM = """
    from space
    join project on project.id = space.project_id
    join embedder on embedder.id = space.embedder_id
    left join account on account.id = space.account_id
"""


@dataclass(frozen=True)
class SpaceTold:
    """A version: `status` is adopted (in use), former, refused (no better than the plain space) or candidate (being
    made). Agreements are shares of held-out objects whose nearest other has their taxon. `is_of_embedder`: it can be
    used, as the project still has its embedder. Where references taught it too, `n_labels` counts the project's own,
    and how many were held out is not told: who reads the project may not read these."""

    id: int
    version: int
    status: str
    n_labels: int
    report: dict[str, Any]
    created_at: datetime
    adopted_at: datetime | None
    account: str | None
    embedder: str
    is_of_embedder: bool
    is_current: bool

    @property
    def teachers(self) -> str:
        """What it was learned from."""
        return counted(self.n_labels, "label") + (" and reference projects" if self.report["n_references"] else "")


def _told(row: Any) -> SpaceTold:
    found = SpaceTold(*row)
    report = found.report
    if not report["n_references"]:
        return found
    n_own = report["n_own"]
    measured = {name: report[name] and report[name] | {"n": None} for name in ("seen", "balanced", "unseen")}
    per_taxon = [one | {"n": None} for one in report["per_taxon"]]
    own = measured | {"per_taxon": per_taxon, "n_labels": n_own, "n_taxa": None}
    return replace(found, n_labels=n_own, report=report | own)


def list_spaces(db: Db, project_id: int) -> list[SpaceTold]:
    """The latest first."""
    rows = db.execute(
        f"select {COLUMNS} {FROM} where space.project_id = %s order by space.version desc",
        [project_id],
    )
    return [_told(row) for row in rows]


def find_space(db: Db, project_id: int, version: int) -> SpaceTold:
    row = None
    if 0 < version < LARGEST_ID:
        row = db.execute(
            f"select {COLUMNS} {FROM} where space.project_id = %s and space.version = %s",
            [project_id, version],
        ).fetchone()
    if row is None:
        raise NotFound("This project has learned no such likeness. Its versions are listed under Likeness.")
    return _told(row)


def keep(
    db: Db, project_id: int, embedder_id: int, fitted: Fitted, told: dict[str, Any], account_id: int | None, job_id: int
) -> SpaceTold:
    """A fitted map as the project's next version: a candidate, or refused where it is no better."""
    # Two at once would take the same number.
    db.execute("select from project where id = %s for no key update", [project_id])
    # What was fitted before and never came into use, as where its job failed, can be gone to by hand.
    db.execute("update space set status = 'former' where project_id = %s and status = 'candidate'", [project_id])
    row: Any = db.execute(
        """
        insert into space (project_id, embedder_id, version, dimension, map, n_labels, report, status, account_id,
                           job_id)
        select %(project)s, %(embedder)s, coalesce(max(version), 0) + 1, %(dimension)s, %(map)s, %(n)s, %(report)s,
               %(status)s, %(account)s, %(job)s
          from space
         where project_id = %(project)s
        returning version
        """,
        {
            "project": project_id, "embedder": embedder_id, "dimension": fitted.learned.dimension,
            "map": fitted.learned.to_bytes(), "n": fitted.n_labels, "report": Jsonb(fitted.report | told),
            "status": "candidate" if fitted.is_better else "refused", "account": account_id, "job": job_id,
        },
    ).fetchone()  # fmt: skip
    return find_space(db, project_id, row.version)


def adopt(db: Db, project_id: int, version: int) -> SpaceTold:
    """Let the project compare in a learned space from now on; batches that are open keep theirs."""
    found = find_space(db, project_id, version)
    if found.status == "refused":
        raise Refused("This version was no better than the plain likeness on held-out objects: it is not used.")
    changed = db.execute(
        """
        update project
           set space_id = space.id
          from space
         where project.id = %s
           and space.id = %s
           and space.embedder_id = project.embedder_id
        """,
        [project_id, found.id],
    )
    if not changed.rowcount:
        raise Conflict("The project has another embedder by now: this likeness was learned from the former's vectors.")
    _set_statuses(db, project_id)
    return find_space(db, project_id, version)


def back_to_plain(db: Db, project_id: int) -> None:
    """Compare vectors as they are."""
    db.execute("update project set space_id = null where id = %s", [project_id])
    _set_statuses(db, project_id)


def _set_statuses(db: Db, project_id: int) -> None:
    """What is in use is adopted, what was is former."""
    db.execute(
        """
        update space
           set status = case when space.id is not distinct from project.space_id then 'adopted' else 'former' end,
               adopted_at = case when space.id is not distinct from project.space_id then now() else adopted_at end
          from project
         where project.id = space.project_id
           and project.id = %s
           and (space.status = 'adopted' or space.id is not distinct from project.space_id)
           and (space.status <> 'adopted' or space.id is distinct from project.space_id)
        """,
        [project_id],
    )


def choose(db: Db, project_id: int, account_id: int | None, version: int | None) -> int | None:
    """A person goes to a former version, or with None back to the plain space: at once, with a job for the index that
    may be missing. What they chose stays until they ask for another: nothing is learned by itself any more."""
    if version is None:
        back_to_plain(db, project_id)
    else:
        adopt(db, project_id, version)
    set_automatic(db, project_id, False)
    return generations.request(db, project_id, account_id)


def set_automatic(db: Db, project_id: int, automatic: bool) -> None:
    """Whether likeness is learned by itself at 500, 1,000, 2,000 labels and so on."""
    db.execute(
        "update project set settings = settings || %s where id = %s", [Jsonb({AUTOMATIC: automatic}), project_id]
    )


def is_automatic(settings: dict[str, Any]) -> bool:
    return bool(settings.get(AUTOMATIC, True))


def start_learning(db: Db, project_id: int, embedder_id: int | None, account_id: int | None) -> int:
    """Queue the learning; returns the job's id. While one waits, it is that one, or in the place of that which nobody
    asked for."""
    if embedder_id is None:
        raise Refused(NO_EMBEDDER)
    _check_labels(db, [project_id, *(one.id for one in teachers(db, project_id, embedder_id, account_id))])
    unasked = db.execute(
        """
        select id
          from job
         where project_id = %s
           and kind = %s
           and status = 'queued'
           and priority < 0
           for update
        """,
        [project_id, KIND],
    ).fetchone()
    if unasked is not None:
        cancel(db, unasked.id)
    return enqueue(db, KIND, TITLE, project_id, account_id, {})


def _check_labels(db: Db, project_ids: list[int]) -> None:
    """Refuse where it is certain that too little is validated; how much has a vector, the job finds."""
    try:
        check_enough(*validated_in(db, project_ids))
    except TooFewLabels as error:
        raise Refused(str(error), status=409) from error


def milestone(n: int) -> int:
    """The last of 500, 1,000, 2,000 ... that so many labels have reached; 0 before the first."""
    return FIRST * 2 ** int(np.log2(n / FIRST)) if n >= FIRST else 0


def request_due(db: Db) -> list[int]:
    """Queue the learning for every project that has reached another milestone since it learned, or tried to, last.

    Where that failed it is not tried again within the hour. It waits for what people asked for: it takes minutes.
    """
    rows = db.execute(
        """
        select p.id, p.embedder_id, labels.n, coalesce(latest.n, 0) as n_before
          from (select project_id, sum(n)::bigint as n
                  from count_delta
                 where status = 'V'
                 group by project_id
                having sum(n) >= %(first)s) labels
          join project p on p.id = labels.project_id
          left join lateral (select max(n) as n
                               from (select (report ->> 'n_validated')::bigint as n
                                       from space
                                      where space.project_id = p.id
                                        and space.embedder_id = p.embedder_id
                                     union all
                                     select (args ->> 'n_validated')::bigint
                                       from job
                                      where job.project_id = p.id
                                        and job.kind = %(kind)s
                                        and job.status = 'done'
                                        and (args ->> 'embedder_id')::int = p.embedder_id) told) latest on true
         where p.embedder_id is not null
           and p.status <> 'explore'
           and coalesce((p.settings ->> %(automatic)s)::boolean, true)
           and not exists (select
                             from job
                            where job.project_id = p.id
                              and job.kind = %(kind)s
                              and (job.status in ('queued', 'running')
                                   or job.status in ('failed', 'cancelled') and ended_at > now() - interval '1 hour'))
         order by p.id
        """,
        {"first": FIRST, "automatic": AUTOMATIC, "kind": KIND},
    ).fetchall()
    due = [row for row in rows if milestone(row.n) > milestone(row.n_before)]
    return [
        enqueue(
            db, KIND, TITLE, row.id, None, {"n_validated": row.n, "embedder_id": row.embedder_id}, priority=UNASKED
        )
        for row in due
    ]  # fmt: skip
