"""One-time links: to log in, to accept an invitation, to choose a new password."""

import secrets
from datetime import timedelta
from typing import Any

from app.accounts.sessions import digest
from app.database import Db
from app.errors import NotFound

LIFETIMES = {"login": timedelta(hours=1), "invitation": timedelta(days=7), "reset": timedelta(hours=24)}
SPENT = (
    "This link was used already, or it is too old. If you have chosen a password, log in with it; "
    "else ask whoever sent you the link for a new one."
)


def make_link(db: Db, account: Any, purpose: str, base_url: str) -> str:
    """An address that works once, for an account (or its id). Older unused links for the same purpose end."""
    account_id = account if isinstance(account, int) else account.id
    token = secrets.token_urlsafe(32)
    db.execute(
        "delete from login_link where account_id = %s and purpose = %s and used_at is null", [account_id, purpose]
    )
    db.execute(
        """
        insert into login_link (token_hash, account_id, purpose, expires_at)
        values (%s, %s, %s, now() + %s)
        """,
        [digest(token), account_id, purpose, LIFETIMES[purpose]],
    )
    return f"{base_url.rstrip('/')}/login/link/{token}"


def find_link(db: Db, token: str) -> Any:
    """The link's purpose and person, while it is good."""
    row = db.execute(
        """
        select l.purpose, a.id, a.email, a.name
        from login_link l
        join account a on a.id = l.account_id
        where l.token_hash = %s
          and l.used_at is null
          and l.expires_at > now()
          and a.blocked_at is null
        """,
        [digest(token)],
    ).fetchone()
    if row is None:
        raise NotFound(SPENT)
    return row


def use_link(db: Db, token: str) -> Any:
    """Spend the link. Of two who try at once, one succeeds."""
    row = db.execute(
        """
        update login_link l
        set used_at = now()
        from account a
        where a.id = l.account_id
          and l.token_hash = %s
          and l.used_at is null
          and l.expires_at > now()
          and a.blocked_at is null
        returning l.purpose, a.id, a.email, a.name
        """,
        [digest(token)],
    ).fetchone()
    if row is None:
        raise NotFound(SPENT)
    return row
