"""The list of projects, and a project's settings and members."""

from dataclasses import dataclass
from typing import Any

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect, Template

from app.accounts.queries import find_account
from app.accounts.viewer import Viewer
from app.database import Db
from app.errors import LoginNeeded, Refused
from app.projects import queries
from app.projects.access import Project
from app.taxonomy import preset_routes


@dataclass
class NewProjectForm:
    title: str = ""
    description: str = ""
    instrument: str = ""
    pixel_size_um: str = ""


@dataclass
class SettingsForm:
    title: str = ""
    description: str = ""
    instrument: str = ""
    status: str = ""
    visibility: str = ""
    pixel_size_um: str = ""
    pixel_field: str = ""
    pixel_unit: str = "um"


@dataclass
class MemberForm:
    email: str = ""
    role: str = "annotator"


@dataclass
class RoleForm:
    role: str = ""


def number_or_none(text: str) -> float | None:
    """A number as people type it, with a point or a comma."""
    try:
        return float(text.strip().replace(",", ".")) if text.strip() else None
    except ValueError:
        raise Refused(f"{text!r} is no number.", status=422) from None


def shown_number(value: float | str | None) -> str:
    """A number without a needless .0, or what somebody typed instead of one."""
    return value if isinstance(value, str) else "" if value is None else f"{value:.15g}"


@get("/", opt={"public": True}, include_in_schema=False, sync_to_thread=True)
def show_projects(db: NamedDependency[Db], viewer: NamedDependency[Viewer], q: FromQuery[str] = "") -> Template:
    """Everybody sees the projects open to them; where nothing is, an anonymous person logs in."""
    projects = queries.list_projects(db, viewer, q)
    if not projects and not q and viewer.account is None:
        raise LoginNeeded()
    return Template("projects/list.html", context={"projects": projects, "q": q})


@get("/projects/new", opt={"role": "application_manager"}, include_in_schema=False, sync_to_thread=False)
def show_new_project() -> Template:
    return new_project_page(NewProjectForm())


def new_project_page(form: NewProjectForm, error: str = "", status_code: int = 200) -> Template:
    return Template("projects/new.html", context={"form": form, "error": error}, status_code=status_code)


@post("/projects", opt={"role": "application_manager"}, include_in_schema=False, sync_to_thread=True)
def create_project(
    db: NamedDependency[Db], viewer: NamedDependency[Viewer], data: URLEncodedBody[NewProjectForm]
) -> Response[Any]:
    try:
        project_id = queries.make_project(
            db,
            viewer.account_id,
            data.title,
            description=data.description,
            instrument=data.instrument,
            pixel_size_um=number_or_none(data.pixel_size_um),
        )
    except Refused as refused:
        return new_project_page(data, refused.sentence, refused.status)
    return Redirect(f"/projects/{project_id}/members", status_code=303)


@get("/projects/{project_id:int}/settings", opt={"role": "visitor"}, include_in_schema=False, sync_to_thread=True)
def show_settings(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    saved: FromQuery[bool] = False,
) -> Template:
    return settings_page(db, project, viewer, project, said="Saved." if saved else "")


def settings_page(
    db: Db, project: Project, viewer: Viewer, form: Any, error: str = "", said: str = "", status_code: int = 200
) -> Template:
    """The settings as saved or as just typed; who may not change them reads them."""
    choices = dict(queries.VISIBILITIES)
    if not viewer.is_application_manager and project.visibility != "everyone":
        del choices["everyone"]
    context = {
        "project": project,
        "form": form,
        "pixel_size": shown_number(form.pixel_size_um),
        "pixel_fields": queries.pixel_fields(db, project.id),
        "statuses": queries.STATUSES,
        "visibilities": choices,
        "embedder": queries.describe_embedder(db, project),
        "error": error,
        "said": said,
    }
    return Template("projects/settings.html", context=context, status_code=status_code)


@post("/projects/{project_id:int}/settings", opt={"role": "manager"}, include_in_schema=False, sync_to_thread=True)
def save_settings(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    data: URLEncodedBody[SettingsForm],
) -> Response[Any]:
    try:
        queries.change_project(
            db,
            project,
            viewer,
            title=data.title,
            description=data.description,
            instrument=data.instrument,
            status=data.status,
            visibility=data.visibility,
            pixel_size_um=number_or_none(data.pixel_size_um),
            pixel_field=data.pixel_field,
            pixel_unit=data.pixel_unit,
        )
    except Refused as refused:
        return settings_page(db, project, viewer, data, error=refused.sentence, status_code=refused.status)
    return Redirect(f"/projects/{project.id}/settings?saved=1", status_code=303)


@get("/projects/{project_id:int}/members", opt={"role": "manager"}, include_in_schema=False, sync_to_thread=True)
def show_members(db: NamedDependency[Db], project: NamedDependency[Project]) -> Template:
    return members_page(db, project)


def members_page(db: Db, project: Project, email: str = "", error: str = "", status_code: int = 200) -> Template:
    context = {
        "project": project,
        "members": queries.list_members(db, project.id),
        "roles": queries.MEMBER_ROLES,
        "email": email,
        "error": error,
    }
    return Template("projects/members.html", context=context, status_code=status_code)


@post("/projects/{project_id:int}/members", opt={"role": "manager"}, include_in_schema=False, sync_to_thread=True)
def add_member(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    data: URLEncodedBody[MemberForm],
) -> Response[Any]:
    try:
        queries.add_member(db, project, viewer, find_account(db, data.email), data.role)
    except Refused as refused:
        return members_page(db, project, data.email, refused.sentence, refused.status)
    return Redirect(f"/projects/{project.id}/members", status_code=303)


@post(
    "/projects/{project_id:int}/members/{account_id:int}",
    opt={"role": "manager"},
    include_in_schema=False,
    sync_to_thread=True,
)
def change_role(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    account_id: FromPath[int],
    data: URLEncodedBody[RoleForm],
) -> Response[Any]:
    try:
        queries.change_role(db, project, viewer, account_id, data.role)
    except Refused as refused:
        return members_page(db, project, error=refused.sentence, status_code=refused.status)
    return Redirect(f"/projects/{project.id}/members", status_code=303)


@post(
    "/projects/{project_id:int}/members/{account_id:int}/remove",
    opt={"role": "manager"},
    include_in_schema=False,
    sync_to_thread=True,
)
def remove_member(
    db: NamedDependency[Db], project: NamedDependency[Project], account_id: FromPath[int]
) -> Response[Any]:
    try:
        queries.remove_member(db, project.id, account_id)
    except Refused as refused:
        return members_page(db, project, error=refused.sentence, status_code=refused.status)
    return Redirect(f"/projects/{project.id}/members", status_code=303)


routes = [
    show_projects,
    show_new_project,
    create_project,
    show_settings,
    save_settings,
    show_members,
    add_member,
    change_role,
    remove_member,
    *preset_routes.pages,
]
