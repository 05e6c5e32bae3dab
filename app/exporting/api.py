"""Exports for programs: ask for one, list them, follow one, download it, delete it."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from litestar import Request, Response, delete, get, post
from litestar.datastructures import State as AppState
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from app.accounts.viewer import Viewer
from app.database import Db
from app.exporting import files, sent
from app.exporting.choices import By, Choices, Extra, Images, Quantity, SplitBy, Status, Wish
from app.exporting.files import Export
from app.labels.pages import actor
from app.openapi import refusals
from app.projects.access import ANNOTATOR, Project

LIST = "/projects/{project_id:int}/exports"
EXPORTS = ANNOTATOR | {"does": "export from"}


@dataclass(frozen=True)
class ExportRequest:
    """`kind`: ecotaxa_backup, ecotaxa_general, annotations, folders, coco, csv, parquet, summary, darwin_core or
    archive. What is left out is as the kind has it; a kind refuses what it has no choice of. `images`: of each object
    none, the first or all. `convert`: TIFF, WebP and BMP, which EcoTaxa does not read, as PNG. `filters`: only objects
    that meet conditions, as an address of the board says them. `columns`: headers that are wanted. `types_row`: as
    imports read it. `extras`: columns beside EcoTaxa's. `statuses`: only objects of these, U, P, D or V. `with_unseen`:
    also labels that were accepted unseen under an audit. `validation`, `test`: percent of the objects, whole samples at
    a time, drawn by `seed`. `vectors`: of which embedders; own is the project's. `through_ancestors`: taxa without a
    WoRMS id go by the nearest ancestor's. `with_absent`: of each taxon also in which samples it was not. Of summaries:
    `by` what there is a row; `with_status`: apart by status; `quantities`; `formulas`: by name, the project's where
    none is given; `regroup`: lines as “Oithona similis = Oithona”, “detritus =” (left out) or “Copepoda” (with all
    below it); `zero_rows`: each sample or acquisition has a row for every taxon."""

    kind: str
    images: Images | None = None
    convert: bool | None = None
    filters: str | None = None
    split_by: SplitBy | None = None
    columns: list[str] | None = None
    internal_ids: bool | None = None
    types_row: bool | None = None
    extras: list[Extra] | None = None
    statuses: list[Status] | None = None
    with_unseen: bool | None = None
    validation: int | None = None
    test: int | None = None
    seed: int | None = None
    licence: str | None = None
    vectors: list[str] | None = None
    through_ancestors: bool | None = None
    with_absent: bool | None = None
    by: By | None = None
    with_status: bool | None = None
    quantities: list[Quantity] | None = None
    formulas: dict[str, str] | None = None
    regroup: list[str] | None = None
    zero_rows: bool | None = None

    def wish(self) -> Wish:
        return Wish(self.kind, {name: value for name, value in asdict(self).items() if name != "kind"})


@dataclass(frozen=True)
class ExportAnswer:
    """An export. `status`: of its job: queued, running, done, failed (then `error` says why) or cancelled. The file is
    whole where it has a size, and is kept until `expires_at`."""

    id: int
    kind: str
    choices: Choices
    by: str | None
    job_id: int | None
    status: str
    error: str
    file_name: str
    n_bytes: int | None
    n_rows: int | None
    created_at: datetime
    expires_at: datetime | None


def answer(one: Export) -> ExportAnswer:
    return ExportAnswer(**{name: getattr(one, name) for name in ExportAnswer.__dataclass_fields__})


@post(
    LIST, opt=EXPORTS, sync_to_thread=True, status_code=202, tags=["exports"],
    summary="Write a project out, as a job", responses=refusals(400, 401, 403, 404, 422),
)  # fmt: skip
def ask_api(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    data: JSONBody[ExportRequest],
) -> ExportAnswer:
    """Images, and everything at once, are for managers. The same again while it is being written is the same export."""
    return answer(files.ask(db, project, actor(viewer).id, data.wish()))


@get(
    LIST, opt=EXPORTS, sync_to_thread=True, tags=["exports"], summary="A project's exports, newest first",
    responses=refusals(401, 403, 404),
)  # fmt: skip
def list_api(
    db: NamedDependency[Db], project: NamedDependency[Project], viewer: NamedDependency[Viewer]
) -> list[ExportAnswer]:
    """Your own; all of them where you manage the project."""
    return [answer(one) for one in files.list_exports(db, project, actor(viewer).id)]


@get(
    f"{LIST}/{{export_id:int}}", opt=EXPORTS, sync_to_thread=True, tags=["exports"], summary="One export",
    responses=refusals(401, 403, 404),
)  # fmt: skip
def read_api(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    export_id: FromPath[int],
) -> ExportAnswer:
    return answer(files.find_own(db, project, actor(viewer).id, export_id))


@get(
    f"{LIST}/{{export_id:int}}/file", opt=EXPORTS, sync_to_thread=True, tags=["exports"], summary="Download an export",
    responses=refusals(401, 403, 404, 409),
)  # fmt: skip
def download_api(
    request: Request,
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    export_id: FromPath[int],
) -> Response[Any]:
    """A download that broke off goes on with Range, and with the ETag as If-Range."""
    return download(request, db, project, viewer, export_id)


def download(request: Request, db: Db, project: Project, viewer: Viewer, export_id: int) -> Response[Any]:
    one = files.find_own(db, project, actor(viewer).id, export_id)
    return sent.answer(request, files.whole_file(request.app.state.settings, one), one.file_name, one.id)


@delete(
    f"{LIST}/{{export_id:int}}", opt=EXPORTS, sync_to_thread=True, status_code=204, tags=["exports"],
    summary="Delete an export and its file", responses=refusals(401, 403, 404, 409),
)  # fmt: skip
def delete_api(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    state: AppState,
    export_id: FromPath[int],
) -> None:
    """One that is being written is cancelled first."""
    files.remove(db, state.settings, files.find_own(db, project, actor(viewer).id, export_id))


routes = [ask_api, list_api, read_api, download_api, delete_api]
