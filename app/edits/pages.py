"""A project's page of mass edits: what is to change, what that would do, what was done, and its undo."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from litestar import Request, get, post
from litestar.concurrency import sync_to_thread
from litestar.datastructures import UploadFile
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect, Template

from app.accounts.viewer import Viewer
from app.database import Db
from app.edits import acts, label_preview, tables, undo, values
from app.edits.api import EDITS, LIST, LOOKS
from app.edits.columns import LEVELS, edit_columns
from app.edits.label_wishes import LabelsWish, who_labelled
from app.edits.labels import edit_labels
from app.edits.wishes import ValuesWish
from app.errors import Refused
from app.expressions.language import FUNCTIONS
from app.labels.pages import actor
from app.labels.undo_routes import read_moment
from app.projects.access import VISITOR, Project
from app.taxonomy.changing import named

MINUTE = len("2026-05-31T12:00")


@dataclass
class ValuesForm:
    """`column`: with its level, as in object.area; `new_name`: of a new one of the `level`."""

    way: str = "value"
    column: str = ""
    level: str = "object"
    new_name: str = ""
    new_column: str = "number"
    value: str = ""
    formula: str = ""
    table_id: str = ""
    filters: str = ""
    empty_erases: str = ""
    expected: str = ""
    client_id: str = ""

    def wish(self) -> ValuesWish:
        filters = self.filters.strip().lstrip("?")
        if self.way == "table":
            number = int(self.table_id) if self.table_id.isdecimal() else 0
            return ValuesWish(
                self.level, "table", table_id=number, filters=filters, empty_erases=bool(self.empty_erases)
            )
        level, _, column = self.column.partition(".")
        new = self.new_name.strip() if not self.column else ""
        if not new and not column:
            raise Refused("Choose the column that is to change, or name a new one.", status=422)
        return ValuesWish(
            self.level if new else level,
            "formula" if self.way == "formula" else "value",
            column=new or column,
            value=self.value if self.way == "value" else "",
            formula=self.formula if self.way == "formula" else "",
            new_column=self.new_column if new else "",
            filters=filters,
        )


@dataclass
class LabelsForm:
    way: str = "erase"
    filters: str = ""
    who: str = ""
    others: str = ""
    since: str = ""
    until: str = ""
    to: str = ""
    taxon_id: str = ""
    expected: str = ""
    client_id: str = ""

    def wish(self, db: Db) -> LabelsWish:
        """Of a period to its last minute's end."""
        until = read_moment(self.until) if self.until else None
        if until is not None and len(self.until) == MINUTE:
            until = until.replace(second=59, microsecond=999_999)
        taxon_id = None
        if self.way == "reclassify":
            if not self.taxon_id and not self.to.strip():
                raise Refused("Say which taxon the labels get.", status=422)
            taxon_id = int(self.taxon_id) if self.taxon_id.isdecimal() else int(named(db, self.to).id)
        return LabelsWish(
            self.way,  # type: ignore[arg-type]
            self.filters.strip().lstrip("?"),
            int(self.who) if self.who.isdecimal() else None,
            bool(self.others),
            read_moment(self.since) if self.since else None,
            until,
            taxon_id,
        )


@dataclass
class UndoForm:
    client_id: str = ""


@dataclass
class Typed:
    """What somebody chose, to be shown again after a refusal."""

    values: ValuesForm = field(default_factory=ValuesForm)
    labels: LabelsForm = field(default_factory=LabelsForm)
    error: str = ""
    status: int = 200


@get(LIST, opt=VISITOR, include_in_schema=False, sync_to_thread=True)
def show_edits(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    of: FromQuery[str] = "",
    before: FromQuery[int | None] = None,
) -> Template:
    """`of`: the filter of the board that one came from. Who may not edit sees what was done."""
    actor(viewer)
    return page(db, project, Typed(ValuesForm(filters=of), LabelsForm(filters=of)), before)


def page(db: Db, project: Project, typed: Typed, before: int | None = None) -> Template:
    found = acts.list_edits(db, project.id, before)
    context = {
        "project": project,
        "columns": {level: edit_columns(db, project.id, level) for level in LEVELS},
        "functions": sorted(FUNCTIONS),
        "people": who_labelled(db, project.id),
        "form": typed.values,
        "labels": typed.labels,
        "error": typed.error,
        "edits": found,
        "older": found[-1].id if len(found) == acts.PAGE else None,
    }
    return Template("edits/page.html", context=context, status_code=typed.status)


@post(f"{LIST}/values/preview", opt=LOOKS, include_in_schema=False, sync_to_thread=True, status_code=200)
def preview_values(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    data: URLEncodedBody[ValuesForm],
) -> Template:
    try:
        return _values_preview(db, project, actor(viewer).id, data)
    except Refused as refused:
        if refused.status != 422:
            raise
        return page(db, project, Typed(values=data, error=refused.sentence, status=422))


def _values_preview(db: Db, project: Project, account_id: int, form: ValuesForm) -> Template:
    wish = form.wish()
    told = values.preview(db, project, account_id, wish)
    context: dict[str, Any] = {
        "project": project, "told": told, "form": form, "client_id": uuid4(), "level": wish.level, "brought": None,
    }  # fmt: skip
    if wish.way == "table":
        context["brought"] = tables.find_table(db, project.id, wish.table_id or 0)
    return Template("edits/values.html", context=context)


@post(f"{LIST}/values", opt=EDITS, include_in_schema=False, sync_to_thread=True)
def do_values(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    data: URLEncodedBody[ValuesForm],
) -> Redirect:
    done = values.edit_values(
        db, project, actor(viewer).id, _client_id(data.client_id), data.wish(), _expected(data.expected)
    )
    return _to(project, done.act_id)


