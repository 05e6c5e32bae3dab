"""Accounts: found, made, blocked, and given a password."""

import re
from typing import Any

from app.accounts.orcid import read_orcid
from app.accounts.passwords import check_strength, hash_password, is_outdated, matches
from app.accounts.sessions import end_sessions
from app.accounts.throttle import check_attempts, forget_failures, note_failure
from app.accounts.tokens import revoke_tokens
from app.database import Db
from app.errors import Conflict, NotFound, Refused

EMAIL = re.compile(r"[^@\s\x00]+@[^@\s\x00]+")
COLUMNS = """id, email, name, organisation, orcid, password_hash is not null as has_password, is_application_manager,
             blocked_at, removed_at, created_at"""


def find_account(db: Db, email: str) -> Any:
    """The account of an email address, in whatever case it is typed."""
    row = db.execute(
        f"select {COLUMNS} from account where lower(email) = lower(%s)",  # noqa: S608 (constant)
        [email.strip()],
    ).fetchone()
    if row is None:
        raise NotFound(f"There is no account for {email.strip()}.")
    return row


def read_account(db: Db, account_id: int) -> Any:
    row = db.execute(f"select {COLUMNS} from account where id = %s", [account_id]).fetchone()  # noqa: S608 (constant)
    if row is None:
        raise NotFound("There is no such account.")
    return row


def list_accounts(db: Db) -> list[Any]:
    return db.execute(
        f"select {COLUMNS} from account where removed_at is null order by lower(email)"  # noqa: S608 (constant)
    ).fetchall()


def make_account(
    db: Db,
    email: str,
    name: str = "",
    *,
    password: str | None = None,
    is_application_manager: bool = False,
    invited_by: int | None = None,
) -> int:
    """A new account's id. Without a password it logs in by a one-time link and chooses one."""
    email, name = email.strip(), name.strip()
    if not EMAIL.fullmatch(email) or len(email) > 320:
        raise Refused(f"{email!r} is no email address.", status=422)
    name = name or email.partition("@")[0]
    if password is not None:
        check_strength(password, email=email, name=name)
    row = db.execute(
        """
        insert into account (email, name, password_hash, is_application_manager, invited_by)
        values (%s, %s, %s, %s, %s)
        on conflict (lower(email)) do nothing
        returning id
        """,
        [email, name[:200], hash_password(password) if password else None, is_application_manager, invited_by],
    ).fetchone()
    if row is None:
        raise Conflict(f"There is an account for {email} already.")
    account_id: int = row.id
    return account_id


def log_in(db: Db, email: str, password: str, address: str) -> int | None:
    """The account's id for the right password, else None, which is counted."""
    check_attempts(db, email, address)
    row = db.execute(
        "select id, password_hash from account where lower(email) = lower(%s) and blocked_at is null", [email.strip()]
    ).fetchone()
    if not matches(password, row.password_hash if row else None):
        note_failure(db, email, address)
        return None
    forget_failures(db, email)
    if is_outdated(row.password_hash):
        db.execute("update account set password_hash = %s where id = %s", [hash_password(password), row.id])
    account_id: int = row.id
    return account_id


def set_password(db: Db, account_id: int, password: str, keep_session: bytes | None = None) -> None:
    """A new password ends every other session: whoever knew the old one is out."""
    row = db.execute("select email, name from account where id = %s", [account_id]).fetchone()
    check_strength(password, email=row.email, name=row.name)
    db.execute("update account set password_hash = %s where id = %s", [hash_password(password), account_id])
    end_sessions(db, account_id, except_hash=keep_session)


def is_present_password(db: Db, account_id: int, password: str, address: str) -> bool:
    """Whether somebody who is logged in is really that person; counted like a login."""
    row = db.execute("select email, password_hash from account where id = %s", [account_id]).fetchone()
    if row.password_hash is None:
        return True
    check_attempts(db, row.email, address)
    if matches(password, row.password_hash):
        return True
    note_failure(db, row.email, address)
    return False


def block_account(db: Db, account_id: int) -> None:
    """Nobody gets in with this account any more, by session, token or link. Its labels stay."""
    refuse_last_manager(db, account_id)
    db.execute("update account set blocked_at = coalesce(blocked_at, now()) where id = %s", [account_id])
    end_sessions(db, account_id)
    revoke_tokens(db, account_id)


def unblock_account(db: Db, account_id: int) -> None:
    if read_account(db, account_id).removed_at:
        raise Conflict("This account was removed, and cannot be let in again. Make a new one.")
    db.execute("update account set blocked_at = null where id = %s", [account_id])


def make_application_manager(db: Db, account_id: int, yes: bool) -> None:
    """Give or take the right to make projects and to see all."""
    if not yes:
        refuse_last_manager(db, account_id)
    elif read_account(db, account_id).blocked_at:
        raise Conflict("Nobody gets in with this account. Unblock it before you make it an application manager.")
    db.execute("update account set is_application_manager = %s where id = %s", [yes, account_id])


def is_last_manager(db: Db, account_id: int) -> bool:
    """For pages, which offer nothing that would be refused."""
    managers = db.execute("select id from account where is_application_manager and blocked_at is null limit 2")
    return [row.id for row in managers] == [account_id]


def refuse_last_manager(db: Db, account_id: int) -> None:
    """A server without an application manager could not be managed any more. Locked, so that two cannot both go."""
    managers = db.execute(
        "select id from account where is_application_manager and blocked_at is null for update"
    ).fetchall()
    if [row.id for row in managers] == [account_id]:
        raise Conflict("This is the last application manager. Make another one first.")


def change_profile(db: Db, account_id: int, name: str, organisation: str, orcid: str) -> None:
    name, organisation, orcid = name.strip(), organisation.strip(), read_orcid(orcid)
    if not name or len(name) > 200 or not name.isprintable():
        raise Refused("A name has 1 to 200 letters: others see it beside what was labelled.", status=422)
    if len(organisation) > 200:
        raise Refused("The organisation takes 200 letters. Shorten it.", status=422)
    db.execute(
        "update account set name = %s, organisation = %s, orcid = %s where id = %s and removed_at is null",
        [name, organisation, orcid, account_id],
    )
