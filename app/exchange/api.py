"""Imports for programs, under /api/v1: of uploads, and of folders of the server that its administrator has opened."""

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from app.accounts.viewer import Viewer
from app.database import Db
from app.errors import Forbidden, NotFound, Refused
from app.exchange import update_undo, uploads
from app.exchange.mapping import check_mapping
from app.exchange.preparing import start
from app.exchange.report import ImportOptions
from app.jobs.queue import enqueue
from app.openapi import refusals
from app.projects.access import IMPORTS, Project

NOT_OPTIONS = ("source", "upload", "dry_run")


@dataclass(frozen=True)
class ImportRequest:
    """What to import: an upload that came whole, or a path on the server; and how.

    `mapping` answers for unknown taxa and people; the taxon "-" brings objects in without a label. With `dry_run`
    everything is checked and nothing becomes visible: the report is the import's, and the same request without it goes
    on from there. `update`: objects that are there get the fields, or with "all" also the classifications, of the
    source's tables, and none is added; empty cells empty a field.
    """

    source: str = ""
    upload: UUID | None = None
    dry_run: bool = False
    taxa_from_folders: bool = False
    samples_from_folders: bool = False
    skip_existing: bool = False
    skip_bad_images: bool = False
    create_taxa: bool = False
    update: str = ""
    from_scratch: bool = False
    mapping: dict[str, dict[str, int | str]] = field(default_factory=dict)

    def options(self) -> ImportOptions:
        given = {name: getattr(self, name) for name in self.__dataclass_fields__ if name not in NOT_OPTIONS}
        return ImportOptions.from_json(given | {"mapping": check_mapping(self.mapping), "hold": self.dry_run})


@dataclass(frozen=True)
class ImportQueued:
    """The job that does it."""

    job_id: int


@dataclass(frozen=True)
class ImportAnswer:
    """An import: what became of it, or how far it is."""

    id: int
    source: str
    status: Literal["running", "asking", "done", "failed"]
    n_objects: int
    n_images: int
    started_at: datetime
    ended_at: datetime | None
    report: dict[str, Any]
    upload: UUID | None


@post(
    "/projects/{project_id:int}/imports", opt=IMPORTS, sync_to_thread=True, status_code=202, tags=["imports"],
    summary="Check or import an upload, or a folder, an archive or an EcoTaxa bundle of the server",
    responses=refusals(400, 401, 403, 404, 409),
)  # fmt: skip
def start_import_api(
    request: Request,
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    data: JSONBody[ImportRequest],
) -> ImportQueued:
    """Sent again with a mapping, it goes on where the first one asked."""
    settings = request.app.state.settings
    if data.upload is not None:
        upload = uploads.find_upload(db, settings, project.id, data.upload, lock=True)
        return ImportQueued(start(db, project, viewer, upload, data.options()))
    if not data.source:
        raise Refused("Say what to import: an `upload`, or a `source` on the server.")
    source = find_source(settings.import_roots, data.source)
    args = {"source": str(source), "options": data.options().as_json()}
    title = (
        f"Update {project.title} from {source.name}" if data.update else f"Import {source.name} into {project.title}"
    )
    return ImportQueued(enqueue(db, "import", title, project.id, viewer.account_id, args))


@get(
    "/projects/{project_id:int}/imports", opt=IMPORTS, sync_to_thread=True, tags=["imports"],
    summary="Imports of a project, newest first",
    responses=refusals(401, 403, 404),
)  # fmt: skip
def list_imports_api(db: NamedDependency[Db], project: NamedDependency[Project]) -> list[ImportAnswer]:
    rows = db.execute(
        """
        select id, source, status, n_objects, n_images, started_at, ended_at, report,
               (select upload.id from upload where import_id = import.id order by created_at desc limit 1) as upload
        from import
        where project_id = %s
        order by id desc
        limit 1000
        """,
        [project.id],
    )
    return [ImportAnswer(*row) for row in rows]


@get(
    "/projects/{project_id:int}/imports/{import_id:int}", opt=IMPORTS, sync_to_thread=True, tags=["imports"],
    summary="One import with its whole report",
    responses=refusals(401, 403, 404),
)  # fmt: skip
def show_import_api(
    db: NamedDependency[Db], project: NamedDependency[Project], import_id: FromPath[int]
) -> ImportAnswer:
    row = db.execute(
        """
        select id, source, status, n_objects, n_images, started_at, ended_at, report,
               (select upload.id from upload where import_id = import.id order by created_at desc limit 1) as upload
        from import
        where project_id = %s
          and id = %s
        """,
        [project.id, import_id],
    ).fetchone()
    if row is None:
        raise NotFound("There is no such import in this project.")
    return ImportAnswer(*row)


def find_source(roots: str, source: str) -> Path:
    """The real path of a source inside one of the opened folders; what is outside is not even said to exist."""
    opened = [Path(root).resolve() for root in roots.split(":") if root.strip()]
    if not opened:
        raise Forbidden(
            "Importing from the server's folders is not opened: its administrator names them in SHOAL_IMPORT_ROOTS."
        )
    if "\0" in source:
        raise Refused("A path has no NUL in it.")
    # A relative path is looked for in each opened folder; an absolute one replaces them, and must end inside one.
    for root in opened:
        place = (root / source).resolve()
        if any(place.is_relative_to(inside) for inside in opened) and place.exists():
            return place
    raise NotFound(f"There is no {source!r} in the folders that imports are opened for. Ask the administrator.")


routes = [start_import_api, list_imports_api, show_import_api, *update_undo.api]
