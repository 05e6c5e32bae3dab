"""The page of one object, and the comments that people leave on it."""

from dataclasses import dataclass
from typing import Any

from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, URLEncodedBody
from litestar.response import Redirect, Template

from app.accounts.viewer import Viewer
from app.database import Db
from app.errors import Refused
from app.labels.acts import UndoState, check_open, undo_state
from app.labels.pages import actor
from app.objects import detail, queries
from app.objects.scale import pixel_size
from app.projects.access import Project

VISITOR = {"role": "visitor"}
LONGEST_COMMENT = 10_000


@get("/projects/{project_id:int}/objects/{object_id:int}", opt=VISITOR, include_in_schema=False, sync_to_thread=True)
def show_object(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    object_id: FromPath[int],
) -> Template:
    row = detail.find_object(db, project, object_id)
    fields = detail.values_of(db, project, row)
    place = pixel_size(db, project)
    pixel = queries.read_tiles(db, project.id, [object_id], place.place)[object_id].pixel
    brief_names = ("depth_min_m", "depth_max_m", "date", "time", "area", "esd", "major", "feret")
    context = {
        "project": project,
        "object": {
            "id": row.id, "orig_id": row.orig_id, "sample_orig_id": row.sample,
            "acquisition_orig_id": row.acquisition, "process_orig_id": row.process,
        },
        "label": detail.label_of(db, project, row),
        "images": detail.images_of(db, project, object_id),
        "fields": {level: [(name, shown_value(value)) for name, value in pairs] for level, pairs in fields.items()},
        "brief": [(name, shown_value(value)) for name, value in fields["object"] if name in brief_names],
        "history": detail.history_of(db, project, object_id),
        "comments": detail.comments_of(db, project, object_id),
        "neighbours": detail.neighbours_of(db, project, object_id),
        "pixel_size_um": place.um(pixel),
        "undo": undo_state(db, project.id, viewer.account_id) if viewer.account_id else UndoState(),
        "can_label": project.may("annotator") and project.status != "explore",
    }  # fmt: skip
    return Template("objects/object.html", context=context)


def shown_value(value: Any) -> str:
    """A value as text; numbers with the figures that matter."""
    return f"{value:.7g}" if isinstance(value, float) else str(value)


@dataclass(frozen=True)
class CommentForm:
    text: str = ""


@post(
    "/projects/{project_id:int}/objects/{object_id:int}/comments", opt={"role": "annotator"}, include_in_schema=False,
    sync_to_thread=True,
)  # fmt: skip
def comment_on(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    object_id: FromPath[int],
    data: URLEncodedBody[CommentForm],
) -> Redirect:
    add_comment(db, project, viewer, object_id, data.text)
    return Redirect(f"/projects/{project.id}/objects/{object_id}", status_code=303)


def add_comment(db: Db, project: Project, viewer: Viewer, object_id: int, text: str) -> Any:
    """A remark on an object that is there, in a project that is not closed for labelling."""
    check_open(project)
    text = text.replace("\0", "").strip()
    if not text or len(text) > LONGEST_COMMENT:
        raise Refused(f"A comment has 1 to {LONGEST_COMMENT:,} characters.")
    detail.find_object(db, project, object_id)
    return queries.add_comment(db, project.id, object_id, actor(viewer).id, text)


routes = [show_object, comment_on]
