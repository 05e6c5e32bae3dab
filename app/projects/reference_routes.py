"""Reference projects over HTTP: a part of the settings page, and the same for programs."""

from dataclasses import dataclass, replace

from litestar import delete, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, URLEncodedBody
from litestar.response import Redirect, Template

from app.accounts.viewer import Viewer
from app.database import Db
from app.errors import Refused
from app.openapi import refusals
from app.projects import queries, references
from app.projects.access import ANNOTATOR, MANAGER, Project
from app.projects.references import References, Source
from app.search import reference_job
from app.search.voices import heard_in


@dataclass(frozen=True)
class EmbedWish:
    """How many validated objects of each taxon are to be embedded for this project, at most."""

    per_taxon: int = reference_job.USUAL


@dataclass(frozen=True)
class EmbedForm:
    per_taxon: str = ""


@dataclass(frozen=True)
class NameForm:
    """`page`: where one goes on; empty: the settings."""

    reference_id: int = 0
    page: str = ""


@dataclass(frozen=True)
class EmbedJob:
    job_id: int


@dataclass(frozen=True)
class Removed:
    """How many references were taken out."""

    n: int


def _described(db: Db, project: Project, viewer: Viewer) -> References:
    found = references.describe(db, project, viewer.account_id)
    where = project.embedder_id, project.space_id
    voters = [Source(one.id, one.title, *where, one.number) for one in found.references if one.n_voters]
    heard = heard_in(db, project, voters)
    return References([replace(one, heard=heard.get(one.id)) for one in found.references], found.n_hidden)


def context_of(db: Db, project: Project, viewer: Viewer) -> dict[str, object]:
    """What templates/projects/_references.html wants."""
    return {
        "project": project,
        "references": _described(db, project, viewer),
        "own_embedder": queries.embedder_name(db, project),
        "per_taxon": reference_job.USUAL,
        "most_references": references.MOST,
    }


def _back(project: Project) -> Redirect:
    return Redirect(f"/projects/{project.id}/settings#references", status_code=303)


@get("/projects/{project_id:int}/references", opt=MANAGER, include_in_schema=False, sync_to_thread=True)
def show_references(
    db: NamedDependency[Db], project: NamedDependency[Project], viewer: NamedDependency[Viewer]
) -> Template:
    """The part of the settings page alone, which follows its jobs."""
    headers = {"Cache-Control": "no-store"}
    return Template("projects/_references.html", context=context_of(db, project, viewer), headers=headers)


@get("/projects/{project_id:int}/references/offered", opt=MANAGER, include_in_schema=False, sync_to_thread=True)
def show_offered(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    q: FromQuery[str] = "",
) -> Template:
    """Projects that may be named, while one types."""
    found = references.offered(db, project, viewer.account_id, q)
    context = {"project": project, "offered": found, "q": q}
    return Template("projects/_references_offered.html", context=context)


@post("/projects/{project_id:int}/references", opt=MANAGER, include_in_schema=False, sync_to_thread=True)
def add_page(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    data: URLEncodedBody[NameForm],
) -> Redirect:
    references.add(db, project, viewer, data.reference_id)
    if data.page == "predictions":
        return Redirect(f"/projects/{project.id}/predictions", status_code=303)
    return _back(project)


@post(
    "/projects/{project_id:int}/references/{reference_id:int}/remove", opt=MANAGER, include_in_schema=False,
    sync_to_thread=True,
)  # fmt: skip
def remove_page(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    reference_id: FromPath[int],
) -> Redirect:
    references.remove(db, project.id, viewer, reference_id)
    return _back(project)


@post("/projects/{project_id:int}/references/remove-hidden", opt=MANAGER, include_in_schema=False, sync_to_thread=True)
def remove_hidden_page(
    db: NamedDependency[Db], project: NamedDependency[Project], viewer: NamedDependency[Viewer]
) -> Redirect:
    references.remove_hidden(db, project.id, viewer.account_id)
    return _back(project)


@post(
    "/projects/{project_id:int}/references/{reference_id:int}/embed", opt=MANAGER, include_in_schema=False,
    sync_to_thread=True,
)  # fmt: skip
def embed_page(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    reference_id: FromPath[int],
    data: URLEncodedBody[EmbedForm],
) -> Redirect:
    typed = data.per_taxon.strip()
    if not (typed.isascii() and typed.isdecimal() and len(typed) < 7):
        raise Refused(f"“{typed[:20]}” is no number of objects: say how many of each taxon, such as 100.", status=422)
    reference_job.ask(db, project.id, project.embedder_id, viewer.account_id, reference_id, int(typed))
    return _back(project)


@get(
    "/projects/{project_id:int}/references", opt=ANNOTATOR, sync_to_thread=True, tags=["projects"],
    summary="A project's reference projects, whose validated objects vote", responses=refusals(401, 403, 404),
)  # fmt: skip
def list_api(db: NamedDependency[Db], project: NamedDependency[Project], viewer: NamedDependency[Viewer]) -> References:
    """Those that you may read: only these vote for you. The others are counted."""
    return _described(db, project, viewer)


@put(
    "/projects/{project_id:int}/references/{reference_id:int}", opt=MANAGER, sync_to_thread=True, status_code=200,
    tags=["projects"], summary="Name a project as a reference", responses=refusals(401, 403, 404, 422),
)  # fmt: skip
def add_api(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    reference_id: FromPath[int],
) -> References:
    """You must be able to read it. Its validated objects then vote for everybody who may read it too."""
    references.add(db, project, viewer, reference_id)
    return _described(db, project, viewer)


@delete(
    "/projects/{project_id:int}/references/{reference_id:int}", opt=MANAGER, sync_to_thread=True, status_code=200,
    tags=["projects"], summary="Take a reference project out", responses=refusals(401, 403, 404),
)  # fmt: skip
def remove_api(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    reference_id: FromPath[int],
) -> References:
    references.remove(db, project.id, viewer, reference_id)
    return _described(db, project, viewer)


@delete(
    "/projects/{project_id:int}/references/hidden", opt=MANAGER, sync_to_thread=True, status_code=200,
    tags=["projects"], summary="Take out the references that you may not read", responses=refusals(401, 403, 404),
)  # fmt: skip
def remove_hidden_api(
    db: NamedDependency[Db], project: NamedDependency[Project], viewer: NamedDependency[Viewer]
) -> Removed:
    return Removed(references.remove_hidden(db, project.id, viewer.account_id))


@post(
    "/projects/{project_id:int}/references/{reference_id:int}/embed", opt=MANAGER, sync_to_thread=True,
    status_code=202, tags=["projects"], summary="Embed some validated objects of a reference for this project",
    responses=refusals(400, 401, 403, 404, 409, 422),
)  # fmt: skip
def embed_api(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    reference_id: FromPath[int],
    data: JSONBody[EmbedWish],
) -> EmbedJob:
    """For a reference with another embedder, or with none: nothing of it is changed, and nothing computed twice."""
    return EmbedJob(
        reference_job.ask(db, project.id, project.embedder_id, viewer.account_id, reference_id, data.per_taxon)
    )


routes = [show_references, show_offered, add_page, remove_page, remove_hidden_page, embed_page]
api_routes = [list_api, add_api, remove_api, remove_hidden_api, embed_api]
