"""The people of this server as lists: searched and paged by name, found while one types, one with all about them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.accounts.queries import COLUMNS
from app.database import Db
from app.errors import NotFound
from app.paging import cursor_of, id_and_key

PAGE = 50
MOST_FOUND = 10
WHICH = {
    "": "Everybody",
    "managers": "Application managers",
    "waiting": "No password yet",
    "blocked": "Blocked",
    "removed": "Removed",
}
# The condition of each choice. Removed ones are shown only where they are asked for.
CONDITIONS = {
    "": "removed_at is null",
    "managers": "is_application_manager and removed_at is null",
    "waiting": "password_hash is null and removed_at is null",
    "blocked": "blocked_at is not null and removed_at is null",
    "removed": "removed_at is not null",
}


@dataclass(frozen=True)
class FoundPerson:
    """Somebody as a field offers them while one types."""

    id: int
    name: str
    email: str
    organisation: str


def pattern(typed: str) -> str:
    """What `like` takes for a text that contains what was typed."""
    cleaned = " ".join(typed.replace("\0", " ").lower().split())
    return "%" + cleaned.translate({ord(sign): f"\\{sign}" for sign in "\\%_"}) + "%"


def list_people(db: Db, search: str = "", which: str = "", after: str = "") -> tuple[list[Any], str]:
    """A page of people by name, and the cursor of the next page, '' on the last."""
    after_id, after_name = id_and_key(after)
    rows = db.execute(
        f"""
        with page as (
            select {COLUMNS}, lower(name) as sorted_by
            from account
            where {CONDITIONS[which]}
              and (%(search)s = '%%%%' or found_by like %(search)s)
              and (%(after_id)s::bigint is null or (lower(name), id) > (%(after_name)s, %(after_id)s))
            order by lower(name), id
            limit %(limit)s
        )
        select page.*,
               (select max(seen_at) from session where session.account_id = page.id) as seen_at,
               (select count(*) from member where member.account_id = page.id) as n_projects
        from page
        order by sorted_by, id
        """,  # noqa: S608 (constants)
        {"search": pattern(search), "after_id": after_id, "after_name": after_name, "limit": PAGE + 1},
    ).fetchall()
    page = rows[:PAGE]
    return page, cursor_of(page[-1].id, page[-1].sorted_by) if len(rows) > PAGE else ""


def find_people(db: Db, typed: str, not_in_project: int | None = None) -> list[FoundPerson]:
    """Who may be meant: a word of name or organisation, or the email, begins with what was typed."""
    beginning = pattern(typed)[1:]
    if beginning == "%":
        return []
    rows = db.execute(
        """
        select id, name, email, organisation
        from account
        where removed_at is null
          and blocked_at is null
          and found_by like '%% ' || %(word)s
          and not exists (select from member where account_id = account.id and project_id = %(project_id)s)
        order by lower(name), id
        limit %(limit)s
        """,
        {"word": beginning, "project_id": not_in_project, "limit": MOST_FOUND},
    )
    return [FoundPerson(*row) for row in rows]


def read_person(db: Db, account_id: int) -> Any:
    """One account with when it was last seen and who invited it."""
    row = db.execute(
        f"""
        with one as (
            select {COLUMNS}, invited_by from account where id = %s
        )
        select one.*, inviter.name as inviter,
               (select max(seen_at) from session where session.account_id = one.id) as seen_at,
               (select count(*) from session where session.account_id = one.id) as n_sessions,
               (select at from act where act.account_id = one.id order by id desc limit 1) as acted_at
        from one
        left join account inviter on inviter.id = one.invited_by
        """,  # noqa: S608 (constant)
        [account_id],
    ).fetchone()
    if row is None:
        raise NotFound("There is no such account. It may have been removed.")
    return row


@dataclass(frozen=True)
class Membership:
    """A project of one person; `alone`: no other manager of it is left who can log in."""

    id: int
    title: str
    role: str
    alone: bool
    labelled_at: datetime | None


def memberships(db: Db, account_id: int) -> list[Membership]:
    rows = db.execute(
        """
        select project.id, project.title, member.role,
               member.role = 'manager' and not exists (
                   select from member other
                   join account on account.id = other.account_id
                   where other.project_id = project.id
                     and other.account_id <> member.account_id
                     and other.role = 'manager'
                     and account.blocked_at is null
               ) as alone,
               (select at from act
                where act.project_id = project.id and act.account_id = member.account_id
                order by id desc limit 1) as labelled_at
        from member
        join project on project.id = member.project_id
        where member.account_id = %s
        order by lower(project.title), project.id
        """,
        [account_id],
    )
    return [Membership(*row) for row in rows]
