"""Projects and members, for programs."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from litestar import delete, get, patch, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody

from app.accounts.queries import find_account
from app.accounts.viewer import Viewer
from app.database import Db
from app.openapi import refusals
from app.projects import embedders, listing, members, queries, reference_routes
from app.projects.about import Contact, about_of
from app.projects.access import MANAGER, VISITOR, Project, find_project
from app.projects.wishes import Wish
from app.taxonomy import preset_routes

MOST_LISTED = 1000


@dataclass
class ListedProject:
    """`counts` by status: V validated, P predicted, D dubious, U unclassified; V alone for who is not logged in.

    `active_at`: when something was labelled or brought in last; null for who is not logged in.
    """

    id: int
    title: str
    description: str
    instrument: str
    status: str
    visibility: str
    role: str
    counts: dict[str, int]
    n_objects: int
    active_at: datetime | None
    next: str = ""


@dataclass
class ProjectDetail:
    """`licence` is CC0-1.0, CC-BY-4.0, CC-BY-NC-4.0, copyright, or empty where it is not stated.

    `pixel_field`: the field that says each image's pixel size in `pixel_unit`, um or mm. `show`: the fields under
    a tile for those who have chosen none.
    """

    id: int
    title: str
    description: str
    instrument: str
    status: str
    visibility: str
    pixel_size_um: float | None
    pixel_field: str
    pixel_unit: str
    licence: str
    citation: str
    contacts: list[Contact]
    show: list[str]
    embedder: str | None
    role: str


@dataclass
class NewProject:
    """`embedder`: the name of one that this server knows; the default where it is left out."""

    title: str
    description: str = ""
    instrument: str = ""
    visibility: str = "private"
    pixel_size_um: float | None = None
    embedder: str = ""


@dataclass
class ProjectChange:
    """What is left out stays as it is. A `pixel_size_um` of 0 means: not known.

    Another `embedder` is moved to by a job, while the present one serves until all the new vectors are there.
    """

    title: str | None = None
    description: str | None = None
    instrument: str | None = None
    status: str | None = None
    visibility: str | None = None
    pixel_size_um: float | None = None
    pixel_field: str | None = None
    pixel_unit: str | None = None
    licence: str | None = None
    citation: str | None = None
    contacts: list[Contact] | None = None
    show: list[str] | None = None
    embedder: str | None = None


@dataclass
class Member:
    account_id: int
    email: str
    name: str
    role: str


@dataclass
class Role:
    role: str


def detail_of(db: Db, project: Project) -> ProjectDetail:
    about = about_of(project.settings)
    return ProjectDetail(
        id=project.id,
        title=project.title,
        description=project.description,
        instrument=project.instrument,
        status=project.status,
        visibility=project.visibility,
        pixel_size_um=project.pixel_size_um,
        pixel_field=project.settings.get("pixel_field", ""),
        pixel_unit=project.settings.get("pixel_unit", "um"),
        licence=about.licence,
        citation=about.citation,
        # Addresses are for people with an account: programs of others gather them.
        contacts=about.contacts if project.logged_in else [replace(one, email="") for one in about.contacts],
        show=about.show,
        embedder=queries.embedder_name(db, project),
        role=project.role,
    )


@get("/projects", tags=["projects"], opt={"public": True}, responses=refusals(400, 401, 404, 422), sync_to_thread=True)
def read_projects(
    db: NamedDependency[Db],
    viewer: NamedDependency[Viewer],
    q: FromQuery[str] = "",
    sort: FromQuery[str] = "title",
    mine: FromQuery[bool] = False,
    after: FromQuery[str] = "",
    limit: FromQuery[int] = 1000,
    instrument: FromQuery[str] = "",
    taxon: FromQuery[str] = "",
    place: FromQuery[str] = "",
    since: FromQuery[str] = "",
    until: FromQuery[str] = "",
    member: FromQuery[str] = "",
) -> list[ListedProject]:
    """The projects that the caller may see; every word of `q` stands in title, instrument or description.

    `taxon` is a name or id, and means all below it; `place` south,west,north,east in degrees; `since` and `until` are
    days as 2024-06-30; `member` is a part of a name, looked for in one's own projects. Places are compared to a degree,
    days to a month.

    `sort` is title, size or, for who is logged in, activity. `next` of the last one, given as `after`, asks for the
    page that follows; it is empty where nothing follows.
    """
    found = listing.list_projects(
        db, viewer, q, sort=sort, mine=mine, after=after, limit=min(max(limit, 1), MOST_LISTED),
        wish=Wish(instrument, taxon, place, since, until, member),
    )  # fmt: skip
    listed = [
        ListedProject(**{key: value for key, value in row.items() if key != "is_member"}) for row in found.projects
    ]
    if listed:
        listed[-1].next = found.next
    return listed


@post(
    "/projects",
    tags=["projects"],
    opt={"role": "application_manager"},
    responses=refusals(400, 401, 403, 422),
    sync_to_thread=True,
)
def create_project(
    db: NamedDependency[Db], viewer: NamedDependency[Viewer], data: JSONBody[NewProject]
) -> ProjectDetail:
    """Make a project; its maker is its first manager."""
    project_id = queries.make_project(
        db,
        viewer.account_id,
        data.title,
        description=data.description,
        instrument=data.instrument,
        visibility=data.visibility,
        pixel_size_um=data.pixel_size_um,
        embedder=embedders.meant(db, viewer, data.embedder) if data.embedder else "",
    )
    return detail_of(db, find_project(db, viewer, project_id))


@get(
    "/projects/{project_id:int}",
    tags=["projects"],
    opt=VISITOR,
    responses=refusals(401, 404),
    sync_to_thread=True,
)
def read_project(db: NamedDependency[Db], project: NamedDependency[Project]) -> ProjectDetail:
    """One project."""
    return detail_of(db, project)


@patch(
    "/projects/{project_id:int}",
    tags=["projects"],
    opt=MANAGER,
    responses=refusals(400, 401, 403, 404, 422),
    sync_to_thread=True,
)
def update_project(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    data: JSONBody[ProjectChange],
) -> ProjectDetail:
    """Change a project's settings."""
    given: dict[str, Any] = {
        name: getattr(project, name) if getattr(data, name) is None else getattr(data, name)
        for name in ("title", "description", "instrument", "status", "visibility", "pixel_size_um")
    }
    given["pixel_size_um"] = given["pixel_size_um"] or None
    for name, default in (("pixel_field", ""), ("pixel_unit", "um")):
        given[name] = getattr(data, name) or project.settings.get(name, default)
    said = {name: getattr(data, name) for name in ("licence", "citation", "contacts", "show")}
    given["about"] = replace(
        about_of(project.settings), **{name: value for name, value in said.items() if value is not None}
    )
    queries.change_project(db, project, viewer, **given)
    if data.embedder:
        embedders.choose(db, viewer, project.id, data.embedder)
    return detail_of(db, find_project(db, viewer, project.id))


