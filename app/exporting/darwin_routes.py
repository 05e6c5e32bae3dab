"""What a project still needs before it can be published, and how its taxa are called in WoRMS: page and API."""

from dataclasses import dataclass

from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromQuery
from litestar.response import Template

from app.database import Db
from app.exporting import darwin_eml
from app.exporting.darwin_taxa import Way, resolve
from app.labels.counts import project_counts
from app.openapi import refusals
from app.projects.access import MANAGER, Project

PUBLISHES = MANAGER | {"does": "publish"}
PLACE = "/projects/{project_id:int}/exports/darwin-core"


@dataclass(frozen=True)
class NamedTaxon:
    """A taxon in use, how many objects are validated and predicted as it, and its name in WoRMS. `way`: whose id that
    is: its own (itself), that of the one advised in its place, of an ancestor, or none."""

    taxon_id: int
    display_name: str
    n_validated: int
    n_predicted: int
    way: Way
    aphia_id: int | None
    scientific_name: str


@dataclass(frozen=True)
class Readiness:
    """What the project's settings lack, and its taxa: those without a name in WoRMS first, the most frequent first."""

    missing: list[str]
    taxa: list[NamedTaxon]


def readiness(db: Db, project: Project, through_ancestors: bool) -> Readiness:
    counts = project_counts(db, project.id)
    ids = {taxon_id for taxon_id, status in counts if taxon_id and status in "VP"}
    names = resolve(db, list(ids), through_ancestors)
    taxa = [
        NamedTaxon(
            id, one.display_name, counts.get((id, "V"), 0), counts.get((id, "P"), 0), one.way, one.aphia_id,
            one.scientific_name,
        )
        for id, one in names.items()
    ]  # fmt: skip
    taxa.sort(key=lambda one: (one.aphia_id is not None, -one.n_validated - one.n_predicted, one.display_name))
    return Readiness(darwin_eml.missing(project.settings), taxa)


@get(PLACE, opt=PUBLISHES, include_in_schema=False, sync_to_thread=True)
def show_readiness(
    db: NamedDependency[Db], project: NamedDependency[Project], through_ancestors: FromQuery[bool] = False
) -> Template:
    ready = readiness(db, project, through_ancestors)
    context = {"project": project, "ready": ready, "through_ancestors": through_ancestors}
    return Template("exporting/darwin.html", context=context)


@get(
    PLACE, opt=PUBLISHES, sync_to_thread=True, tags=["exports"], responses=refusals(401, 403, 404),
    summary="What a Darwin Core Archive of a project still needs, and its taxa in WoRMS",
)  # fmt: skip
def readiness_api(
    db: NamedDependency[Db], project: NamedDependency[Project], through_ancestors: FromQuery[bool] = False
) -> Readiness:
    """`through_ancestors`: as taxa are called where those without a WoRMS id go by the nearest ancestor's."""
    return readiness(db, project, through_ancestors)


pages, api = [show_readiness], [readiness_api]
