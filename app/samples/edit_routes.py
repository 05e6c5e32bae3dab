"""The forms in which managers change the fields of a sample, or of an acquisition and its process; for programs too."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from litestar import Response, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, URLEncodedBody
from litestar.response import Redirect, Template

from app.accounts.viewer import Viewer
from app.database import Db
from app.edits.acts import Asked
from app.errors import Conflict, Refused
from app.labels.pages import actor
from app.openapi import refusals
from app.projects.access import MANAGER, Project
from app.samples import editing
from app.samples.editing import EditField

SAMPLE = "/projects/{project_id:int}/samples/{sample_id:int}"
ACQUISITION = "/projects/{project_id:int}/acquisitions/{acquisition_id:int}"
# Of what each page is: its address, and the levels whose fields its forms hold.
PAGES = {"samples": ("sample",), "acquisitions": ("acquisition", "process")}
Form = dict[str, Any]


@dataclass(frozen=True)
class SampleChange:
    """`fields` by name, latitude and longitude among them; null or empty: there is none. What is left out stays."""

    fields: dict[str, str | float | None]
    client_id: UUID | None = None


@dataclass(frozen=True)
class AcquisitionChange:
    """`fields` of the acquisition, instrument among them, or `process_fields`; what is left out stays."""

    fields: dict[str, str | float | None] = field(default_factory=dict)
    process_fields: dict[str, str | float | None] = field(default_factory=dict)
    client_id: UUID | None = None


@dataclass(frozen=True)
class Edited:
    """The acts that changed something; each is undone as every edit."""

    acts: list[Asked]


def _page(
    db: Db,
    project: Project,
    what: str,
    thing_id: int,
    typed: Mapping[str, Any] | None = None,
    refused: Refused | None = None,
) -> Template:
    """The fields as they are, or as just typed, in one form for each level that there is."""
    levels: dict[str, list[EditField]] = {}
    for level in PAGES[what]:
        if level != "process" or _has_process(db, thing_id):
            levels[level] = editing.edit_fields(db, project.id, level, thing_id)
    context = {
        "project": project,
        "what": what,
        "thing_id": thing_id,
        "name": _name(db, PAGES[what][0], thing_id),
        "levels": levels,
        "typed": typed or {},
        "client_id": uuid4(),
        "error": refused.sentence if refused else "",
    }
    return Template("samples/edit.html", context=context, status_code=refused.status if refused else 200)


def _name(db: Db, level: str, thing_id: int) -> str:
    table = "sample" if level == "sample" else "acquisition"
    row = db.execute(f"select orig_id from {table} where id = %s", [thing_id]).fetchone()  # noqa: S608 (constants)
    return str(row.orig_id)


def _has_process(db: Db, acquisition_id: int) -> bool:
    return db.execute("select from process where acquisition_id = %s", [acquisition_id]).fetchone() is not None


def _save(db: Db, project: Project, viewer: Viewer, what: str, thing_id: int, form: Form) -> Response[Any]:
    """`now.NAME` is what was typed, `was.NAME` what was shown."""
    level = str(form.get("level", ""))
    if level not in PAGES[what]:
        raise Refused("This form does not say what it is of. Open the page again.", status=422)
    now = {name[4:]: str(value) for name, value in form.items() if name.startswith("now.")}
    was = {name[4:]: str(value) for name, value in form.items() if name.startswith("was.")}
    try:
        act_id = editing.change(db, project, actor(viewer).id, _uuid(form), level, thing_id, now, was)
    except Refused as refused:
        if refused.status not in (409, 422):
            raise
        typed = {f"{level}.{name}": text for name, text in now.items()}
        return _page(db, project, what, thing_id, typed, refused)
    said = f"?changed={act_id}" if act_id else ""
    return Redirect(f"/projects/{project.id}/{what}/{thing_id}{said}", status_code=303)


def _uuid(form: Form) -> UUID:
    try:
        return UUID(str(form.get("client_id", "")))
    except ValueError:
        return uuid4()


@get(f"{SAMPLE}/edit", opt=MANAGER, include_in_schema=False, sync_to_thread=True)
def show_sample_form(db: NamedDependency[Db], project: NamedDependency[Project], sample_id: FromPath[int]) -> Template:
    return _page(db, project, "samples", sample_id)


@post(f"{SAMPLE}/edit", opt=MANAGER, include_in_schema=False, sync_to_thread=True)
def save_sample(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    sample_id: FromPath[int],
    data: URLEncodedBody[Form],
) -> Response[Any]:
    return _save(db, project, viewer, "samples", sample_id, data)


@get(f"{ACQUISITION}/edit", opt=MANAGER, include_in_schema=False, sync_to_thread=True)
def show_acquisition_form(
    db: NamedDependency[Db], project: NamedDependency[Project], acquisition_id: FromPath[int]
) -> Template:
    return _page(db, project, "acquisitions", acquisition_id)


@post(f"{ACQUISITION}/edit", opt=MANAGER, include_in_schema=False, sync_to_thread=True)
def save_acquisition(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    acquisition_id: FromPath[int],
    data: URLEncodedBody[Form],
) -> Response[Any]:
    return _save(db, project, viewer, "acquisitions", acquisition_id, data)


def _texts(fields: Mapping[str, str | float | None]) -> dict[str, str]:
    return {
        name: "" if value is None else f"{value:.15g}" if isinstance(value, float) else str(value)
        for name, value in fields.items()
    }


@patch(
    SAMPLE, opt=MANAGER, sync_to_thread=True, tags=["samples"], summary="Change fields of a sample",
    responses=refusals(400, 401, 403, 404, 422),
)  # fmt: skip
def change_sample_api(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    sample_id: FromPath[int],
    data: JSONBody[SampleChange],
) -> Edited:
    """An edit, undone as every other one; no act where nothing differs from what stands there."""
    client_id = data.client_id or uuid4()
    act_id = editing.change(db, project, actor(viewer).id, client_id, "sample", sample_id, _texts(data.fields))
    return _edited(db, act_id)


@patch(
    ACQUISITION, opt=MANAGER, sync_to_thread=True, tags=["samples"],
    summary="Change fields of an acquisition or of its process", responses=refusals(400, 401, 403, 404, 409, 422),
)  # fmt: skip
def change_acquisition_api(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    acquisition_id: FromPath[int],
    data: JSONBody[AcquisitionChange],
) -> Edited:
    """An edit, undone as every other one. Fields of one level at a time, where a `client_id` is sent."""
    if data.client_id and data.fields and data.process_fields:
        raise Conflict("One client_id stands for one edit: send the fields of the process with another one.")
    ids = []
    for level, fields in (("acquisition", data.fields), ("process", data.process_fields)):
        if fields:
            client_id = data.client_id or uuid4()
            ids.append(editing.change(db, project, actor(viewer).id, client_id, level, acquisition_id, _texts(fields)))
    if not ids:
        editing.edit_fields(db, project.id, "acquisition", acquisition_id)
    return _edited(db, *ids)


def _edited(db: Db, *act_ids: int | None) -> Edited:
    return Edited([told for act_id in act_ids if (told := editing.told(db, act_id)) is not None])


routes = [show_sample_form, save_sample, show_acquisition_form, save_acquisition]
api_routes = [change_sample_api, change_acquisition_api]
