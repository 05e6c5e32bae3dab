"""A project's members: listed with what they did, added, given a role, invited, removed."""

from typing import Any

from app.accounts import queries as accounts
from app.accounts.viewer import Viewer
from app.database import Db
from app.errors import Conflict, Forbidden, NotFound, Refused
from app.projects.access import Project

ROLES = {"visitor": "Visitor: looks", "annotator": "Annotator: labels", "manager": "Manager: everything"}


def list_members(db: Db, project_id: int) -> list[Any]:
    """Managers first. What they labelled is the sum of their acts that stand: work, not the labels in force."""
    return db.execute(
        """
        select a.id, a.name, a.email, a.organisation, a.orcid, m.role, a.blocked_at is not null as blocked,
               a.password_hash is not null as has_password, a.invited_by, a.is_application_manager,
               coalesce(done.n, 0) as n_labelled, done.at as labelled_at
        from member m
        join account a on a.id = m.account_id
        left join lateral (
            select sum(n_objects)::bigint as n, max(at) as at
            from act
            where act.project_id = m.project_id
              and act.account_id = m.account_id
              and act.kind in ('label', 'confirm', 'doubt')
              and act.reversed_by is null
        ) done on true
        where m.project_id = %s
        order by array_position(array['manager', 'annotator', 'visitor'], m.role), lower(a.name), a.id
        """,
        [project_id],
    ).fetchall()


def read_member(db: Db, project_id: int, account_id: int) -> Any:
    row = db.execute(
        "select role from member where project_id = %s and account_id = %s", [project_id, account_id]
    ).fetchone()
    if row is None:
        raise NotFound("This person is no member of the project.")
    return row


def set_member(db: Db, project_id: int, account_id: int, role: str) -> None:
    """Add a member, or change the role of one."""
    if role not in ROLES:
        raise Refused(f"A member is a visitor, an annotator or a manager; not {role!r}.", status=422)
    if role != "manager":
        keep_a_manager(db, project_id, account_id)
    db.execute(
        """
        insert into member (project_id, account_id, role)
        values (%s, %s, %s)
        on conflict (project_id, account_id) do update set role = excluded.role
        """,
        [project_id, account_id, role],
    )


def remove_member(db: Db, project_id: int, account_id: int) -> None:
    keep_a_manager(db, project_id, account_id)
    removed = db.execute("delete from member where project_id = %s and account_id = %s", [project_id, account_id])
    if removed.rowcount == 0:
        raise NotFound("This person is no member of the project.")


def keep_a_manager(db: Db, project_id: int, account_id: int) -> None:
    """Refuse to lose the last manager. The project's row is locked, so that two who leave at once do not both go."""
    db.execute("select 1 from project where id = %s for update", [project_id])
    row = db.execute(
        """
        select bool_or(account_id = %s) as is_one, bool_or(account_id <> %s) as has_another
        from member
        where project_id = %s
          and role = 'manager'
        """,
        [account_id, account_id, project_id],
    ).fetchone()
    if row.is_one and not row.has_another:
        raise Conflict("This is the project's last manager. Make somebody else a manager first.")


def add_member(db: Db, project: Project, viewer: Viewer, account: Any, role: str) -> None:
    """Who is a member already gets the role that is named now."""
    refuse_to_name_manager(project, viewer, role)
    if account.removed_at:
        raise NotFound(f"There is no account for {account.email}.")
    set_member(db, project.id, account.id, role)


def invite_member(db: Db, project: Project, viewer: Viewer, email: str, name: str, role: str) -> int:
    """Make an account that is a member from the start; Conflict where the address has one already."""
    refuse_to_name_manager(project, viewer, role)
    account_id = accounts.make_account(db, email, name, invited_by=viewer.account_id)
    set_member(db, project.id, account_id, role)
    return account_id


def may_renew_invitation(viewer: Viewer, person: Any) -> bool:
    """Whose invitation was lost gets another from who invited, or from an application manager.

    Nobody else: a link lets in as that person. Once there is a password, a new one is for application managers to give.
    """
    if person.has_password or person.blocked or person.is_application_manager:
        return False
    return viewer.is_application_manager or person.invited_by == viewer.account_id


def change_role(db: Db, project: Project, viewer: Viewer, account_id: int, role: str) -> None:
    if read_member(db, project.id, account_id).role != role:
        refuse_to_name_manager(project, viewer, role)
    set_member(db, project.id, account_id, role)


def refuse_to_name_manager(project: Project, viewer: Viewer, role: str) -> None:
    """Project managers register annotators and visitors; managers are registered by application managers."""
    if role == "manager" and not viewer.is_application_manager:
        raise Forbidden(f"Only an application manager may make somebody a manager of “{project.title}”.")
