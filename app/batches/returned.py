"""Labels that a reviewer sends back to who gave them, with a comment: in force until the author has said it again, or
the label changed. That somebody else confirms it settles nothing.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from app.batches.sources import Batched, Found, known_args, source
from app.database import Db
from app.errors import Refused
from app.labels.acts import Labeller
from app.labels.changes import array
from app.objects.comments import comment_on
from app.projects.access import Project
from app.search.arrays import fetch_arrays

MOST = 10_000
IN_FORCE = """
    from returned
    join label on label.project_id = returned.project_id and label.object_id = returned.object_id
              and label.taxon_id = returned.taxon_id and label.status in ('V', 'D')
              and (label.account_id is distinct from returned.account_id or label.version = returned.version
                   or label.at < returned.at) -- the label of then, put back by an undo
"""


@dataclass(frozen=True)
class SentBack:
    """Which labels went back to their authors, and how many not: unlabelled, imported, or the sender's own."""

    n: int
    n_left: int
    ids: list[int]


@dataclass(frozen=True)
class Returned:
    """One label that is sent back, to whom, by whom and why."""

    object_id: int
    account_id: int
    account: str
    taxon_id: int
    taxon: str
    by: str | None
    comment: str
    at: datetime


def send_back(db: Db, project: Project, account: Labeller, ids: list[int], comment: str) -> SentBack:
    """To each author his labels. The comment stands with the objects too. In reviews they count as wrong."""
    if not ids or len(ids) > MOST:
        raise Refused(f"Send between 1 and {MOST:,} labels back at once.")
    rows = db.execute(
        """
        insert into returned (project_id, object_id, account_id, by_id, version, taxon_id, comment)
        select project_id, object_id, account_id, %(by)s, version, taxon_id, %(comment)s
          from label
         where project_id = %(project_id)s
           and object_id = any(%(ids)s::bigint[])
           and status in ('V', 'D')
           and account_id <> %(by)s
        on conflict (project_id, object_id, account_id) do update
           set by_id = excluded.by_id, version = excluded.version, taxon_id = excluded.taxon_id,
               comment = excluded.comment, at = now()
        returning object_id
        """,
        {"project_id": project.id, "ids": array(ids), "by": account.id, "comment": comment.strip()[:1000]},
    ).fetchall()
    ids_sent = sorted(row.object_id for row in rows)
    if rows:
        _count_as_wrong(db, project.id, ids_sent)
        # They are their author's to look at now, and not kept for the reviewer.
        db.execute(
            "delete from reservation where project_id = %s and account_id = %s and object_id = any(%s::bigint[])",
            [project.id, account.id, array(ids_sent)],
        )
        comment_on(db, project, account.id, ids_sent, comment)
    return SentBack(len(rows), len(set(ids)) - len(rows), ids_sent)


def _count_as_wrong(db: Db, project_id: int, ids: list[int]) -> None:
    """In every review that drew just these labels."""
    db.execute(
        """
        update review_object as drawn
           set is_sent_back = true
          from review, label
         where review.project_id = %(project_id)s
           and drawn.review_id = review.id
           and drawn.object_id = any(%(ids)s::bigint[])
           and label.project_id = review.project_id
           and label.object_id = drawn.object_id
           and label.version = drawn.version
        """,
        {"project_id": project_id, "ids": array(ids)},
    )


def read(db: Db, project_id: int, account_id: int | None = None, limit: int = 200) -> list[Returned]:
    """What waits for its authors, or for one of them; the latest first."""
    rows = db.execute(
        f"""
        select returned.object_id, returned.account_id, whose.name as account, label.taxon_id,
               taxon.display_name as taxon, sender.name as by, returned.comment, returned.at
        {IN_FORCE}
          join account as whose on whose.id = returned.account_id
          join taxon on taxon.id = label.taxon_id
          left join account as sender on sender.id = returned.by_id
         where returned.project_id = %(project_id)s
           and (%(account_id)s::int is null or returned.account_id = %(account_id)s)
         order by returned.at desc, returned.object_id
         limit %(limit)s
        """,
        {"project_id": project_id, "account_id": account_id, "limit": limit},
    )
    return [Returned(*row) for row in rows]


def of_person(db: Db, account_id: int) -> list[Any]:
    """By project that the person may still label in: id, title, and how many labels were sent back."""
    return db.execute(
        f"""
        select project.id, project.title, count(*) as n
        {IN_FORCE}
          join project on project.id = returned.project_id
          join account on account.id = returned.account_id
          left join member on member.project_id = project.id and member.account_id = account.id
         where returned.account_id = %s
           and (account.is_application_manager or member.role in ('annotator', 'manager'))
         group by project.id
         order by project.title
        """,
        [account_id],
    ).fetchall()


def answer(db: Db, project_id: int, account_id: int, object_ids: list[int]) -> None:
    """The author has said it again, be it the same."""
    db.execute(
        "delete from returned where project_id = %s and account_id = %s and object_id = any(%s::bigint[])",
        [project_id, account_id, array(object_ids)],
    )


@source("returned", "what was sent back to you")
def find_returned(db: Db, project: Batched, account: Labeller, args: dict[str, Any], limit: int) -> Found:
    """One's own labels that a reviewer sent back, the latest first."""
    known_args(args)
    (ids,) = fetch_arrays(
        db,
        f"""
        select array_agg(returned.object_id order by returned.at desc, returned.object_id)
        {IN_FORCE}
         where returned.project_id = %s
           and returned.account_id = %s
        """,
        [project.id, account.id],
    )
    found = np.empty(0, np.int64) if ids is None else ids
    return Found(found[:limit], title="Sent back to you", opens_marked=False)
