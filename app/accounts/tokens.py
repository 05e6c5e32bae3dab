"""Personal tokens for programs: named, read-only or full, revocable, shown once."""

import secrets
from datetime import timedelta
from typing import Any

from app.accounts.sessions import digest
from app.accounts.viewer import Account, Viewer
from app.database import Db
from app.errors import NotFound, Refused

SCOPES = ("read", "full")
LONGEST_DAYS = 3650
PREFIX = "shoal_"


def make_token(db: Db, account_id: int, name: str, scope: str, days: int | None) -> tuple[int, str]:
    """The new token's id and its text, which is nowhere kept."""
    name = name.strip()
    if not name or len(name) > 100:
        raise Refused("Give the token a name of 1 to 100 letters, so that you know later what it is for.", status=422)
    if scope not in SCOPES:
        raise Refused(f"A token is for 'read' or 'full', not {scope!r}.", status=422)
    if days is not None and not 1 <= days <= LONGEST_DAYS:
        raise Refused(f"A token lasts 1 to {LONGEST_DAYS} days, or for ever if days are left empty.", status=422)
    token = PREFIX + secrets.token_urlsafe(32)
    row = db.execute(
        """
        insert into api_token (account_id, name, token_hash, scope, expires_at)
        values (%s, %s, %s, %s, now() + %s)
        returning id
        """,
        [account_id, name, digest(token), scope, timedelta(days=days) if days else None],
    ).fetchone()
    return row.id, token


def find_token(db: Db, token: str) -> Viewer | None:
    """The account behind a bearer token that is neither revoked nor expired."""
    row = db.execute(
        """
        select t.id as token_id, t.scope, a.id, a.email, a.name, a.is_application_manager,
               coalesce(t.used_at < now() - interval '1 minute', true) as stale
        from api_token t
        join account a on a.id = t.account_id
        where t.token_hash = %s
          and t.revoked_at is null
          and (t.expires_at is null or t.expires_at > now())
          and a.blocked_at is null
        """,
        [digest(token)],
    ).fetchone()
    if row is None:
        return None
    if row.stale:
        db.execute("update api_token set used_at = now() where id = %s", [row.token_id])
    account = Account(row.id, row.email, row.name, row.is_application_manager)
    return Viewer(account, token_id=row.token_id, read_only=row.scope == "read")


def list_tokens(db: Db, account_id: int) -> list[Any]:
    return db.execute(
        """
        select id, name, scope, created_at, expires_at, used_at, coalesce(expires_at < now(), false) as expired
        from api_token
        where account_id = %s
          and revoked_at is null
        order by id desc
        """,
        [account_id],
    ).fetchall()


def revoke_token(db: Db, account_id: int, token_id: int) -> None:
    revoked = db.execute(
        "update api_token set revoked_at = now() where id = %s and account_id = %s and revoked_at is null",
        [token_id, account_id],
    )
    if revoked.rowcount == 0:
        raise NotFound("You have no such token. It may have been revoked already.")


def revoke_tokens(db: Db, account_id: int) -> None:
    db.execute("update api_token set revoked_at = now() where account_id = %s and revoked_at is null", [account_id])
