"""Removing an account: gone without a trace where it did nothing, else only its name stays beside what it did."""

from app.accounts.people import memberships
from app.accounts.queries import read_account, refuse_last_manager
from app.accounts.sessions import end_sessions
from app.accounts.tokens import revoke_tokens
from app.database import Db
from app.errors import Conflict

NOBODY = "someone who left"


class NoSuccessor(Conflict):
    """Projects would be left that nobody manages."""


def remove_account(db: Db, account_id: int, *, forget_name: bool = False, successor_id: int | None = None) -> bool:
    """True where it was deleted whole, False where its name (or “someone who left”) stays in history.

    Projects that it alone manages go to the successor; without one the removal is refused, and names them.
    """
    db.execute("select 1 from account where id = %s for update", [account_id])
    account = read_account(db, account_id)
    if account.removed_at:
        raise Conflict(f"{account.name} was removed already.")
    refuse_last_manager(db, account_id)
    _hand_over(db, account_id, successor_id)
    if not left_traces(db, account_id):
        db.execute("delete from account where id = %s", [account_id])
        return True
    end_sessions(db, account_id)
    revoke_tokens(db, account_id)
    db.execute("delete from login_link where account_id = %s", [account_id])
    db.execute("delete from member where account_id = %s", [account_id])
    db.execute(
        """
        update account
        set email = 'removed-' || id, password_hash = null, is_application_manager = false, organisation = '',
            orcid = '', blocked_at = coalesce(blocked_at, now()), removed_at = now(),
            name = case when %s then %s else name end
        where id = %s
        """,
        [forget_name, NOBODY, account_id],
    )
    return False


def _hand_over(db: Db, account_id: int, successor_id: int | None) -> None:
    """Give the projects that nobody else manages to the successor. They are locked, so that nobody leaves meanwhile."""
    db.execute(
        """
        select 1 from project
        where id in (select project_id from member where account_id = %s and role = 'manager')
        order by id
        for update
        """,
        [account_id],
    )
    alone = [project for project in memberships(db, account_id) if project.alone]
    if not alone:
        return
    if successor_id is None or successor_id == account_id:
        titles = ", ".join(f"“{project.title}”" for project in alone[:5]) + (" and others" if len(alone) > 5 else "")
        raise NoSuccessor(f"Nobody else manages {titles}. Name who is to manage them from now on.")
    successor = read_account(db, successor_id)
    if successor.blocked_at or successor.removed_at:
        raise Conflict(f"{successor.name} cannot log in any more. Name somebody else to manage these projects.")
    db.execute(
        """
        insert into member (project_id, account_id, role)
        select project_id, %s, 'manager'
        from unnest(%s::int[]) as project_id
        on conflict (project_id, account_id) do update set role = 'manager'
        """,
        [successor_id, [project.id for project in alone]],
    )


def left_traces(db: Db, account_id: int) -> bool:
    """Whether anything names the account. Labels and history, which have no index by person, need no look: who is named
    there has acted, or was named by an import."""
    row = db.execute(
        """
        select exists (select from act where account_id = %(id)s)
            or exists (select from import where account_id = %(id)s)
            or exists (select from comment where account_id = %(id)s)
            or exists (select from run where account_id = %(id)s)
            or exists (select from taxon where created_by = %(id)s)
            or exists (select from project where created_by = %(id)s)
            or exists (select from account where id = %(id)s and named_by_import)
        """,
        {"id": account_id},
    ).fetchone()
    return bool(row[0])
