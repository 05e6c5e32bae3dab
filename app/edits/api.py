"""Mass edits for programs: look at what one would do, do it, follow it, take it back."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody

from app.accounts.viewer import Viewer
from app.database import Db
from app.edits import acts, label_preview, tables, undo, values
from app.edits.acts import Asked, Edit
from app.edits.label_preview import LabelsPreview
from app.edits.label_wishes import LabelsWish
from app.edits.label_wishes import Way as LabelsWay
from app.edits.labels import edit_labels
from app.edits.tables import Brought
from app.edits.undo import UndoLook
from app.edits.values import ValuesPreview
from app.edits.wishes import ValuesWish, Way
from app.labels.pages import actor
from app.openapi import refusals
from app.projects.access import MANAGER, VISITOR, Project

LIST = "/projects/{project_id:int}/edits"
EDITS = MANAGER | {"does": "edit in mass in"}
LOOKS = EDITS | {"reads": True}


@dataclass(frozen=True)
class ValuesRequest:
    """An edit of columns. `way`: value (one for all; empty takes it away), formula (over columns of the thing itself
    and of what it belongs to) or table (one that was brought, by its `table_id`). `column`: such as area or latitude.
    `new_column`: number or text, where the project is to get it by this edit. `filters`: only what holds objects that
    meet conditions, as an address of the board says them. `empty_erases`: empty cells of a table take values away."""

    level: str
    way: Way
    column: str = ""
    value: str = ""
    formula: str = ""
    table_id: int | None = None
    new_column: str = ""
    filters: str = ""
    empty_erases: bool = False


@dataclass(frozen=True)
class ValuesDoing(ValuesRequest):
    """`client_id`: drawn by the program; the same sent again happens once. `expected`: the `n_things` of the preview:
    where it is another by now, nothing is done."""

    client_id: UUID | None = None
    expected: int | None = None


@dataclass(frozen=True)
class LabelsRequest:
    """An edit of labels. `way`: erase (what is predicted shows again, where anything is), reset (what stood before
    shows again), predicted (the label becomes a prediction of score 1) or reclassify (the taxon becomes `taxon_id`;
    status, author and time stay). Of objects that meet the `filters`, labelled by `who` (with `others`: by anybody
    else) from `since` to `until`."""

    way: LabelsWay
    filters: str = ""
    who: int | None = None
    others: bool = False
    since: datetime | None = None
    until: datetime | None = None
    taxon_id: int | None = None


@dataclass(frozen=True)
class LabelsDoing(LabelsRequest):
    """`client_id`: drawn by the program; the same sent again happens once. `expected`: the `n_labels` of the preview:
    where it is another by now, nothing is done."""

    client_id: UUID | None = None
    expected: int | None = None


@dataclass(frozen=True)
class TableRequest:
    """A table of new values, as text: CSV or TSV whose first line names the columns. One of them names each row's
    thing: object_id, sample_id or acq_id by its own id, or shoal_id by Shoal's number."""

    level: str
    text: str
    name: str = "table"


@dataclass(frozen=True)
class EditBack:
    """The id that makes it happen once."""

    client_id: UUID


@dataclass(frozen=True)
class EditList:
    """A project's mass edits, newest first; `next_before` is the `before` of the next page, and null at the end."""

    edits: list[Edit]
    next_before: int | None


def _wish(request: Any) -> dict[str, Any]:
    return {name: value for name, value in asdict(request).items() if name not in ("client_id", "expected")}


def client_id_of(given: UUID | None) -> UUID:
    """Without one, a request sent twice happens twice."""
    return given or uuid4()


@post(
    f"{LIST}/values/preview", opt=LOOKS, sync_to_thread=True, status_code=200, tags=["mass edits"],
    summary="What an edit of columns would do", responses=refusals(400, 401, 403, 404, 422),
)  # fmt: skip
def preview_values(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    data: JSONBody[ValuesRequest],
) -> ValuesPreview:
    """Nothing is written. Of very many things the first 200,000 are compared."""
    return values.preview(db, project, actor(viewer).id, ValuesWish(**_wish(data)))


