"""The start of a project: how far it is, and what to do next; parts of it stand on other pages too."""

from typing import Any

from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromQuery
from litestar.response import Template

from app.accounts.viewer import Account, Viewer
from app.database import Db
from app.labels.pace import pace
from app.labels.pages import actor
from app.objects.board import tiles_of
from app.objects.filters import Filter
from app.projects.access import VISITOR, Project
from app.searches.kept import count_new
from app.start.readiness import readiness
from app.start.standing import BY_HAND, Standing, standing
from app.start.way import Way
from app.start.ways import find_ways

NO_STORE = {"Cache-Control": "no-store"}


def may_label(project: Project) -> bool:
    return project.may("annotator") and project.status != "explore"


@get("/projects/{project_id:int}/start", opt=VISITOR, include_in_schema=False, sync_to_thread=True)
def show_start(db: NamedDependency[Db], project: NamedDependency[Project], viewer: NamedDependency[Viewer]) -> Template:
    """What to do next follows by itself: with many objects it takes a moment."""
    account = actor(viewer)
    n_found = count_new(db, project.id, account.id)
    context = {"project": project, "can_label": may_label(project), "n_found": n_found, **told_of(db, project, account)}
    return Template("start/start.html", context=context)


def told_of(db: Db, project: Project, account: Account) -> dict[str, Any]:
    """How far it is, as the templates want it."""
    found = standing(db, project.id)
    return {
        "standing": found,
        "chart": _chart(found),
        "means": BY_HAND,
        "pace": pace(db, project.id, account.id),
        "ready": readiness(db, project, found.n),
    }


def _chart(found: Standing) -> list[dict[str, Any]]:
    """Bars of the drawing, 100 high in all, the parts of each from the bottom."""
    highest = max(found.most_a_bar, 1)
    bars = []
    for k, bar in enumerate(found.bars):
        parts, height = [], 0.0
        for name in BY_HAND:
            n = getattr(bar, name)
            height += 100 * n / highest
            parts.append({"name": name, "y": round(100 - height, 2), "height": round(100 * n / highest, 2), "n": n})
        bars.append({"at": bar.at, "n": bar.n, "x": 10 * k, "parts": parts})
    return bars


@get("/projects/{project_id:int}/start/ways", opt=VISITOR, include_in_schema=False, sync_to_thread=True)
def show_ways(db: NamedDependency[Db], project: NamedDependency[Project], viewer: NamedDependency[Viewer]) -> Template:
    """What to do next. It asks again by itself while vectors are made."""
    account = actor(viewer)
    ways = find_ways(db, project, account)
    found = standing(db, project.id)
    context = {
        "project": project,
        "ways": [way for way in ways if way.per_hour],
        "also": [way for way in ways if not way.per_hour],
        "most": max((way.per_hour or 0 for way in ways), default=1),
        "pictures": _pictures(db, project, ways),
        "standing": found,
        "ready": readiness(db, project, found.n),
        "can_label": may_label(project),
    }
    return Template("start/_ways.html", context=context, headers=NO_STORE)


def _pictures(db: Db, project: Project, ways: list[Way]) -> dict[int, dict[str, Any]]:
    ids = list(dict.fromkeys(object_id for way in ways for object_id in way.ids))
    tiles = tiles_of(db, project, Filter(validated_only=project.validated_only), ids, [0.0] * len(ids)) if ids else []
    return {tile["id"]: tile for tile in tiles}


@get("/projects/{project_id:int}/start/brief", opt=VISITOR, include_in_schema=False, sync_to_thread=True)
def show_brief(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    part: FromQuery[str] = "",
) -> Template:
    """How far it is, and what would bring most now, in three lines; `part=next`: the last of them alone;
    `part=cards`: beside the cards, which need not be opened."""
    account = actor(viewer)
    ways = [way for way in find_ways(db, project, account) if way.per_hour] if may_label(project) else []
    is_here = part == "cards" and bool(ways) and ways[0].kind == "cards" and ways[0].url is not None
    context = {
        "project": project,
        "standing": None if part == "next" else standing(db, project.id),
        "these_first": is_here,
        "next": next(iter(ways[1:] if is_here else ways), None),
    }
    return Template("start/_brief.html", context=context, headers=NO_STORE)


routes = [show_start, show_ways, show_brief]
