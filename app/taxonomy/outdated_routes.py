"""A project's page of taxa that had better be others, with their replacement, for people and programs."""

from dataclasses import dataclass

from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromQuery, JSONBody, URLEncodedBody
from litestar.response import Redirect, Template

from app.accounts.viewer import Viewer
from app.database import Db
from app.errors import Conflict
from app.labels.pages import actor
from app.openapi import refusals
from app.projects.access import MANAGER, VISITOR, Project
from app.taxonomy.changing import named
from app.taxonomy.outdated import Outdated, outdated
from app.taxonomy.presets import list_presets
from app.taxonomy.replacing import Replaced, replace

PAGE = "/projects/{project_id:int}/taxa"
REPLACES = MANAGER | {"does": "replace taxa in"}
SAID = {
    "done": "Replaced, each by one act: the page Mass edits takes it back, with predictions and the preset list.",
    "job": "It is being replaced: the page Mass edits tells how far it is, and takes it back.",
    "none": "Nothing had that taxon any more.",
}


@dataclass
class ReplaceForm:
    from_id: int = 0
    to: str = ""


@dataclass(frozen=True)
class Replacement:
    """Ids of the taxon that is replaced and of the one that takes its place, in all labels and predictions here."""

    from_id: int
    to_id: int


@get(PAGE, opt=VISITOR, include_in_schema=False, sync_to_thread=True)
def show_taxa(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    said: FromQuery[str] = "",
) -> Template:
    actor(viewer)
    context = {
        "project": project,
        "found": outdated(db, project.id),
        "presets": list_presets(db, project.id),
        "said": SAID.get(said, ""),
    }
    return Template("taxonomy/project.html", context=context)


@post(f"{PAGE}/replace", opt=REPLACES, include_in_schema=False, sync_to_thread=True)
def replace_one(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    data: URLEncodedBody[ReplaceForm],
) -> Redirect:
    done = replace(db, project, actor(viewer).id, data.from_id, named(db, data.to).id)
    return Redirect(f"/projects/{project.id}/taxa?said={_said([done])}", status_code=303)


@post(f"{PAGE}/replace-advised", opt=REPLACES, include_in_schema=False, sync_to_thread=True)
def replace_advised(
    db: NamedDependency[Db], project: NamedDependency[Project], viewer: NamedDependency[Viewer]
) -> Redirect:
    """All deprecated ones by what is advised, in one click."""
    account = actor(viewer)
    pairs = [(one.id, one.advised.id) for one in outdated(db, project.id) if one.advised]
    if not pairs:
        raise Conflict("No taxon in use here is deprecated in favour of another: there is nothing to replace.")
    done = [replace(db, project, account.id, *pair) for pair in pairs]
    return Redirect(f"/projects/{project.id}/taxa?said={_said(done)}", status_code=303)


def _said(done: list[Replaced]) -> str:
    if any(one.job_id for one in done):
        return "job"
    return "done" if any(one.act_id for one in done) else "none"


@get(
    f"{PAGE}/outdated", opt=VISITOR, sync_to_thread=True, tags=["taxa"],
    summary="Taxa in use that are deprecated or ambiguous, with what to use instead", responses=refusals(401, 404),
)  # fmt: skip
def outdated_api(
    db: NamedDependency[Db], project: NamedDependency[Project], viewer: NamedDependency[Viewer]
) -> list[Outdated]:
    actor(viewer)
    return outdated(db, project.id)


@post(
    f"{PAGE}/replace", opt=REPLACES, sync_to_thread=True, status_code=202, tags=["taxa"],
    summary="Put a taxon in another's place, as an act that can be undone", responses=refusals(400, 401, 403, 404, 422),
)  # fmt: skip
def replace_api(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    data: JSONBody[Replacement],
) -> Replaced:
    """Labels keep their status, author and time. At once where few objects have it, else by the job that is told. The
    act is a mass edit: POST …/edits/{act_id}/undo takes it back, with labels, predictions and the preset list."""
    return replace(db, project, actor(viewer).id, data.from_id, data.to_id)


routes = [show_taxa, replace_one, replace_advised]
api_routes = [outdated_api, replace_api]