@post(
    f"{LIST}/values", opt=EDITS, sync_to_thread=True, status_code=202, tags=["mass edits"],
    summary="Change a column in mass, as an act", responses=refusals(400, 401, 403, 404, 409, 422),
)  # fmt: skip
def do_values(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    data: JSONBody[ValuesDoing],
) -> Asked:
    """At once up to 2,000 things, else by the job that is told. The former values are kept, for the undo."""
    wish = ValuesWish(**_wish(data))
    return values.edit_values(db, project, actor(viewer).id, client_id_of(data.client_id), wish, data.expected)


@post(
    f"{LIST}/tables", opt=EDITS, sync_to_thread=True, status_code=201, tags=["mass edits"],
    request_max_body_size=tables.MOST_BODY_BYTES,
    summary="Bring a table of new values", responses=refusals(400, 401, 403, 404, 413, 422),
)  # fmt: skip
def bring_table(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    data: JSONBody[TableRequest],
) -> Brought:
    """It is matched with what its rows name and kept for a day; an edit of the way `table` writes it."""
    return tables.take_in(db, project.id, actor(viewer).id, data.level, data.name, data.text.encode())


@post(
    f"{LIST}/labels/preview", opt=LOOKS, sync_to_thread=True, status_code=200, tags=["mass edits"],
    summary="What an edit of labels would do", responses=refusals(400, 401, 403, 404, 409, 422),
)  # fmt: skip
def preview_labels(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    data: JSONBody[LabelsRequest],
) -> LabelsPreview:
    """Nothing is written. Of very many labels the first 100,000 are told of."""
    return label_preview.preview(db, project, actor(viewer).id, LabelsWish(**_wish(data)))


@post(
    f"{LIST}/labels", opt=EDITS, sync_to_thread=True, status_code=202, tags=["mass edits"],
    summary="Change labels in mass, as an act", responses=refusals(400, 401, 403, 404, 409, 422),
)  # fmt: skip
def do_labels(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    data: JSONBody[LabelsDoing],
) -> Asked:
    """At once up to 2,000 labels, else by the job that is told; `predicted` always by one. What somebody says of an
    object meanwhile stays."""
    wish = LabelsWish(**_wish(data))
    return edit_labels(db, project, actor(viewer).id, client_id_of(data.client_id), wish, data.expected)


@get(
    LIST, opt=VISITOR, sync_to_thread=True, tags=["mass edits"], summary="A project's mass edits, newest first",
    responses=refusals(401, 404),
)  # fmt: skip
def list_api(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    before: FromQuery[int | None] = None,
) -> EditList:
    actor(viewer)
    found = acts.list_edits(db, project.id, before)
    return EditList(found, found[-1].id if len(found) == acts.PAGE else None)


@get(
    f"{LIST}/{{act_id:int}}", opt=VISITOR, sync_to_thread=True, tags=["mass edits"], summary="One mass edit",
    responses=refusals(401, 404),
)  # fmt: skip
def read_api(
    db: NamedDependency[Db], project: NamedDependency[Project], viewer: NamedDependency[Viewer], act_id: FromPath[int]
) -> Edit:
    actor(viewer)
    return acts.find_edit(db, project.id, act_id)


@get(
    f"{LIST}/{{act_id:int}}/undo", opt=EDITS, sync_to_thread=True, tags=["mass edits"],
    summary="What the undo of a mass edit would put back, and what it would leave",
    responses=refusals(401, 403, 404),
)  # fmt: skip
def look_api(
    db: NamedDependency[Db], project: NamedDependency[Project], viewer: NamedDependency[Viewer], act_id: FromPath[int]
) -> UndoLook:
    """Nothing is written. Of very many things the first 100,000 are looked at."""
    actor(viewer)
    return undo.look(db, project.id, act_id)


@post(
    f"{LIST}/{{act_id:int}}/undo", opt=EDITS, sync_to_thread=True, status_code=202, tags=["mass edits"],
    summary="Take a mass edit back", responses=refusals(400, 401, 403, 404, 409),
)  # fmt: skip
def undo_api(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    act_id: FromPath[int],
    data: JSONBody[EditBack],
) -> Asked:
    """What was changed since stays, and is told as `n_left`: when that is undone too, what stood before comes back.
    `n_in_bin` objects were deleted meanwhile: once they are back, the undo may be done again."""
    return undo.undo(db, project, actor(viewer).id, data.client_id, act_id)


routes = [preview_values, do_values, bring_table, preview_labels, do_labels, list_api, read_api, look_api, undo_api]
