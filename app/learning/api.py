"""Learning sets for programs: preview one, make it, read it, write it out, bring one, delete it."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from litestar import Request, delete, get, post
from litestar.datastructures import State as AppState
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody
from litestar.response import File

from app.accounts.viewer import Viewer
from app.database import Db
from app.labels.pages import actor
from app.learning import exporting, job, pages, previews, sets, uploads
from app.learning.choices import USUAL_PER_TAXON, Choices, Pick, check
from app.learning.exporting import Export
from app.learning.previews import Comparison, Preview
from app.learning.sets import LearningSet
from app.learning.wizard import LEARNS, LIST
from app.openapi import refusals
from app.projects.access import VISITOR, Project


@dataclass(frozen=True)
class SetWish:
    """`sources`: ids of projects; empty: this one. `taxa`: what own taxa teach, null for nothing; others teach
    themselves, or nothing with `only_listed`. `per_taxon`: null takes all. `pick`: varied or random. `with_unseen`:
    also what was accepted unseen under an audit. `filters`: as an address of the board says. `embed_missing`: vectors
    by this project's embedder are made of what has none. `versions`: of sources that teach what a frozen version says,
    its number."""

    title: str = ""
    sources: list[int] | None = None
    taxa: dict[int, int | None] | None = None
    per_taxon: int | None = USUAL_PER_TAXON
    pick: Pick = "varied"
    seed: int = 1
    with_unseen: bool = False
    filters: str = ""
    only_listed: bool = False
    embed_missing: bool = False
    versions: dict[int, int] | None = None

    def choices(self, project_id: int) -> Choices:
        said = {key: value for key, value in asdict(self).items() if key != "title"}
        sources = tuple(self.sources or [project_id])
        return Choices(**said | {"sources": sources, "taxa": self.taxa or {}, "versions": self.versions or {}})


@dataclass(frozen=True)
class SetAnswer:
    """A learning set; nobody may learn from it before it is frozen. `taxa`: how many objects teach each, by its id."""

    id: int
    project_id: int
    title: str
    version: int
    n_objects: int
    n_taxa: int
    source_ids: list[int]
    by: str | None
    job_id: int | None
    created_at: datetime
    frozen_at: datetime | None
    brought_from: str | None
    choices: Choices
    taxa: dict[int, int] | None = None


@dataclass(frozen=True)
class SetJob:
    """The set that will be made, and the job that makes it."""

    set_id: int
    job_id: int


@dataclass(frozen=True)
class ExportWish:
    with_images: bool = False


def answer(made: LearningSet, taxa: dict[int, int] | None = None) -> SetAnswer:
    return SetAnswer(
        made.id, made.project_id, made.title, made.version, made.n_objects, made.n_taxa, made.source_ids, made.by,
        made.job_id, made.created_at, made.frozen_at, made.brought_from, made.choices, taxa,
    )  # fmt: skip


@get(
    LIST, opt=VISITOR, sync_to_thread=True, tags=["learning sets"], summary="A project's learning sets",
    responses=refusals(401, 404),
)  # fmt: skip
def list_api(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    elsewhere: FromQuery[bool] = False,
) -> list[SetAnswer]:
    """Those of whose projects you may read all, the newest first; `elsewhere`: those made in other projects."""
    actor(viewer)
    return [answer(made) for made in sets.list_sets(db, viewer, project.id, elsewhere)]


@get(
    f"{LIST}/{{set_id:int}}", opt=VISITOR, sync_to_thread=True, tags=["learning sets"],
    summary="One learning set, with its taxa", responses=refusals(401, 403, 404),
)  # fmt: skip
def read_api(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    set_id: FromPath[int],
) -> SetAnswer:
    actor(viewer)
    made = pages.find(db, viewer, set_id)
    return answer(made, {taxon.id: taxon.n for taxon in pages.taxa_of(db, made.id)})


@post(
    LIST, opt=LEARNS, sync_to_thread=True, status_code=202, tags=["learning sets"],
    summary="Make a learning set, as a job", responses=refusals(400, 403, 404, 422),
)  # fmt: skip
def make_api(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    data: JSONBody[SetWish],
) -> SetJob:
    """Each title has versions: the same title again makes the next one."""
    account = actor(viewer)
    title = data.title or sets.OWN_TITLE
    return SetJob(*job.ask(db, project, account.id, title, data.choices(project.id)))


@post(
    f"{LIST}/preview", opt=LEARNS | {"reads": True}, sync_to_thread=True, status_code=200, tags=["learning sets"],
    summary="What a learning set would be", responses=refusals(400, 403, 404, 422),
)  # fmt: skip
def preview_api(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    data: JSONBody[SetWish],
) -> Preview:
    account = actor(viewer)
    choices = data.choices(project.id)
    check(choices)
    return previews.preview(db, project, account.id, choices)


@post(
    f"{LIST}/comparison", opt=LEARNS | {"reads": True}, sync_to_thread=True, status_code=200, tags=["learning sets"],
    summary="Near-duplicates across projects, and where they disagree about a taxon",
    responses=refusals(400, 403, 404, 422),
)  # fmt: skip
def compare_api(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    data: JSONBody[SetWish],
) -> Comparison:
    account = actor(viewer)
    choices = data.choices(project.id)
    check(choices)
    return previews.comparison(db, project, account.id, choices)


@delete(
    f"{LIST}/{{set_id:int}}", opt=LEARNS, sync_to_thread=True, status_code=204, tags=["learning sets"],
    summary="Delete a learning set", responses=refusals(401, 403, 404, 409),
)  # fmt: skip
def delete_api(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    set_id: FromPath[int],
) -> None:
    """Classifiers that learned from it stay."""
    actor(viewer)
    pages.remove(db, pages.own_of(db, project, viewer, set_id))


@post(
    f"{LIST}/{{set_id:int}}/exports", opt=LEARNS, sync_to_thread=True, status_code=202, tags=["learning sets"],
    summary="Write a learning set into a file, as a job", responses=refusals(401, 403, 404, 409),
)  # fmt: skip
def export_api(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    set_id: FromPath[int],
    data: JSONBody[ExportWish],
) -> Export:
    """A parquet table of ids, labels and vectors; with images a zip of it and of these, one folder per taxon, for
    who manages all projects that they are of."""
    actor(viewer)
    return exporting.ask(db, viewer, pages.find(db, viewer, set_id), data.with_images)


@get(
    f"{LIST}/{{set_id:int}}/exports", opt=LEARNS, sync_to_thread=True, tags=["learning sets"],
    summary="The files of a learning set: whole where they have a size", responses=refusals(401, 403, 404),
)  # fmt: skip
def exports_api(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    set_id: FromPath[int],
) -> list[Export]:
    actor(viewer)
    return exporting.list_exports(db, pages.find(db, viewer, set_id))


@get(
    f"{LIST}/{{set_id:int}}/exports/{{export_id:int}}/file", opt=LEARNS, sync_to_thread=True, tags=["learning sets"],
    summary="Download a file", responses=refusals(401, 403, 404, 409),
)  # fmt: skip
def download_api(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    state: AppState,
    set_id: FromPath[int],
    export_id: FromPath[int],
) -> File:
    actor(viewer)
    return pages.export_file(db, viewer, state.settings, pages.find(db, viewer, set_id), export_id)


@post(
    f"{LIST}/import", opt=LEARNS, status_code=202, request_max_body_size=uploads.MOST_FILE_BYTES,
    tags=["learning sets"], summary="Bring a learning set: a parquet table, or a zip with a folder of images a taxon",
    responses=refusals(400, 403, 404, 413, 422),
)  # fmt: skip
async def bring_api(
    request: Request[Any, Any, Any],
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    title: FromQuery[str] = "",
) -> SetJob:
    """The body is the file: what an export writes, or a table with `taxon` and `vector`. Objects that are known here
    are taken as they are; images of others are embedded where the file has no vectors by an embedder known here."""
    account = actor(viewer)
    await request.scope["state"]["transaction"].end(commit=True)
    return SetJob(*await uploads.take_in(request, project, account.id, title or "Brought", "", request.stream()))


routes = [
    list_api, read_api, make_api, preview_api, compare_api, delete_api, export_api, exports_api, download_api,
    bring_api,
]  # fmt: skip
