"""For whom a command acts: the person that --as names, held to their own rights, else who made the project."""

from app.accounts.viewer import Account, Viewer
from app.database import Db
from app.errors import Forbidden, NotFound, Refused
from app.projects import access


def account_with(db: Db, email: str) -> Account:
    """The person with this e-mail, who may log in."""
    row = db.execute(
        "select id, email, name, is_application_manager, blocked_at from account where lower(email) = lower(%s)",
        [email],
    ).fetchone()
    if row is None:
        raise NotFound(f"Nobody has the e-mail {email!r} here: “shoal user list” lists who has, “shoal user add” adds.")
    if row.blocked_at is not None:
        raise Forbidden(f"{row.email} is blocked: name another person with --as.")
    return Account(row.id, row.email, row.name, row.is_application_manager)


def manager_of(db: Db, project_id: int, email: str | None, does: str) -> int | None:
    """The person named, where they manage the project, else who made it. `does`: what is tried, such as import into."""
    if email is None:
        row = db.execute("select created_by from project where id = %s", [project_id]).fetchone()
        return row.created_by if row else None
    account = account_with(db, email)
    role = access.role_in(db, Viewer(account), project_id)
    if role != access.MANAGER["role"]:
        raise Forbidden(
            f"{account.email} may not {does} this project: that needs the role manager, and theirs is"
            f" {role or 'none'}. Ask a manager of the project, or name another person with --as."
        )
    return account.id


def owner_of(db: Db, email: str | None) -> int:
    """Of a project that is made: the application manager named, else the only one."""
    if email is not None:
        account = account_with(db, email)
        if not account.is_application_manager:
            raise Forbidden(
                f"{account.email} may not create projects: only application managers do. Name one with --as"
                " (`shoal user list` says who is one), or make them one: `shoal user manager`."
            )
        return account.id
    rows = db.execute("select id from account where is_application_manager and blocked_at is null").fetchall()
    if len(rows) != 1:
        raise Refused("Say whose it is with --as EMAIL (`shoal user list` lists the accounts).")
    return int(rows[0].id)
