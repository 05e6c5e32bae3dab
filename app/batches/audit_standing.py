"""Audits of the same that stand when one more is wished: one's own goes on or gives way, a colleague's is joined or
told, and what waits for a manager is left to the manager."""

from typing import Any

from app.batches.audit_state import STATE, Audit, Wish
from app.database import Db
from app.errors import Conflict, Forbidden
from app.labels.acts import Labeller


def scope_of(query: dict[str, Any] | None, upto: int | None) -> dict[str, Any]:
    """The cut through a source: a range of scores, and so many."""
    least, most = (query or {}).get("min_score"), (query or {}).get("max_score")
    return {"least": float(least or 0), "most": 1.0 if most is None else float(most), "upto": upto}


def standing(db: Db, key: dict[str, Any]) -> list[Any]:
    """The latest first."""
    return db.execute(
        f"""
        select audit.id, {STATE} as state, audit.account_id, account.name as account, asker.name as asker, upto,
               audit.status, audit.query -> 'source' as query,
               coalesce(batch.title, pile.name, audit.query ->> 'title', 'a batch') as title,
               exists (select
                         from audit_object
                         join object on object.project_id = audit.project_id and object.id = object_id
                        where audit_id = audit.id
                          and is_right is null) as is_to_judge
          from audit
          left join account on account.id = audit.account_id
          left join account as asker on asker.id = audit.asked_by
          left join batch on audit.source = 'batch' and batch.id = audit.source_id
          left join pile on audit.source = 'pile' and pile.id = audit.source_id
         where audit.project_id = %(project_id)s and audit.source = %(source)s and audit.source_id = %(source_id)s
           and audit.taxon_id = %(taxon_id)s and {STATE} in ('open', 'asked', 'accepting')
         order by audit.id desc
        """,  # noqa: S608 (constant)
        key,
    ).fetchall()


def going_on(db: Db, account: Labeller, wish: Wish, key: dict[str, Any]) -> int | None:
    """The audit that goes on in place of a new one: sent before, or of the same pile and still to be judged, whoever
    drew it. None: nobody else's is in the way."""
    row = db.execute(
        "select id from audit where project_id = %s and client_id = %s", [key["project_id"], wish.client_id]
    ).fetchone()
    if row is not None:
        return int(row.id)
    rows = standing(db, key)
    _check_undecided(rows)
    for row in rows:
        same = (scope_of(row.query, row.upto), row.status) == (scope_of(wish.query, wish.upto), wish.status)
        if same and row.is_to_judge:
            return int(row.id)
    _check_own(rows, account)
    return None


def check_waiving(db: Db, account: Labeller, key: dict[str, Any]) -> None:
    rows = standing(db, key)
    _check_undecided(rows)
    _check_own(rows, account)


def _check_undecided(rows: list[Any]) -> None:
    for row in rows:
        if row.state == "asked":
            raise Conflict(
                f"An audit of these ({row.title}) waits for a manager, asked by {row.asker or 'someone who left'}: "
                "it stays as it is until it is decided, or until who asked leaves it."
            )
        if row.state == "accepting":
            raise Conflict(f"A job is accepting an audit of these ({row.title}): wait for it, or cancel it there.")


def _check_own(rows: list[Any], account: Labeller) -> None:
    for row in rows:
        if row.account_id not in (None, account.id):
            raise Conflict(
                f"{row.account} is at an audit of these ({row.title}), number {row.id}: go on in it, or ask "
                f"{row.account} or a manager to leave it."
            )


def may_leave(audit: Audit, account: Labeller, manager: bool) -> bool:
    """Who drew it leaves it, who asked a manager where one is asked, or a manager."""
    whose = audit.asked_by_id if audit.state == "asked" else audit.account_id
    return manager or whose in (None, account.id)


def check_leaving(audit: Audit, account: Labeller, manager: bool) -> None:
    if may_leave(audit, account, manager):
        return
    if audit.state == "asked":
        raise Forbidden(f"This audit waits for a manager, asked by {audit.asked_by}: either of them may leave it.")
    raise Forbidden(f"{audit.account} is at this audit: ask {audit.account}, or a manager, to leave it.")
