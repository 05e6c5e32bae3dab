"""A project's burnt-in strips: shown before and after on real images, and decided."""

from dataclasses import dataclass, replace
from typing import Any

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect, Template

from app.accounts.viewer import Viewer
from app.database import Db
from app.errors import Refused
from app.jobs.words import time_span
from app.objects.images import image_url
from app.projects.access import MANAGER, Project
from app.search import strips
from app.search.strips import KnownStrip
from indexer.strips import Side, Strip, checked_side, rest

SIDE_WORDS = {"bottom": "at the foot", "top": "at the top", "left": "at the left", "right": "at the right"}
DOZEN = 12
SHOWN_SIDE_PX = 150
# Larger ones are shown by their thumbnail.
LARGEST_SHOWN_PX = 4_000_000


@dataclass
class Decision:
    state: str = ""
    size_px: str = ""


@dataclass
class Definition:
    side: str = ""
    size_px: str = ""


@dataclass(frozen=True)
class Picture:
    """One image, before and after: boxes are x, y, width and height in the image's pixels; `scale` is the screen's."""

    url: str
    width: int
    height: int
    has: bool
    strip: tuple[int, int, int, int]
    kept: tuple[int, int, int, int]
    scale: float


def picture(row: Any, url: str, side: Side, size_px: int, has: bool) -> Picture:
    width, height = row.width_px, row.height_px
    left, top, right, bottom = rest(width, height, Strip(side, size_px)) if has else (0, 0, width, height)
    cut = {
        "bottom": (0, bottom, width, height - bottom),
        "top": (0, 0, width, top),
        "left": (0, 0, left, height),
        "right": (right, 0, width - right, height),
    }[side]
    kept = (left, top, right - left, bottom - top)
    return Picture(url, width, height, has, cut, kept, min(2.0, SHOWN_SIDE_PX / max(width, height)))


def example_pictures(db: Db, project: Project, known: list[KnownStrip]) -> dict[int, list[Picture]]:
    """By strip: images that the job has seen with it, and some without; some of the project where it saw none."""
    rows = db.execute(
        """
        select strip.id, encode(hash, 'hex') as hash, format, mode, width_px, height_px,
               (example->>'has')::boolean as has
        from strip, jsonb_array_elements(examples) with ordinality as given (example, number)
        join content on hash = decode(example->>'hash', 'hex')
        where strip.id = any(%s)
          and exists (select from image where image.hash = content.hash and image.project_id = strip.project_id)
        order by number
        """,
        [[strip.id for strip in known]],
    ).fetchall()
    shown: dict[int, list[Any]] = {strip.id: [] for strip in known}
    for row in rows:
        shown[row.id].append((row, row.has))
    some = [(row, True) for row in some_images(db, project)] if not all(shown.values()) else []
    return {strip.id: _pictures(project, strip.side, strip.size_px, shown[strip.id] or some) for strip in known}


def some_pictures(db: Db, project: Project, side: str, size_px: int) -> list[Picture]:
    """A dozen of the project's images, for a strip that is said to be on all of them."""
    return _pictures(project, side, size_px, [(row, True) for row in some_images(db, project)])


def some_images(db: Db, project: Project) -> list[Any]:
    return db.execute(
        """
        select encode(hash, 'hex') as hash, format, mode, width_px, height_px
        from (
            select distinct hash
            from image
            where project_id = %s
            order by hash
            limit %s
        ) as chosen
        join content using (hash)
        order by hash
        """,
        [project.id, DOZEN],
    ).fetchall()


def _pictures(project: Project, side: str, size_px: int, images: list[tuple[Any, bool]]) -> list[Picture]:
    checked = checked_side(side)
    return [picture(row, _url(project, row), checked, size_px, has) for row, has in images] if checked else []


def _url(project: Project, row: Any) -> str:
    if row.width_px * row.height_px > LARGEST_SHOWN_PX:
        return f"/projects/{project.id}/thumbnails/{row.hash}"
    return image_url(project.id, row)


def _size(text: str) -> int:
    try:
        return strips.checked_size(int(text))
    except ValueError:
        raise Refused(f"{text!r} is no whole number of pixels.", status=422) from None


