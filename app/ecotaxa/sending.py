"""Sends labels to EcoTaxa that changed here alone, those that somebody was shown, and agrees on them piece by piece."""

from typing import Any

from app.database import Db
from app.ecotaxa.client import CLASSIFIED_AT_ONCE, EcoTaxa
from app.ecotaxa.visits import Link, Report
from app.errors import Refused
from app.jobs.context import JobContext
from app.nouns import counted


def send(db: Db, remote: EcoTaxa, link: Link, report: Report, job: JobContext) -> None:
    """`db` in autocommit. What was sent before trouble came is agreed on, and told."""
    total: Any = db.execute(
        "select count(*) as n from ecotaxa_object where project_id = %s and difference = 'send'", [link.project_id]
    ).fetchone()
    for status in ("V", "D"):
        after = 0
        while rows := _next(db, link.project_id, status, after):
            ids, numbers = [row.remote_id for row in rows], [row.number for row in rows]
            try:
                remote.classify(ids, numbers, status)
            except Refused as refusal:
                raise Refused(
                    f"{counted(report.n_sent, 'label was', 'labels were')} sent, and then: {refusal.sentence} The rest"
                    " is still to be sent: compare again.",
                    refusal.status,
                ) from refusal
            _agree(db, link.project_id, status, ids, numbers, [row.now_taxon_id for row in rows])
            report.n_sent, after = report.n_sent + len(rows), ids[-1]
            job.progress(report.n_sent, total.n, "labels", "sending")


def _next(db: Db, project_id: int, status: str, after: int) -> list[Any]:
    """The next that are to be sent still, and stand here as they were shown."""
    return db.execute(
        """
        select theirs.remote_id, label.taxon_id as now_taxon_id, coalesce(said.remote_id, taxon.ecotaxa_id) as number
        from ecotaxa_object as theirs
        join label on label.project_id = %(project)s
                  and label.object_id = theirs.object_id
        join taxon on taxon.id = label.taxon_id
        left join ecotaxa_taxon as said on said.project_id = %(project)s
                                       and said.taxon_id = label.taxon_id
        where theirs.project_id = %(project)s
          and theirs.difference = 'send'
          and theirs.remote_id > %(after)s
          and label.version = theirs.seen_version
          and label.status = %(status)s
          and coalesce(said.remote_id, taxon.ecotaxa_id) is not null
        order by theirs.remote_id
        limit %(most)s
        """,
        {"project": project_id, "status": status, "after": after, "most": CLASSIFIED_AT_ONCE},
    ).fetchall()


def _agree(
    db: Db, project_id: int, status: str, remote_ids: list[int], numbers: list[int], taxon_ids: list[int]
) -> None:
    """On what was sent, whatever happened here meanwhile."""
    db.execute(
        """
        update ecotaxa_object
        set status = %(status)s,
            taxon_id = sent.number,
            base_status = %(status)s,
            base_taxon_id = sent.number,
            our_status = %(status)s,
            our_taxon_id = sent.taxon_id,
            difference = null,
            seen_version = null
        from unnest(%(ids)s::bigint[], %(numbers)s::int[], %(taxa)s::int[]) as sent (remote_id, number, taxon_id)
        where ecotaxa_object.project_id = %(project)s
          and ecotaxa_object.remote_id = sent.remote_id
        """,
        {"project": project_id, "status": status, "ids": remote_ids, "numbers": numbers, "taxa": taxon_ids},
    )
