"""The members of a project: what each did, added by name or address, invited by a link, given a role, removed."""

from dataclasses import dataclass
from typing import Any

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect, Template

from app.accounts.links import make_link
from app.accounts.managing import base_url, once
from app.accounts.me import account_of
from app.accounts.people import FoundPerson, find_people
from app.accounts.queries import find_account
from app.accounts.viewer import Viewer
from app.database import Db
from app.errors import Forbidden, NotFound, Refused
from app.projects import members
from app.projects.access import MEMBERS, Project


@dataclass
class MemberForm:
    email: str = ""
    role: str = "annotator"


@dataclass
class InvitationForm:
    email: str = ""
    name: str = ""
    role: str = "annotator"


@dataclass
class RoleForm:
    role: str = ""


@get("/projects/{project_id:int}/members", opt=MEMBERS, include_in_schema=False, sync_to_thread=True)
def show_members(
    db: NamedDependency[Db], project: NamedDependency[Project], viewer: NamedDependency[Viewer]
) -> Template:
    return members_page(db, project, viewer)


def members_page(db: Db, project: Project, viewer: Viewer, status_code: int = 200, **shown: Any) -> Template:
    """The list; `shown` carries an `error` with what was typed, or a `link` that works once `for_email`."""
    people = members.list_members(db, project.id)
    context = {
        "project": project,
        "members": people,
        "renewable": {person.id for person in people if members.may_renew_invitation(viewer, person)},
        "roles": members.ROLES,
        "add": MemberForm(),
        "invitation": InvitationForm(),
        "error": "",
        "link": "",
        "for_email": "",
    }
    return once(Template("projects/members.html", context=context | shown, status_code=status_code))


def _back(project: Project) -> Redirect:
    return Redirect(f"/projects/{project.id}/members", status_code=303)


@get("/projects/{project_id:int}/members/found", opt=MEMBERS, include_in_schema=False, sync_to_thread=True)
def find_candidates(
    db: NamedDependency[Db], project: NamedDependency[Project], q: FromQuery[str] = ""
) -> list[FoundPerson]:
    """People with an account who are no members yet, while one types."""
    return find_people(db, q[:200], not_in_project=project.id)


@post("/projects/{project_id:int}/members", opt=MEMBERS, include_in_schema=False, sync_to_thread=True)
def add_member(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    data: URLEncodedBody[MemberForm],
) -> Response[Any]:
    try:
        members.add_member(db, project, viewer, find_account(db, data.email), data.role)
    except NotFound as refused:
        invitation = InvitationForm(data.email, "", data.role)
        words = f"{refused.sentence} Choose somebody from the list, or invite a new person below."
        return members_page(db, project, viewer, refused.status, add=data, invitation=invitation, error=words)
    except Refused as refused:
        return members_page(db, project, viewer, refused.status, add=data, error=refused.sentence)
    return _back(project)


@post("/projects/{project_id:int}/members/invite", opt=MEMBERS, include_in_schema=False, sync_to_thread=True)
def invite_member(
    request: Request,
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    data: URLEncodedBody[InvitationForm],
) -> Template:
    """The link is shown to who invites, this once: Shoal sends no mail."""
    account_of(viewer)
    try:
        with db.transaction():
            account_id = members.invite_member(db, project, viewer, data.email, data.name, data.role)
    except Refused as refused:
        return members_page(db, project, viewer, refused.status, invitation=data, error=refused.sentence)
    link = make_link(db, account_id, "invitation", base_url(request))
    return members_page(db, project, viewer, link=link, for_email=data.email.strip())


@post(
    "/projects/{project_id:int}/members/{account_id:int}/link", opt=MEMBERS, include_in_schema=False,
    sync_to_thread=True,
)  # fmt: skip
def renew_invitation(
    request: Request,
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    account_id: FromPath[int],
) -> Template:
    account_of(viewer)
    person = next((row for row in members.list_members(db, project.id) if row.id == account_id), None)
    if person is None:
        raise NotFound("This person is no member of the project.")
    if not members.may_renew_invitation(viewer, person):
        raise Forbidden("Only who invited somebody, or an application manager, makes a new link. Ask one of them.")
    link = make_link(db, account_id, "invitation", base_url(request))
    return members_page(db, project, viewer, link=link, for_email=person.email)


@post("/projects/{project_id:int}/members/{account_id:int}", opt=MEMBERS, include_in_schema=False, sync_to_thread=True)
def change_role(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    account_id: FromPath[int],
    data: URLEncodedBody[RoleForm],
) -> Response[Any]:
    try:
        members.change_role(db, project, viewer, account_id, data.role)
    except Refused as refused:
        return members_page(db, project, viewer, refused.status, error=refused.sentence)
    return _back(project)


@post(
    "/projects/{project_id:int}/members/{account_id:int}/remove", opt=MEMBERS, include_in_schema=False,
    sync_to_thread=True,
)  # fmt: skip
def remove_member(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    account_id: FromPath[int],
) -> Response[Any]:
    try:
        members.remove_member(db, project.id, account_id)
    except Refused as refused:
        return members_page(db, project, viewer, refused.status, error=refused.sentence)
    return _back(project)


routes = [show_members, find_candidates, add_member, invite_member, renew_invitation, change_role, remove_member]