def _client_id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Refused("Look at what would change first: the form that follows does it.", status=422) from None


def _expected(text: str) -> int | None:
    return int(text) if text.isdecimal() else None


def _to(project: Project, act_id: int) -> Redirect:
    return Redirect(f"/projects/{project.id}/edits/{act_id}", status_code=303)


@post(f"{LIST}/tables", opt=EDITS, include_in_schema=False, request_max_body_size=tables.MOST_BODY_BYTES)
async def bring_table(
    request: Request[Any, Any, Any],
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
) -> Redirect:
    """The file comes before a connection waits for it."""
    account = actor(viewer)
    await request.scope["state"]["transaction"].end(commit=True)
    form = await request.form()
    upload = form.get("file")
    if not isinstance(upload, UploadFile) or not upload.filename:
        raise Refused("Choose a file: a CSV or TSV whose first line names the columns.", status=422)
    content = await upload.read()
    async with request.app.state.connections.take() as own:
        told = await sync_to_thread(
            tables.take_in, own, project.id, account.id, str(form.get("level") or "object"), upload.filename, content
        )
    return Redirect(f"/projects/{project.id}/edits/tables/{told.id}", status_code=303)


@get(f"{LIST}/tables/{{table_id:int}}", opt=EDITS, include_in_schema=False, sync_to_thread=True)
def show_table(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    table_id: FromPath[int],
    filters: FromQuery[str] = "",
    empty_erases: FromQuery[str] = "",
) -> Template:
    """What a table that was brought would change."""
    row = tables.find_table(db, project.id, table_id)
    form = ValuesForm("table", level=row.level, table_id=str(row.id), filters=filters, empty_erases=empty_erases)
    return _values_preview(db, project, actor(viewer).id, form)


@post(f"{LIST}/labels/preview", opt=LOOKS, include_in_schema=False, sync_to_thread=True, status_code=200)
def preview_labels(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    data: URLEncodedBody[LabelsForm],
) -> Template:
    try:
        wish = data.wish(db)
        told = label_preview.preview(db, project, actor(viewer).id, wish)
    except Refused as refused:
        if refused.status not in (400, 404, 409, 422):
            raise
        return page(db, project, Typed(labels=data, error=refused.sentence, status=refused.status))
    data.taxon_id = str(wish.taxon_id or "")
    context = {"project": project, "told": told, "form": data, "client_id": uuid4()}
    return Template("edits/labels.html", context=context)


@post(f"{LIST}/labels", opt=EDITS, include_in_schema=False, sync_to_thread=True)
def do_labels(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    data: URLEncodedBody[LabelsForm],
) -> Redirect:
    done = edit_labels(
        db, project, actor(viewer).id, _client_id(data.client_id), data.wish(db), _expected(data.expected)
    )
    return _to(project, done.act_id)


@get(f"{LIST}/{{edit_id:int}}", opt=VISITOR, include_in_schema=False, sync_to_thread=True)
def show_edit(
    db: NamedDependency[Db], project: NamedDependency[Project], viewer: NamedDependency[Viewer], edit_id: FromPath[int]
) -> Template:
    actor(viewer)
    return Template("edits/one.html", context=_one(db, project, edit_id))


def _one(db: Db, project: Project, edit_id: int) -> dict[str, Any]:
    found = acts.find_edit(db, project.id, edit_id)
    job_id = found.undone.job_id if found.undone and found.undone.job_id else found.job_id
    job = db.execute("select id, status, done, total, unit, error, message from job where id = %s", [job_id]).fetchone()
    return {
        "project": project, "edit": found, "job": job, "client_id": uuid4(),
        "changes": values.changes_of(db, project.id, found),
    }  # fmt: skip


@get(f"{LIST}/{{edit_id:int}}/progress", opt=VISITOR, include_in_schema=False, sync_to_thread=True)
def show_progress(
    db: NamedDependency[Db], project: NamedDependency[Project], viewer: NamedDependency[Viewer], edit_id: FromPath[int]
) -> Template:
    """How far it is: asks again by itself; the page loads anew at the end."""
    actor(viewer)
    context = _one(db, project, edit_id)
    headers = {"Cache-Control": "no-store"} | ({} if context["edit"].waits else {"HX-Refresh": "true"})
    return Template("edits/_progress.html", context=context, headers=headers)


@get(f"{LIST}/{{edit_id:int}}/undo", opt=EDITS, include_in_schema=False, sync_to_thread=True)
def show_undo(
    db: NamedDependency[Db], project: NamedDependency[Project], viewer: NamedDependency[Viewer], edit_id: FromPath[int]
) -> Template:
    """What the undo would do, and the button that does it."""
    actor(viewer)
    context = {
        "project": project, "edit": acts.find_edit(db, project.id, edit_id), "client_id": uuid4(),
        "told": undo.look(db, project.id, edit_id),
    }  # fmt: skip
    return Template("edits/_undo.html", context=context)


@post(f"{LIST}/{{edit_id:int}}/undo", opt=EDITS, include_in_schema=False, sync_to_thread=True)
def undo_edit(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    edit_id: FromPath[int],
    data: URLEncodedBody[UndoForm],
) -> Redirect:
    undo.undo(db, project, actor(viewer).id, _client_id(data.client_id), edit_id)
    return _to(project, edit_id)


routes = [
    show_edits, preview_values, do_values, bring_table, show_table, preview_labels, do_labels, show_edit, show_progress,
    show_undo, undo_edit,
]  # fmt: skip
