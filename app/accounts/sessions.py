"""Sessions of our own: a random token in a cookie, only its digest in the database, new at every login."""

import hashlib
import secrets
from datetime import timedelta
from typing import Any

from litestar.datastructures import Cookie

from app.accounts.viewer import Account, Viewer
from app.database import Db

IDLE = timedelta(days=14)
LONGEST = timedelta(days=60)


def digest(token: str) -> bytes:
    """What is stored of a random token: 256 bits of chance need no salt and no slow hash."""
    return hashlib.sha256(token.encode()).digest()


def cookie_name(secure: bool) -> str:
    """Over HTTPS the prefix makes browsers refuse a cookie that another host or plain HTTP has planted."""
    return "__Host-shoal" if secure else "shoal"


def session_cookie(token: str, secure: bool) -> Cookie:
    return Cookie(
        key=cookie_name(secure),
        value=token,
        path="/",
        max_age=int(LONGEST.total_seconds()),
        httponly=True,
        secure=secure,
        samesite="lax",
    )


def expired_cookie(secure: bool) -> Cookie:
    return Cookie(key=cookie_name(secure), value="", path="/", max_age=0, httponly=True, secure=secure, samesite="lax")


def start_session(db: Db, account_id: int, user_agent: str, address: str) -> str:
    """A new session's token. What has expired is swept on the way."""
    token = secrets.token_urlsafe(32)
    db.execute("delete from session where expires_at < now() or seen_at < now() - %s", [IDLE])
    db.execute(
        """
        insert into session (token_hash, account_id, expires_at, user_agent, address)
        values (%s, %s, now() + %s, %s, %s)
        """,
        [digest(token), account_id, LONGEST, user_agent[:300], address],
    )
    return token


def find_session(db: Db, token: str) -> Viewer | None:
    """The account behind a cookie. `seen_at` is written at most once a minute: a page has hundreds of images."""
    row = db.execute(
        """
        select s.token_hash, s.seen_at < now() - interval '1 minute' as stale,
               a.id, a.email, a.name, a.is_application_manager, a.keys
        from session s
        join account a on a.id = s.account_id
        where s.token_hash = %s
          and s.expires_at > now()
          and s.seen_at > now() - %s
          and a.blocked_at is null
        """,
        [digest(token), IDLE],
    ).fetchone()
    if row is None:
        return None
    if row.stale:
        db.execute("update session set seen_at = now() where token_hash = %s", [row.token_hash])
    account = Account(row.id, row.email, row.name, row.is_application_manager, row.keys)
    return Viewer(account, session_hash=row.token_hash)


def list_sessions(db: Db, account_id: int) -> list[Any]:
    return db.execute(
        """
        select encode(token_hash, 'hex') as id, token_hash, created_at, seen_at, user_agent, address
        from session
        where account_id = %s
          and expires_at > now()
          and seen_at > now() - %s
        order by seen_at desc
        """,
        [account_id, IDLE],
    ).fetchall()


def browser_name(user_agent: str) -> str:
    """“Firefox on Linux” of what a browser says of itself, where it is one of the usual ones."""
    browsers = ("Firefox", "Edg", "OPR", "Chrome", "Safari")
    systems = ("Android", "iPhone", "iPad", "Windows", "Mac OS X", "CrOS", "Linux")
    browser = next((name for name in browsers if f"{name}/" in user_agent), "")
    system = next((name for name in systems if name in user_agent), "")
    if not browser or not system:
        return user_agent
    said = {"Edg": "Edge", "OPR": "Opera", "Mac OS X": "macOS", "CrOS": "ChromeOS"}
    return f"{said.get(browser, browser)} on {said.get(system, system)}"


def end_session(db: Db, account_id: int, token_hash: bytes) -> bool:
    ended = db.execute("delete from session where account_id = %s and token_hash = %s", [account_id, token_hash])
    return ended.rowcount == 1


def end_sessions(db: Db, account_id: int, except_hash: bytes | None = None) -> int:
    """End all sessions of an account, but for the one at hand."""
    ended = db.execute(
        "delete from session where account_id = %s and token_hash is distinct from %s", [account_id, except_hash]
    )
    return ended.rowcount
