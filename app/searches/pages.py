"""The pages of kept searches: one's own in a project, and what one of them has found."""

from typing import Any

from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Template

from app.accounts.viewer import Viewer
from app.database import Db
from app.labels.pages import actor
from app.objects.board import tiles_of
from app.objects.filters import Filter
from app.projects.access import VISITOR, Project, find_project
from app.searches import kept, matches
from app.searches.kept import KeptSearch
from app.searches.matches import Match

NO_STORE = {"Cache-Control": "no-store"}
PICTURES = 4  # of a search's examples, in the list


@get("/projects/{project_id:int}/searches", opt=VISITOR, include_in_schema=False, sync_to_thread=True)
def show_searches(
    db: NamedDependency[Db], project: NamedDependency[Project], viewer: NamedDependency[Viewer]
) -> Template:
    searches = kept.list_searches(db, project.id, actor(viewer).id)
    context = {"project": project, "searches": searches, "pictures": _examples(db, project, searches)}
    return Template("searches/list.html", context=context, headers=NO_STORE)


@get("/projects/{project_id:int}/searches/{search_id:int}", opt=VISITOR, include_in_schema=False, sync_to_thread=True)
def show_search(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    search_id: FromPath[int],
    limit: FromQuery[int] = matches.MOST_SHOWN,
) -> Template:
    account = actor(viewer)
    search = kept.find_search(db, project.id, account.id, search_id)
    limit = min(max(limit, 1), 5 * matches.MOST_SHOWN)
    listed = matches.list_matches(db, account.id, search.id, limit=limit)
    context = {
        "project": project,
        "search": search,
        "places": matches.places_of(db, account.id, search.id),
        "tiles": _tiles(db, viewer, listed),
        "pictures": _examples(db, project, [search]),
        "next_limit": 5 * matches.MOST_SHOWN if len(listed) == limit < 5 * matches.MOST_SHOWN else None,
    }
    return Template("searches/one.html", context=context, headers=NO_STORE)


def _examples(db: Db, project: Project, searches: list[KeptSearch]) -> dict[int, dict[str, Any]]:
    """Tiles of the first examples by their ids; those of other projects, or gone by now, have none."""
    ids = list(dict.fromkeys(one for search in searches for one in search.examples[:PICTURES]))
    filter = Filter(validated_only=project.validated_only)
    return {tile["id"]: tile for tile in tiles_of(db, project, filter, ids, [0.0] * len(ids))} if ids else {}


def _tiles(db: Db, viewer: Viewer, listed: list[Match]) -> list[tuple[Match, dict[str, Any]]]:
    """Matches with their tiles, as the viewer may see each one's project."""
    tiles: dict[int, dict[str, Any]] = {}
    for project_id in sorted({match.project_id for match in listed}):
        there = find_project(db, viewer, project_id)
        here = [match for match in listed if match.project_id == project_id]
        shown = tiles_of(db, there, Filter(), [match.id for match in here], [match.distance for match in here])
        tiles |= {tile["id"]: tile for tile in shown}
    return [(match, tiles[match.id]) for match in listed if match.id in tiles]


routes = [show_searches, show_search]
