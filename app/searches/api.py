"""Kept searches for programs, and for their pages."""

from dataclasses import dataclass

from litestar import delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody

import app.searches.matches  # noqa: F401 (registers its kind of batch)
from app.accounts.viewer import Viewer
from app.database import Db
from app.labels.pages import actor
from app.openapi import refusals
from app.projects.access import OWN, VISITOR, Project
from app.searches import kept, matches
from app.searches.kept import KeptSearch, SearchChange, SearchWish
from app.searches.look import after_embedding
from app.searches.matches import Match, Place

# A search changes nothing but what is kept for the caller, so that visitors may.
MOST_LISTED = 1000


@dataclass(frozen=True)
class FoundBySearch:
    """A search with its matches, new ones first, the nearest of these first; and where they all are."""

    search: KeptSearch
    places: list[Place]
    matches: list[Match]


@dataclass(frozen=True)
class LookedAt:
    """Matches that were looked at; null: all of them."""

    ids: list[int] | None = None


@dataclass(frozen=True)
class NoLongerNew:
    """How many matches were new until now."""

    n: int


@post(
    "/projects/{project_id:int}/searches", opt=OWN, sync_to_thread=True, tags=["searches"],
    summary="Keep a search: it looks at everything that is imported from now on", responses=refusals(400, 401, 404),
)  # fmt: skip
def keep_api(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    data: JSONBody[SearchWish],
) -> KeptSearch:
    return kept.keep(db, project, actor(viewer), data)


@get(
    "/projects/{project_id:int}/searches", opt=VISITOR, sync_to_thread=True, tags=["searches"],
    summary="One's own kept searches, those with new matches first", responses=refusals(401, 404),
)  # fmt: skip
def list_api(
    db: NamedDependency[Db], project: NamedDependency[Project], viewer: NamedDependency[Viewer]
) -> list[KeptSearch]:
    return kept.list_searches(db, project.id, actor(viewer).id)


@get(
    "/projects/{project_id:int}/searches/{search_id:int}", opt=VISITOR, sync_to_thread=True, tags=["searches"],
    summary="A kept search with what it has found", responses=refusals(401, 404),
)  # fmt: skip
def found_api(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    search_id: FromPath[int],
    only_new: FromQuery[bool] = False,
    limit: FromQuery[int] = matches.MOST_SHOWN,
) -> FoundBySearch:
    """Matches are of the projects that one may read now. Work them as a batch with the source {"kind": "search",
    "search_id": 5}, in the project that they are in."""
    account = actor(viewer)
    search = kept.find_search(db, project.id, account.id, search_id)
    limit = min(max(limit, 1), MOST_LISTED)
    listed = matches.list_matches(db, account.id, search.id, only_new=only_new, limit=limit)
    return FoundBySearch(search, matches.places_of(db, account.id, search.id), listed)


@patch(
    "/projects/{project_id:int}/searches/{search_id:int}", opt=OWN, sync_to_thread=True, tags=["searches"],
    summary="Rename a kept search, pause it, or change how near a match must be", responses=refusals(400, 401, 404),
)  # fmt: skip
def change_api(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    search_id: FromPath[int],
    data: JSONBody[SearchChange],
) -> KeptSearch:
    """What came in while it was paused is looked at once it goes on."""
    changed = kept.change(db, project, actor(viewer), search_id, data)
    if data.paused is False:
        after_embedding(db, project.id, actor(viewer).id)
    return changed


@delete(
    "/projects/{project_id:int}/searches/{search_id:int}", opt=OWN, sync_to_thread=True, tags=["searches"],
    summary="Delete a kept search with what it has found: labels stay", responses=refusals(401, 404),
)  # fmt: skip
def delete_api(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    search_id: FromPath[int],
) -> None:
    kept.delete(db, project, actor(viewer), search_id)


@post(
    "/projects/{project_id:int}/searches/{search_id:int}/looked-at", opt=OWN, sync_to_thread=True, status_code=200,
    tags=["searches"], summary="Mark matches as looked at", responses=refusals(401, 404),
)  # fmt: skip
def looked_at_api(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    search_id: FromPath[int],
    data: JSONBody[LookedAt],
) -> NoLongerNew:
    account = actor(viewer)
    search = kept.find_search(db, project.id, account.id, search_id)
    return NoLongerNew(matches.note_looked_at(db, account.id, search.id, data.ids))


routes = [keep_api, list_api, found_api, change_api, delete_api, looked_at_api]