@get(
    "/projects/{project_id:int}/members",
    tags=["projects"],
    opt=MANAGER,
    responses=refusals(401, 403, 404),
    sync_to_thread=True,
)
def read_members(db: NamedDependency[Db], project: NamedDependency[Project]) -> list[Member]:
    """The members of a project."""
    return [Member(row.id, row.email, row.name, row.role) for row in members.list_members(db, project.id)]


@put(
    "/projects/{project_id:int}/members/{email:str}",
    tags=["projects"],
    opt=MANAGER,
    responses=refusals(400, 401, 403, 404, 409, 422),
    sync_to_thread=True,
)
def set_member(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    email: FromPath[str],
    data: JSONBody[Role],
) -> Member:
    """Add a member by email address, or change the role of one."""
    account = find_account(db, email)
    members.add_member(db, project, viewer, account, data.role)
    return Member(account.id, account.email, account.name, data.role)


@delete(
    "/projects/{project_id:int}/members/{email:str}",
    tags=["projects"],
    opt=MANAGER,
    responses=refusals(401, 403, 404, 409),
    sync_to_thread=True,
)
def delete_member(db: NamedDependency[Db], project: NamedDependency[Project], email: FromPath[str]) -> None:
    """Take a member out of a project. What they labelled stays."""
    members.remove_member(db, project.id, find_account(db, email).id)


routes = [
    read_projects,
    create_project,
    read_project,
    update_project,
    read_members,
    set_member,
    delete_member,
    *reference_routes.api_routes,
    *preset_routes.api,
]
