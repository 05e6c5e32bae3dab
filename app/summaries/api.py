"""Summaries for programs: the formulas that a project remembers, what they give, and what a summary comes to.

A summary is asked for as an export of the kind `summary`, and its file is that export's.
"""

from typing import Any

from litestar import get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from app.accounts.viewer import Viewer
from app.database import Db
from app.errors import NotFound
from app.exporting import files
from app.exporting.api import EXPORTS
from app.exporting.files import Export
from app.labels.pages import actor
from app.openapi import refusals
from app.projects.access import MANAGER, Project
from app.summaries.formulas import Formulas, Trial, formulas_of, read_formulas, save_formulas, try_formulas

FORMULAS = "/projects/{project_id:int}/formulas"


@get(
    FORMULAS, opt=EXPORTS, sync_to_thread=True, tags=["exports"], summary="The formulas that a project remembers",
    responses=refusals(401, 403, 404),
)  # fmt: skip
def formulas_api(project: NamedDependency[Project]) -> Formulas:
    """By which summaries reckon concentrations and volumes where they bring none of their own."""
    return formulas_of(project)


@put(
    FORMULAS, opt=MANAGER, sync_to_thread=True, tags=["exports"], summary="Remember formulas",
    responses=refusals(400, 401, 403, 404, 422),
)  # fmt: skip
def save_formulas_api(db: NamedDependency[Db], project: NamedDependency[Project], data: JSONBody[Formulas]) -> Formulas:
    """Each has to be understood, and to have its columns. What is left out is forgotten."""
    formulas = read_formulas({name: getattr(data, name) for name in Formulas.__dataclass_fields__})
    save_formulas(db, project, formulas)
    return formulas


@post(
    f"{FORMULAS}/trial", opt=EXPORTS | {"reads": True}, sync_to_thread=True, status_code=200, tags=["exports"],
    summary="What formulas give for the first 1,000 objects", responses=refusals(400, 401, 403, 404, 422),
)  # fmt: skip
def try_formulas_api(
    db: NamedDependency[Db], project: NamedDependency[Project], data: JSONBody[Formulas]
) -> list[Trial]:
    """Nothing is remembered."""
    return try_formulas(db, project.id, data)


@get(
    "/projects/{project_id:int}/exports/{export_id:int}/summary", opt=EXPORTS, sync_to_thread=True, tags=["exports"],
    summary="What a summary comes to", responses=refusals(401, 403, 404, 409),
)  # fmt: skip
def totals_api(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    export_id: FromPath[int],
) -> dict[str, Any]:
    """The sums of its file by taxon (of each status: U, P, D, V), and of the samples or acquisitions by the most
    abundant taxa and the others together; why objects have no value."""
    one = files.find_own(db, project, actor(viewer).id, export_id)
    if one.kind != "summary":
        raise NotFound("This export is no summary.")
    files.check_whole(one)
    return totals_of(db, one) or {}


def totals_of(db: Db, one: Export) -> dict[str, Any] | None:
    """As the job has left them; null before."""
    row = db.execute("select summary from export where id = %s and n_bytes is not null", [one.id]).fetchone()
    return row.summary if row else None


api_routes = [formulas_api, save_formulas_api, try_formulas_api, totals_api]
