"""Taxa for programs."""

from dataclasses import dataclass
from typing import Any

from litestar import delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody

from app.accounts.viewer import Viewer
from app.database import Db
from app.errors import NotFound
from app.openapi import refusals
from app.projects.access import VISITOR, Project
from app.taxonomy.browse import Use, read_taxon
from app.taxonomy.changing import rename_taxon
from app.taxonomy.created import CreatedTaxon, list_created, remove_taxon
from app.taxonomy.pages import NewTaxon, added, offered
from app.taxonomy.queries import FoundTaxon, get_taxon
from app.taxonomy.tree import project_tree


@dataclass(frozen=True)
class TaxonCounts:
    """Objects of one taxon in a project, by status; `with_children` counts its whole branch."""

    taxon_id: int
    display_name: str
    depth: int
    n: dict[str, int]
    with_children: dict[str, int]


@dataclass(frozen=True)
class ProjectTaxa:
    """A project's taxa depth first, and its objects by status."""

    taxa: list[TaxonCounts]
    total: dict[str, int]


@dataclass(frozen=True)
class NewName:
    """What a class is to be called."""

    name: str


@get(
    "/taxa",
    sync_to_thread=True,
    tags=["taxa"],
    summary="Find taxa by the beginnings of words of their names",
    responses=refusals(404),
)
def find_taxa_api(
    db: NamedDependency[Db],
    viewer: NamedDependency[Viewer],
    q: FromQuery[str] = "",
    project_id: FromQuery[int | None] = None,
) -> list[FoundTaxon]:
    return offered(db, viewer, q, project_id)


@post("/taxa", sync_to_thread=True, tags=["taxa"], summary="Create a taxon", responses=refusals(400, 403, 404, 409))
def create_taxon_api(db: NamedDependency[Db], viewer: NamedDependency[Viewer], data: JSONBody[NewTaxon]) -> FoundTaxon:
    return added(db, viewer, data)


@get(
    "/taxa/{taxon_id:int}",
    sync_to_thread=True,
    tags=["taxa"],
    summary="One taxon with its lineage",
    responses=refusals(404),
)
def get_taxon_api(db: NamedDependency[Db], taxon_id: FromPath[int]) -> dict[str, Any]:
    taxon = get_taxon(db, taxon_id) if 0 < taxon_id < 2**31 else None
    if taxon is None:
        raise NotFound("There is no taxon with this id.")
    return dict(taxon._asdict())


@get(
    "/taxa/{taxon_id:int}/projects",
    sync_to_thread=True,
    tags=["taxa"],
    summary="Objects of a taxon and those below it, by project and status, in the projects that you may see",
    responses=refusals(401, 404),
)
def taxon_uses_api(db: NamedDependency[Db], viewer: NamedDependency[Viewer], taxon_id: FromPath[int]) -> list[Use]:
    return read_taxon(db, viewer, taxon_id).uses


@get(
    "/projects/{project_id:int}/taxa", opt=VISITOR, sync_to_thread=True, tags=["taxa"],
    summary="A project's taxa with numbers of objects by status", responses=refusals(404),
)  # fmt: skip
def project_taxa_api(db: NamedDependency[Db], project: NamedDependency[Project]) -> ProjectTaxa:
    tree = project_tree(db, project.id, validated_only=project.validated_only)
    rows = [TaxonCounts(row.taxon_id, row.display_name, row.depth, row.n, row.n_with_children) for row in tree.rows]
    return ProjectTaxa(rows, tree.total)


@get(
    "/taxa/created",
    sync_to_thread=True,
    tags=["taxa"],
    summary="Classes that people created, newest first, a hundred at a time",
    responses=refusals(401),
)
def list_created_api(
    db: NamedDependency[Db],
    viewer: NamedDependency[Viewer],
    before: FromQuery[int | None] = None,
    waiting: FromQuery[bool] = False,
) -> list[CreatedTaxon]:
    """`before` is the id of the last one of the page before; `waiting`: those that you are to look at."""
    return list_created(db, viewer, before, waiting)


@patch(
    "/taxa/{taxon_id:int}",
    sync_to_thread=True,
    tags=["taxa"],
    summary="Rename a class that one created oneself; application managers any that a person created",
    responses=refusals(400, 403, 404, 409),
)
def rename_taxon_api(
    db: NamedDependency[Db], viewer: NamedDependency[Viewer], taxon_id: FromPath[int], data: JSONBody[NewName]
) -> dict[str, Any]:
    return dict(rename_taxon(db, viewer, taxon_id, data.name)._asdict())


@delete(
    "/taxa/{taxon_id:int}",
    sync_to_thread=True,
    tags=["taxa"],
    summary="Remove a created class that no label, prediction, act or history uses",
    responses=refusals(403, 404, 409),
)
def remove_taxon_api(db: NamedDependency[Db], viewer: NamedDependency[Viewer], taxon_id: FromPath[int]) -> None:
    remove_taxon(db, viewer, taxon_id)


routes = [
    find_taxa_api, create_taxon_api, list_created_api, get_taxon_api, rename_taxon_api, remove_taxon_api,
    taxon_uses_api, project_taxa_api,
]  # fmt: skip
