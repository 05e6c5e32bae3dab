"""What the type-ahead asks for, the making of a class from the board, and the pages of the taxonomy."""

from dataclasses import dataclass

from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, URLEncodedBody
from litestar.response import Redirect, Template

from app.accounts.viewer import Viewer
from app.database import Db
from app.labels.acts import check_open
from app.projects.access import find_project
from app.taxonomy.browse import MOST_FOUND, read_taxon, search
from app.taxonomy.changing import may_curate, may_rename, rename_taxon
from app.taxonomy.created import PAGE, list_created, n_waiting, remove_taxon
from app.taxonomy.curate_routes import SAID
from app.taxonomy.queries import FoundTaxon, create_taxon, find_taxa


@dataclass(frozen=True)
class NewTaxon:
    """A class to create; `project_id` is where it is wanted, and where its creator is an annotator. `type`: M
    (morphological) or P (phylogenetic); without `parent_id` it stands at the root."""

    name: str
    project_id: int
    parent_id: int | None = None
    type: str = "M"


@dataclass
class NameForm:
    name: str = ""


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
    return create_taxon(db, new.name, new.parent_id, new.type, viewer.account_id, project.id)


@get("/taxonomy", include_in_schema=False, sync_to_thread=True)
def show_taxonomy(
    db: NamedDependency[Db],
    viewer: NamedDependency[Viewer],
    q: FromQuery[str] = "",
    before: FromQuery[int | None] = None,
    waiting: FromQuery[bool] = False,
) -> Template:
    """Taxa by name, the roots where nothing is searched, and the classes that people created."""
    before = before if before is None or 0 < before < 2**31 else None
    found, spelt_alike = search(db, viewer, q)
    created = [] if q.strip() else list_created(db, viewer, before, waiting)
    only = "&waiting=true" if waiting else ""
    context = {
        "q": q,
        "found": found,
        "spelt_alike": spelt_alike,
        "most_found": MOST_FOUND,
        "created": created,
        "before": before,
        "waiting": waiting,
        "n_waiting": n_waiting(db, viewer),
        "older_url": f"/taxonomy?before={created[-1].id}{only}#created" if len(created) == PAGE else None,
    }
    return Template("taxonomy/list.html", context=context)


@get("/taxonomy/{taxon_id:int}", include_in_schema=False, sync_to_thread=True)
def show_taxon(
    db: NamedDependency[Db], viewer: NamedDependency[Viewer], taxon_id: FromPath[int], said: FromQuery[str] = ""
) -> Template:
    """One taxon: where it stands, what stands below it, and which projects use it."""
    taxon = read_taxon(db, viewer, taxon_id)
    context = {
        "taxon": taxon,
        "row": taxon.row,
        "mine": may_rename(db, viewer, taxon.row),
        "may_curate": may_curate(db, viewer, taxon.row),
        "waits": taxon.row.status == "N" and taxon.row.reviewed_at is None,
        "said": SAID.get(said, ""),
    }
    return Template("taxonomy/taxon.html", context=context)


@post("/taxonomy/{taxon_id:int}/name", include_in_schema=False, sync_to_thread=True)
def rename(
    db: NamedDependency[Db],
    viewer: NamedDependency[Viewer],
    taxon_id: FromPath[int],
    data: URLEncodedBody[NameForm],
) -> Redirect:
    rename_taxon(db, viewer, taxon_id, data.name)
    return Redirect("/taxonomy", status_code=303)


@post("/taxonomy/{taxon_id:int}/remove", include_in_schema=False, sync_to_thread=True)
def remove(db: NamedDependency[Db], viewer: NamedDependency[Viewer], taxon_id: FromPath[int]) -> Redirect:
    remove_taxon(db, viewer, taxon_id)
    return Redirect("/taxonomy", status_code=303)


routes = [offer_taxa, add_taxon, show_taxonomy, show_taxon, rename, remove]
