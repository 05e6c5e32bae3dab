"""An audit as it stands: its sample with the verdicts, the bound that follows, and whether that keeps the limit."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from psycopg.types.json import Jsonb

from app.database import Db
from app.errors import Conflict, NotFound, Refused
from app.nouns import counted
from indexer.audit import most_wrong

CONFIDENCE = 0.95
LIMIT = 0.05
# A job that failed, or was cancelled before it began, left its audit to be accepted again.
STATE = """
    case when audit.state = 'accepting'
              and not exists (select from job where job.id = audit.job_id and job.status in ('queued', 'running'))
         then 'open' else audit.state end
"""
NO_AUDIT = "This project has no such audit. The page of audits lists those that there are."


@dataclass(frozen=True)
class Wish:
    """What is to be accepted, and as what. `upto`: of so many only, the likeliest; `n`: so many random draws. `source`
    "found": all that a source of batches finds, however many, such as `query` {"kind": "predicted", "taxon_id": 5,
    "min_score": 0.9} or {"kind": "cluster", "cluster_ids": [7, 9]}; its `source_id` is 0."""

    client_id: UUID
    source: Literal["batch", "pile", "found"]
    source_id: int
    taxon_id: int
    status: Literal["V", "D"] = "V"
    upto: int | None = None
    n: int | None = None
    query: dict[str, Any] | None = None


@dataclass(frozen=True)
class Verdict:
    """Of one object of the sample: whether it is of the taxon; of a stranger what it is, if one knows."""

    id: int
    is_right: bool
    taxon_id: int | None = None


@dataclass(frozen=True)
class Drawn:
    """One object of the sample. `is_right` is null until it is judged. `seen_by`: accounts; to judge it one must have
    seen it oneself."""

    id: int
    is_random: bool
    is_right: bool | None
    taxon_id: int | None
    taxon: str | None
    seen_by: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class Audit:
    """An audit as it stands. `n` objects are its pile, of which the sample was drawn; `n_shown` of them were judged
    before, in earlier audits of the same, and are not of the sample; `upto`: so many were asked for, the likeliest.
    What was deleted before it was judged is not of the sample. `n_sample` and `n_wrong` count the random draws over all
    audits of these; `bound` is the share that is wrong at most, the strangers corrected, once all are judged.
    `may_accept`: the bound keeps the limit. `asked_by`: who asks a manager to decide."""

    id: int
    source: str
    source_id: int
    title: str
    taxon_id: int
    taxon: str
    status: str
    state: str
    n: int
    n_sample: int
    n_judged: int
    n_wrong: int
    look: int
    bound: float | None
    n_wrong_at_most: int | None
    confidence: float
    limit: float
    may_accept: bool
    words: str
    reason: str
    act_id: int | None
    account: str | None
    account_id: int | None
    made_at: datetime
    sample: list[Drawn]
    query: dict[str, Any] | None = None  # of "found": its source
    job_id: int | None = None  # the job that accepts it, where there are many
    waived: bool = False  # accepted by a program without a sample, so that no bound is known; `reason` says why
    upto: int | None = None
    n_shown: int = 0
    asked_by: str | None = None
    asked_by_id: int | None = None

    @property
    def n_strangers(self) -> int:
        return sum(one.is_right is False for one in self.sample)

    @property
    def n_labelled(self) -> int:
        """What accepting labels, unless somebody labels of it meanwhile."""
        return self.n - self.n_strangers

    @property
    def n_never_shown(self) -> int:
        return max(self.n - self.n_shown - len(self.sample), 0)


def limit_of(db: Db, project_id: int) -> float:
    """The share of wrong ones that the project allows without a manager's word."""
    row = db.execute("select settings ->> 'audit_limit' from project where id = %s", [project_id]).fetchone()
    return float(row[0]) if row and row[0] is not None else LIMIT


def set_limit(db: Db, project_id: int, share: float) -> None:
    if not 0 < share <= 0.5:
        raise Refused("The limit is a share above 0 and at most 0.5: 0.05 allows 5 % of wrong labels.")
    db.execute(
        "update project set settings = settings || %s where id = %s", [Jsonb({"audit_limit": share}), project_id]
    )


def may_waive(db: Db, project_id: int) -> bool:
    """Whether programs of annotators may accept without a sample; those of managers always may."""
    row = db.execute("select settings ->> 'waiving' from project where id = %s", [project_id]).fetchone()
    return row is None or row[0] != "false"


def set_waiving(db: Db, project_id: int, allowed: bool) -> None:
    db.execute("update project set settings = settings || %s where id = %s", [Jsonb({"waiving": allowed}), project_id])


def find(db: Db, project_id: int, audit_id: int) -> Audit:
    found = read(db, project_id, audit_id=audit_id)
    if not found:
        raise NotFound(NO_AUDIT)
    return found[0]