@get("/projects/{project_id:int}/crop", opt=MANAGER, include_in_schema=False, sync_to_thread=True)
def show_crop(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    strip: FromQuery[int] = 0,
    side: FromQuery[str] = "",
    size_px: FromQuery[str] = "",
) -> Template:
    """With `strip` and `size_px` as that strip would be cut then; with `side` as one that a person names."""
    return crop_page(db, project, strip, side, size_px)


def crop_page(
    db: Db, project: Project, tried: int = 0, side: str = "", size_px: str = "", error: str = "", status_code: int = 200
) -> Template:
    size = 0
    try:
        size = _size(size_px) if size_px else 0
    except Refused as refused:
        error = error or refused.sentence
    known = [replace(one, size_px=size) if one.id == tried and size else one for one in strips.read_all(db, project.id)]
    open_ones = [one for one in known if one.state != "refused"]
    shown = example_pictures(db, project, open_ones)
    n_images, seconds = strips.seconds_to_embed(db, project.id)
    context = {
        "project": project,
        "strips": [(one, shown[one.id]) for one in open_ones],
        "refused": [one for one in known if one.state == "refused"],
        "side_words": SIDE_WORDS,
        "named": some_pictures(db, project, side, size) if side and size else [],
        "named_side": side,
        "named_size": size_px if side else "",
        "n_images": n_images,
        "time": time_span(seconds),
        "in_force": strips.is_in_force(db, project.id),
        "jobs": running_jobs(db, project.id),
        "error": error,
    }
    return Template("projects/crop.html", context=context, status_code=status_code)


def running_jobs(db: Db, project_id: int) -> list[Any]:
    """What is at work on the project's strips and vectors now."""
    return db.execute(
        """
        select id, kind, title, done, total, status
        from job
        where project_id = %s
          and kind in ('strips', 'embed')
          and status in ('queued', 'running')
        order by id
        """,
        [project_id],
    ).fetchall()


@get("/projects/{project_id:int}/crop/notice", opt=MANAGER, include_in_schema=False, sync_to_thread=True)
def show_crop_notice(db: NamedDependency[Db], project: NamedDependency[Project]) -> Template:
    """What a manager should know while working; mostly nothing."""
    known = strips.read_all(db, project.id)
    context = {
        "project": project,
        "proposed": [one for one in known if one.state == "proposed"],
        "in_force": strips.is_in_force(db, project.id),
        "side_words": SIDE_WORDS,
    }
    return Template("projects/_crop_notice.html", context=context)


@post("/projects/{project_id:int}/crop/look", opt=MANAGER, include_in_schema=False, sync_to_thread=True)
def look_for_strips(
    db: NamedDependency[Db], project: NamedDependency[Project], viewer: NamedDependency[Viewer]
) -> Redirect:
    strips.look(db, project.id, viewer.account_id)
    return Redirect(f"/projects/{project.id}/crop", status_code=303)


@post("/projects/{project_id:int}/crop", opt=MANAGER, include_in_schema=False, sync_to_thread=True)
def define_strip(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    data: URLEncodedBody[Definition],
) -> Response[Any]:
    try:
        strips.define(db, project.id, data.side, _size(data.size_px), viewer.account_id)
    except Refused as refused:
        return crop_page(
            db, project, side=data.side, size_px=data.size_px, error=refused.sentence, status_code=refused.status
        )
    return Redirect(f"/projects/{project.id}/crop", status_code=303)


@post("/projects/{project_id:int}/crop/{strip_id:int}", opt=MANAGER, include_in_schema=False, sync_to_thread=True)
def decide_strip(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    strip_id: FromPath[int],
    data: URLEncodedBody[Decision],
) -> Response[Any]:
    """`state` accepted, refused or removed."""
    try:
        if data.state == "removed":
            strips.remove(db, project.id, strip_id, viewer.account_id)
        else:
            size = _size(data.size_px) if data.size_px else None
            strips.decide(db, project.id, strip_id, data.state, viewer.account_id, size)
    except Refused as refused:
        return crop_page(db, project, error=refused.sentence, status_code=refused.status)
    return Redirect(f"/projects/{project.id}/crop", status_code=303)


routes = [show_crop, show_crop_notice, look_for_strips, define_strip, decide_strip]
