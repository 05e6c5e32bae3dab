"""Taxa that a manager signed off: void for what came, changed or left since, and shown so."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np

from app.batches.audit_state import limit_of
from app.batches.lineages import branch_of, names_of_taxa
from app.batches.review import given_since, list_reviews
from app.database import Db
from app.errors import Conflict, NotFound
from app.labels.acts import Labeller
from app.nouns import counted
from app.search.codes import DUBIOUS, VALIDATED
from app.search.mirror import Mirror, open_mirror
from app.taxonomy.names import UNKNOWN_TAXON


@dataclass(frozen=True)
class SignOff:
    """`n`: validated objects of the taxon and those below it, then. `n_since`: of those it has now, labelled since;
    `n_left`: those that left it. It holds for all while both are none. `n_doubts`: objects that stand beside it now,
    marked as a dubious one of it, of which it says nothing."""

    id: int
    taxon_id: int
    taxon: str
    account: str | None
    comment: str
    at: datetime
    n: int
    n_since: int
    n_left: int
    n_doubts: int
    holds: bool


def sign_off(
    db: Db, project_id: int, account: Labeller, taxon_id: int, comment: str, anyway: bool = False
) -> SignOff:  # fmt: skip
    """The taxon as it stands now; an earlier sign-off of it gives way. `anyway`: whatever doubts are open, and whatever
    its last review says."""
    if taxon_id not in names_of_taxa(db, [taxon_id]):
        raise NotFound(UNKNOWN_TAXON)
    mirror = open_mirror(db, project_id)
    against = [_doubted(db, mirror, taxon_id), _against(db, project_id, taxon_id)]
    if not anyway and any(against):
        words = " ".join(filter(None, against))
        raise Conflict(f'{words} Sign off anyway? A program says so with "anyway": true.')
    members = _members(db, mirror, taxon_id)
    row = db.execute(
        """
        insert into sign_off (project_id, taxon_id, account_id, n, comment)
        values (%s, %s, %s, %s, %s)
        returning id
        """,
        [project_id, taxon_id, account.id, int(members.sum()), comment.strip()[:1000]],
    ).fetchone()
    return next(one for one in read(db, project_id) if one.id == row.id)


def _doubted(db: Db, mirror: Mirror, taxon_id: int) -> str:
    """How many doubts nobody settled."""
    n = int(_members(db, mirror, taxon_id, DUBIOUS).sum())
    if not n:
        return ""
    name = names_of_taxa(db, [taxon_id])[taxon_id]
    return f"{counted(n, 'object')} of {name} {'are' if n != 1 else 'is'} marked dubious, and not settled."


def _against(db: Db, project_id: int, taxon_id: int) -> str:
    """What the last review of the taxon has against it: it is not finished, or too many labels are wrong."""
    last = next(iter(list_reviews(db, project_id, 1, taxon_id)), None)
    if last is None or not last.n:
        return ""
    if last.n_unjudged:
        return (
            f"The last review of {last.taxon} is not finished: {last.n_judged:,} of {last.n:,} are judged, and "
            f"{last.n_wrong:,} of these were wrong."
        )
    limit = limit_of(db, project_id)
    if last.share is None or last.share <= limit:
        return ""
    return (
        f"The last review of {last.taxon} found {last.n_wrong:,} of {last.n:,} wrong, which is {100 * last.share:.1f} "
        f"%; the project allows {100 * limit:g} %."
    )


def withdraw(db: Db, project_id: int, sign_off_id: int) -> None:
    done = db.execute(
        "update sign_off set withdrawn_at = coalesce(withdrawn_at, now()) where project_id = %s and id = %s",
        [project_id, sign_off_id],
    ).rowcount
    if not done:
        raise NotFound("This project has no such sign-off. It may have been withdrawn.")


def read(db: Db, project_id: int) -> list[SignOff]:
    """The last of each taxon that was not withdrawn, by name."""
    rows = db.execute(
        """
        select *
          from (select distinct on (sign_off.taxon_id) sign_off.*, taxon.display_name as taxon, account.name as account
                  from sign_off
                  join taxon on taxon.id = sign_off.taxon_id
                  left join account on account.id = sign_off.account_id
                 where project_id = %s
                 order by sign_off.taxon_id, sign_off.id desc) as latest
         where withdrawn_at is null
         order by taxon
        """,
        [project_id],
    ).fetchall()
    if not rows:
        return []
    mirror = open_mirror(db, project_id)
    told = []
    for row in rows:
        members = _members(db, mirror, row.taxon_id)
        since = int(np.count_nonzero(members & given_since(db, mirror, row.at)))
        left = max(row.n - (int(members.sum()) - since), 0)
        told.append(
            SignOff(row.id, row.taxon_id, row.taxon, row.account, row.comment, row.at, row.n, since, left,
                    int(_members(db, mirror, row.taxon_id, DUBIOUS).sum()), holds=not since and not left)
        )  # fmt: skip
    return told


def _members(db: Db, mirror: Mirror, taxon_id: int, status: int = VALIDATED) -> np.ndarray:
    return (mirror.status == status) & np.isin(mirror.taxon, branch_of(db, taxon_id))
