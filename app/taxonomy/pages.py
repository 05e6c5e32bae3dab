"""What the type-ahead asks for, and the making of a class from the board."""

from dataclasses import dataclass

from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromQuery, JSONBody

from app.accounts.viewer import Viewer
from app.database import Db
from app.labels.acts import check_open
from app.projects.access import find_project
from app.taxonomy.queries import FoundTaxon, create_taxon, find_taxa


@dataclass(frozen=True)
class NewTaxon:
    """A class to create; `project_id` is where it is wanted, and where its creator is an annotator."""

    name: str
    project_id: int
    parent_id: int | None = None
    type: str = "M"


@get("/taxa", include_in_schema=False, sync_to_thread=True)
def offer_taxa(
    db: NamedDependency[Db],
    viewer: NamedDependency[Viewer],
    q: FromQuery[str] = "",
    project_id: FromQuery[int | None] = None,
) -> list[FoundTaxon]:
    """Taxa by what is typed: recent ones of this person, the project's, then all."""
    return offered(db, viewer, q, project_id)


def offered(db: Db, viewer: Viewer, typed: str, project_id: int | None) -> list[FoundTaxon]:
    """A project's taxa are offered only to those who may see it."""
    project = find_project(db, viewer, project_id) if project_id is not None else None
    return find_taxa(db, typed, project.id if project else None, viewer.account_id)


@post("/taxa", include_in_schema=False, sync_to_thread=True)
def add_taxon(db: NamedDependency[Db], viewer: NamedDependency[Viewer], data: JSONBody[NewTaxon]) -> FoundTaxon:
    return added(db, viewer, data)


def added(db: Db, viewer: Viewer, new: NewTaxon) -> FoundTaxon:
    """Annotators of the project where it is wanted may create a class, while it is open for labelling."""
    project = find_project(db, viewer, new.project_id)
    project.needs("annotator")
    check_open(project)
    return create_taxon(db, new.name, new.parent_id, new.type, viewer.account_id)


routes = [offer_taxa, add_taxon]
