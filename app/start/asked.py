"""What others wait for: labels that a reviewer sent back to one, and audits that a manager is to decide."""

import numpy as np

from app.batches import returned
from app.start.way import Look, Way, spread


def asked_ways(look: Look) -> list[Way]:
    """They stand with what makes labels better: they bring no new ones."""
    return [*_returned(look), *_audits(look)]


def _returned(look: Look) -> list[Way]:
    ids = returned.find_returned(look.db, look.project, look.account, {}, returned.MOST).ids
    if not len(ids):
        return []
    says = "a reviewer asks you to look at your own labels again"
    return [Way("returned", "Sent back to you", says, len(ids), source={"kind": "returned"}, ids=spread(ids))]


def _audits(look: Look) -> list[Way]:
    """For managers: the objects of audits over the project's limit."""
    if not look.project.may("manager"):
        return []
    rows = look.db.execute(
        """
        select id, cardinality(object_ids) as n, object_ids[1:50] as some
          from audit
         where project_id = %s
           and state = 'asked'
         order by id
        """,
        [look.project.id],
    ).fetchall()
    if not rows:
        return []
    one = len(rows) == 1
    title = "An audit waits for you" if one else f"{len(rows):,} audits wait for you"
    says = "nobody saw them, and a manager is to decide whether they are accepted"
    url = f"/projects/{look.project.id}/audits" + (f"/{rows[0].id}" if one else "?only=asked")
    ids = spread(np.array([id for row in rows for id in row.some], np.int64))
    return [Way("asked", title, says, sum(row.n for row in rows), url=url, ids=ids)]
