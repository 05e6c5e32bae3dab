"""A project's page of exports: what can be written out, what is being written, and the files."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from litestar import Request, Response, get, post
from litestar.datastructures import State as AppState
from litestar.di import NamedDependency
from litestar.params import FromPath, URLEncodedBody
from litestar.response import Redirect, Template

from app.accounts.viewer import Viewer
from app.database import Db
from app.errors import Refused
from app.exporting import api, card, files
from app.exporting.api import EXPORTS, LIST
from app.exporting.choices import EXTRAS, KINDS, LISTED, OWN, Choices, Wish, find_kind, needs_manager
from app.exporting.columns import fields_of, general_columns
from app.exporting.files import Export
from app.labels.pages import actor
from app.objects.filters import address
from app.projects.access import Project

EXTRA_WORDS = {
    "score": "the score of the prediction",
    "choices": "the first three predictions with their scores",
    "provenance": "how each label came about",
    "batch": "the batch in which it was labelled",
    "history": "all former labels",
}


TICKS = frozenset({"convert", "internal_ids", "types_row", "with_unseen", "through_ancestors", "with_absent"})
NUMBERS = {"validation": "Percent for validation", "test": "Percent for test", "seed": "The seed"}


def _number(text: str, name: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise Refused(f"{name} is a whole number, not {text!r}.", status=422) from None


@dataclass
class ExportForm:
    """As the page sends it: ticks are there or not, one alone comes as it is."""

    kind: str = ""
    images: str = ""
    convert: str = ""
    filters: str = ""
    split_by: str = ""
    columns: list[str] | str = field(default_factory=list)
    internal_ids: str = ""
    types_row: str = ""
    extras: list[str] | str = field(default_factory=list)
    statuses: list[str] | str = field(default_factory=list)
    with_unseen: str = ""
    validation: str = ""
    test: str = ""
    seed: str = ""
    licence: str = ""
    vectors: list[str] | str = field(default_factory=list)
    through_ancestors: str = ""
    with_absent: str = ""

    def wish(self) -> Wish:
        takes = find_kind(self.kind).takes
        given: dict[str, Any] = {}
        for name in takes:
            value = getattr(self, name, "")
            if name in LISTED:
                given[name] = [value] if isinstance(value, str) and value else list(value)
            elif name in TICKS:
                given[name] = bool(value)
            elif name in NUMBERS and value:
                given[name] = _number(value, NUMBERS[name])
            elif value:
                given[name] = value.strip()
        return Wish(self.kind, given)


@get(LIST, opt=EXPORTS, include_in_schema=False, sync_to_thread=True)
def show_exports(
    request: Request, db: NamedDependency[Db], project: NamedDependency[Project], viewer: NamedDependency[Viewer]
) -> Template:
    """`filters`: of the board that one comes from, for whatever kind takes them."""
    return page(db, project, viewer, filters=request.query_params.get("filters", ""))


def page(
    db: Db,
    project: Project,
    viewer: Viewer,
    form: ExportForm | None = None,
    error: str = "",
    status: int = 200,
    filters: str = "",
) -> Template:
    """The page; after a refusal with what was chosen."""
    kinds = {
        name: kind
        for name, kind in KINDS.items()
        if project.may("manager") or not needs_manager(name, Choices(images=kind.images))
    }
    columns = general_columns(fields_of(db, project.id), Choices(images="all", extras=()), project.may("manager"))
    context = {
        "project": project,
        "kinds": kinds,
        "columns": [column.header for column in columns],
        "statuses": card.WORDS,
        "embedders": _embedders(db, project.id),
        "extras": {name: EXTRA_WORDS[name] for name in EXTRAS},
        "form": form or ExportForm(kind=next(iter(kinds))),
        "error": error,
        "filters": filters,
        **_list(db, project, viewer),
    }
    return Template("exporting/page.html", context=context, status_code=status)


def _embedders(db: Db, project_id: int) -> list[str]:
    """Those of which this project has vectors; its own first, as “own”."""
    rows = db.execute(
        """
        select embedder.name, project.id is not null as is_own
        from embedder
        left join project on project.id = %(id)s
                         and project.embedder_id = embedder.id
        where exists (select from object_vector where embedder_id = embedder.id and project_id = %(id)s)
        order by is_own desc, embedder.name
        """,
        {"id": project_id},
    )
    return [OWN if row.is_own else row.name for row in rows]


def _list(db: Db, project: Project, viewer: Viewer) -> dict[str, Any]:
    found = files.list_exports(db, project, actor(viewer).id)
    context = {"exports": found, "waits": _waits(found), "jobs": _progress(db, project)}
    return {"project": project, "kept_days": files.KEPT_DAYS} | context


def _waits(found: Iterable[Export]) -> bool:
    return any(one.status in ("queued", "running") for one in found)


@get(f"{LIST}/list", opt=EXPORTS, include_in_schema=False, sync_to_thread=True)
def show_list(db: NamedDependency[Db], project: NamedDependency[Project], viewer: NamedDependency[Viewer]) -> Template:
    """The files, and how far those are that are being written: asks again by itself until none is."""
    return Template("exporting/_list.html", context=_list(db, project, viewer), headers={"Cache-Control": "no-store"})


def _progress(db: Db, project: Project) -> dict[int, Any]:
    rows = db.execute(
        """
        select job.id, done, total, unit, message
        from export
        join job on job.id = job_id
        where export.project_id = %s
          and job.status = 'running'
        """,
        [project.id],
    )
    return {row.id: row for row in rows}


@post(LIST, opt=EXPORTS, include_in_schema=False, sync_to_thread=True)
def ask_page(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    data: URLEncodedBody[ExportForm],
) -> Response[Any]:
    try:
        files.ask(db, project, actor(viewer).id, data.wish())
    except Refused as refused:
        if refused.status != 422 or data.kind not in KINDS:
            raise
        return page(db, project, viewer, data, refused.sentence, refused.status)
    kept = [("filters", data.filters)] if data.filters else []
    return Redirect(address(f"/projects/{project.id}/exports", kept), status_code=303)


@get(f"{LIST}/{{export_id:int}}", opt=EXPORTS, include_in_schema=False, sync_to_thread=True)
def download_page(
    request: Request,
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    export_id: FromPath[int],
) -> Response[Any]:
    return api.download(request, db, project, viewer, export_id)


@post(f"{LIST}/{{export_id:int}}/delete", opt=EXPORTS, include_in_schema=False, sync_to_thread=True)
def delete_page(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    state: AppState,
    export_id: FromPath[int],
) -> Redirect:
    files.remove(db, state.settings, files.find_own(db, project, actor(viewer).id, export_id))
    return Redirect(f"/projects/{project.id}/exports", status_code=303)


routes = [show_exports, show_list, ask_page, download_page, delete_page]
