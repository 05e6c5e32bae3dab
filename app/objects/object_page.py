"""The page of one object."""

from typing import Any

from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Template

from app.accounts.viewer import Viewer
from app.batches import refusals
from app.database import Db
from app.labels.undo_state import UndoState, undo_state
from app.objects import detail, preferences, queries
from app.objects.images import LARGEST_SIDE_PX
from app.objects.scale import pixel_size
from app.projects.access import VISITOR, Project

N_VALIDATED = 10
SIZES = ("esd", "major", "feret", "area")


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
            "id": row.id, "orig_id": row.orig_id, "sample_id": row.sample_id, "sample_orig_id": row.sample,
            "acquisition_orig_id": row.acquisition, "process_orig_id": row.process,
        },
        "label": detail.label_of(db, project, row),
        "position": _position(row),
        "preferences": preferences.read(db, project.id, viewer.account_id),
        "images": detail.images_of(db, project, object_id),
        "fields": {level: [(name, shown_value(value)) for name, value in pairs] for level, pairs in fields.items()},
        "brief": [(name, shown_value(value)) for name, value in fields["object"] if name in brief_names],
        "refusals": [] if project.validated_only else refusals.of_object(db, project.id, object_id),
        "history": detail.history_of(db, project, object_id),
        "comments": detail.comments_of(db, project, object_id),
        "neighbours": detail.neighbours_of(db, project, object_id),
        "pixel_size_um": place.um(pixel),
        "largest_px": LARGEST_SIDE_PX,
        "undo": undo_state(db, project.id, viewer.account_id) if viewer.account_id else UndoState(),
        "can_label": project.may("annotator") and project.status != "explore",
    }  # fmt: skip
    return Template("objects/object.html", context=context)


@get(
    "/projects/{project_id:int}/objects/{object_id:int}/brief", opt=VISITOR, include_in_schema=False,
    sync_to_thread=True,
)  # fmt: skip
def show_brief(db: NamedDependency[Db], project: NamedDependency[Project], object_id: FromPath[int]) -> Template:
    """What the board says of one object beside its tile."""
    row = detail.find_object(db, project, object_id)
    values = dict(detail.values_of(db, project, row)["object"])
    validated = detail.neighbours_of(db, project, object_id, N_VALIDATED, validated=True)
    can_label = project.may("annotator") and project.status != "explore"
    context = {
        "project": project,
        "sample": row.sample,
        "place": [word for word in (_depth(row), _moment(row)) if word],
        "sizes": [(name, f"{values[name]:.4g}") for name in SIZES if isinstance(values.get(name), float)],
        "any_validated": bool(validated),
        "neighbours": validated or detail.neighbours_of(db, project, object_id, N_VALIDATED),
        "suggestions": detail.suggestions_of(db, validated, detail.label_of(db, project, row)) if can_label else [],
    }
    return Template("objects/_brief.html", context=context)


def _position(row: Any) -> str:
    """The object's position in degrees, else its sample's, said so."""
    places = ((row.latitude, row.longitude, ""), (row.sample_latitude, row.sample_longitude, " (of the sample)"))
    for latitude, longitude, whose in places:
        if latitude is not None and longitude is not None:
            ways = "N" if latitude >= 0 else "S", "E" if longitude >= 0 else "W"
            return f"{abs(latitude):.4f}° {ways[0]}, {abs(longitude):.4f}° {ways[1]}{whose}"
    return ""


def _depth(row: Any) -> str:
    least, most = row.depth_min_m, row.depth_max_m
    if least is None or most is None or least == most:
        depth = most if least is None else least
        return "" if depth is None else f"{depth:g} m"
    return f"{least:g}–{most:g} m"


def _moment(row: Any) -> str:
    time = row.time.strftime("%H:%M") if row.time else ""
    return f"{row.date or ''} {time}".strip()


def shown_value(value: Any) -> str:
    """A value as text; numbers with the figures that matter."""
    return f"{value:.7g}" if isinstance(value, float) else str(value)


routes = [show_object, show_brief]