def read(db: Db, project_id: int, *, audit_id: int | None = None, state: str = "", limit: int = 100) -> list[Audit]:
    """Audits of a project, the latest first."""
    rows = db.execute(
        f"""
        select audit.id, audit.source, source_id, audit.taxon_id, audit.status, {STATE} as state, audit.act_id, look,
               coalesce(nullif(reason, ''), act.detail -> 'audit' ->> 'reason', '') as reason,
               coalesce((act.detail -> 'audit' -> 'waived')::boolean, false) as waived,
               n_before, n_wrong_before, limit_share, audit.account_id, audit.made_at, audit.job_id,
               audit.query -> 'source' as query, taxon.display_name as taxon, account.name as account,
               cardinality(object_ids) as n_unseen, n_pile, n_shown, upto, asked_by as asked_by_id,
               asker.name as asked_by,
               coalesce(batch.title, pile.name, audit.query ->> 'title', 'a batch that expired') as title,
               array(select json_build_object('id', object_id, 'is_random', is_random, 'is_right', is_right,
                                              'taxon_id', audit_object.taxon_id, 'taxon', given.display_name,
                                              'seen_by', seen_by)
                       from audit_object
                       left join taxon as given on given.id = audit_object.taxon_id
                      where audit_object.audit_id = audit.id
                        and (is_right is not null
                             or exists (select
                                          from object
                                         where object.project_id = audit.project_id
                                           and object.id = object_id))
                      order by is_random desc, hashint8(object_id)) as sample
          from audit
          join taxon on taxon.id = audit.taxon_id
          left join account on account.id = audit.account_id
          left join account as asker on asker.id = audit.asked_by
          left join act on act.id = audit.act_id
          left join batch on audit.source = 'batch' and batch.id = audit.source_id
          left join pile on audit.source = 'pile' and pile.id = audit.source_id
         where audit.project_id = %(project_id)s
           and (%(audit_id)s::bigint is null or audit.id = %(audit_id)s)
           and (%(state)s = '' or {STATE} = %(state)s)
         order by audit.id desc
         limit %(limit)s
        """,  # noqa: S608 (constant)
        {"project_id": project_id, "audit_id": audit_id, "state": state, "limit": limit},
    ).fetchall()
    return [_audit(row) for row in rows]


def _audit(row: Any) -> Audit:
    sample = [Drawn(**one) for one in row.sample]
    random = [one for one in sample if one.is_random]
    n_sample, n_all = row.n_before + len(random), row.n_pile
    n_judged = row.n_before + sum(one.is_right is not None for one in random)
    n_wrong = row.n_wrong_before + sum(one.is_right is False for one in random)
    is_judged = all(one.is_right is not None for one in sample)
    most = most_wrong(n_all, n_sample, n_wrong, CONFIDENCE, row.look) - n_wrong if is_judged else None
    # The least likely, which are no random draws, are judged too: with them, nothing may be left to be wrong.
    is_whole = is_judged and row.n_shown + len(sample) >= row.n_unseen
    most = None if row.waived else 0 if is_whole else most
    n_known_wrong = row.n_wrong_before + sum(one.is_right is False for one in sample)
    bound = None if most is None else most / max(n_all - n_wrong, 1)
    words = _words(n_sample, n_wrong, bound, n_all)
    if row.waived:
        words = _waived(row)
    elif is_whole:
        words = f"{n_known_wrong:,} wrong of {n_all:,}: all were judged"
    limit = round(float(row.limit_share), 6)
    cut = f", the {row.upto:,} likeliest" if row.upto else ""
    return Audit(
        row.id, row.source, row.source_id, f"{row.title}{cut}", row.taxon_id, row.taxon, row.status, row.state,
        row.n_unseen, n_sample, n_judged, n_wrong, row.look, bound, most, CONFIDENCE, limit,
        may_accept=bound is not None and bound <= limit,
        words=words,
        reason=row.reason, act_id=row.act_id, account=row.account, account_id=row.account_id, made_at=row.made_at,
        sample=sample, query=row.query, job_id=row.job_id, waived=row.waived, upto=row.upto, n_shown=row.n_shown,
        asked_by=row.asked_by, asked_by_id=row.asked_by_id,
    )  # fmt: skip


def _waived(row: Any) -> str:
    who, why = row.account or "someone who left", row.reason or "no reason given"
    return f"waived by a program of {who}, {counted(row.n_unseen, 'object')} without a sample: {why}"


def _words(n_sample: int, n_wrong: int, bound: float | None, n: int) -> str:
    """`n`: of which the draws were, the strangers with them that were corrected before."""
    if bound is None:
        return f"{n_sample:,} of {n:,} objects drawn at random"
    return (
        f"{n_wrong:,} wrong of {n_sample:,}: at most {100 * bound:.1f} % wrong at 95 % confidence,"
        f" {counted(n, 'object')}"
    )


def lock(db: Db, project_id: int, audit_id: int) -> int | None:
    """Wait for whoever works the audit; the job that accepts it, or did."""
    row = db.execute(
        "select job_id from audit where project_id = %s and id = %s for no key update", [project_id, audit_id]
    ).fetchone()
    if row is None:
        raise NotFound(NO_AUDIT)
    return None if row.job_id is None else int(row.job_id)


def hold(db: Db, project_id: int, audit_id: int) -> Any:
    """The audit, for whoever is to change it: it is at work."""
    lock(db, project_id, audit_id)
    row = db.execute(f"select audit.*, {STATE} as state_now from audit where id = %s", [audit_id]).fetchone()  # noqa: S608
    if row.state_now == "accepting":
        raise Conflict("A job is accepting what this audit is of: look at its progress, or cancel it there.")
    if row.state_now not in ("open", "asked"):
        raise Conflict("This audit is over. Draw a new one to go on.")
    return row
