"""The list of projects, a new one, and a project's settings."""

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromQuery, URLEncodedBody
from litestar.response import Redirect, Template

from app.accounts.viewer import Viewer
from app.database import Db
from app.errors import LoginNeeded, Refused
from app.objects.fields import project_fields
from app.objects.view import keys_of, shown_fields
from app.projects import embedders, member_pages, queries, reference_routes
from app.projects.about import LICENCES, ROLES, About, Contact, about_of
from app.projects.access import MANAGER, VISITOR, Project
from app.projects.listing import Listing, list_projects, sorts_for
from app.projects.wishes import Wish
from app.taxonomy import preset_routes
from app.taxonomy.presets import list_presets
from indexer.embedders import DEFAULT


@dataclass
class NewProjectForm:
    title: str = ""
    description: str = ""
    instrument: str = ""
    pixel_size_um: str = ""
    embedder: str = DEFAULT


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
    licence: str = ""
    citation: str = ""
    show: str = ""
    embedder: str = ""
    contact_name: list[str] | str = field(default_factory=list)
    contact_organisation: list[str] | str = field(default_factory=list)
    contact_email: list[str] | str = field(default_factory=list)
    contact_orcid: list[str] | str = field(default_factory=list)
    contact_role: list[str] | str = field(default_factory=list)

    @property
    def about(self) -> About:
        """Contacts come as one list a column; a contact alone comes as it is."""
        parts = (
            self.contact_name,
            self.contact_organisation,
            self.contact_email,
            self.contact_orcid,
            self.contact_role,
        )
        columns = [[part] if isinstance(part, str) else part for part in parts]
        contacts = [Contact(*row) for row in zip(*columns, strict=False)]
        return About(self.licence, self.citation, contacts, keys_of(self.show))


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
def show_projects(
    db: NamedDependency[Db],
    viewer: NamedDependency[Viewer],
    q: FromQuery[str] = "",
    sort: FromQuery[str] = "title",
    mine: FromQuery[bool] = False,
    after: FromQuery[str] = "",
    instrument: FromQuery[str] = "",
    taxon: FromQuery[str] = "",
    place: FromQuery[str] = "",
    since: FromQuery[str] = "",
    until: FromQuery[str] = "",
    member: FromQuery[str] = "",
) -> Template:
    """Everybody sees the projects open to them; where nothing is, an anonymous person logs in."""
    wish, error = Wish(instrument, taxon, place, since, until, member), ""
    # When others worked is not for who is not logged in.
    sorts = sorts_for(viewer)
    sort = sort if sort in sorts else "title"
    mine = mine and viewer.account is not None
    try:
        found = list_projects(db, viewer, q, sort=sort, mine=mine, after=after, wish=wish)
    except Refused as refused:
        # A damaged address is none of the form's fields.
        if refused.status not in (401, 404, 422):
            raise
        found, error = Listing([], 0, ""), refused.sentence
    if not found.projects and not q and not wish and viewer.account is None:
        raise LoginNeeded()
    asked = {"q": q, "sort": sort} | ({"mine": "true"} if mine else {}) | wish.to_query()
    context = {
        "projects": found.projects,
        "n": found.n,
        "q": q,
        "sort": sort,
        "sorts": sorts,
        "mine": mine,
        "wish": wish,
        "error": error,
        "more_url": "/?" + urlencode(asked | {"after": found.next}) if found.next else "",
    }
    return Template("projects/list.html", context=context)


@get("/projects/new", opt={"role": "application_manager"}, include_in_schema=False, sync_to_thread=True)
def show_new_project(db: NamedDependency[Db], viewer: NamedDependency[Viewer]) -> Template:
    return new_project_page(db, viewer, NewProjectForm())


def new_project_page(db: Db, viewer: Viewer, form: NewProjectForm, error: str = "", status_code: int = 200) -> Template:
    context = {"form": form, "error": error, "embedders": embedders.offered(db, viewer)}
    return Template("projects/new.html", context=context, status_code=status_code)


@post("/projects", opt={"role": "application_manager"}, include_in_schema=False, sync_to_thread=True)
def create_project(
    db: NamedDependency[Db], viewer: NamedDependency[Viewer], data: URLEncodedBody[NewProjectForm]
) -> Response[Any]:
    """An empty project asks for images first."""
    try:
        project_id = queries.make_project(
            db,
            viewer.account_id,
            data.title,
            description=data.description,
            instrument=data.instrument,
            pixel_size_um=number_or_none(data.pixel_size_um),
            embedder=embedders.meant(db, viewer, data.embedder),
        )
    except Refused as refused:
        return new_project_page(db, viewer, data, refused.sentence, refused.status)
    return Redirect(f"/projects/{project_id}/import", status_code=303)


@get("/projects/{project_id:int}/settings", opt=VISITOR, include_in_schema=False, sync_to_thread=True)
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
    about = form.about if isinstance(form, SettingsForm) else about_of(project.settings)
    if not viewer.is_application_manager and project.visibility != "everyone":
        del choices["everyone"]
    context = {
        "project": project,
        "form": form,
        "pixel_size": shown_number(form.pixel_size_um),
        "pixel_fields": queries.pixel_fields(db, project.id),
        "statuses": queries.STATUSES,
        "visibilities": choices,
        "presets": list_presets(db, project.id),
        "about": about,
        "licences": LICENCES,
        "contact_roles": ROLES,
        "shown_fields": shown_fields(tuple(about.show), project_fields(db, project.id)),
        "embedder": queries.describe_embedder(db, project),
        "error": error,
        "said": said,
    }
    if project.may("manager"):
        context |= reference_routes.context_of(db, project, viewer)
        context["embedders"] = embedders.offered(db, viewer)
        context["chosen_embedder"] = embedders.choice_of(db, project.id)
    return Template("projects/settings.html", context=context, status_code=status_code)


@post("/projects/{project_id:int}/settings", opt=MANAGER, include_in_schema=False, sync_to_thread=True)
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
            about=data.about,
        )
        if data.embedder:
            embedders.choose(db, viewer, project.id, data.embedder)
    except Refused as refused:
        return settings_page(db, project, viewer, data, error=refused.sentence, status_code=refused.status)
    return Redirect(f"/projects/{project.id}/settings?saved=1", status_code=303)


routes = [
    show_projects,
    show_new_project,
    create_project,
    show_settings,
    save_settings,
    *member_pages.routes,
    *reference_routes.routes,
    *preset_routes.pages,
]
