"""Subsets, merges and deletions, for programs: each can be looked at before it is done."""

from typing import Any

from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from app.accounts.viewer import Viewer
from app.database import Db
from app.labels.pages import actor
from app.openapi import refusals
from app.projects.access import MANAGER, Project, find_project
from app.reshaping import apart, asked, collisions, emptying, hiding, merging, removing, subset
from app.reshaping.apart import Since
from app.reshaping.bodies import (
    DeleteObjects,
    MergeRequest,
    Objects,
    Reshaped,
    SubsetRequest,
    Typed,
    WhichObjects,
    answer,
    objects_of,
)
from app.reshaping.choosing import choose
from app.reshaping.collisions import Collisions

BASE = "/projects/{project_id:int}"
SUBSETS = MANAGER | {"does": "cut a subset out of"}
MERGES = MANAGER | {"does": "merge another project into"}
DELETES = MANAGER | {"does": "delete from"}
LOOKS = {"reads": True}
TAGS = ["reshaping"]


@post(
    f"{BASE}/subset/preview", opt=SUBSETS | LOOKS, sync_to_thread=True, status_code=200, tags=TAGS,
    summary="Which objects a subset or a deletion would take", responses=refusals(400, 401, 403, 404, 422),
)  # fmt: skip
def look(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    data: JSONBody[WhichObjects],
) -> Objects:
    """Nothing is changed."""
    return objects_of(choose(db, project.id, actor(viewer).id, data.wish()))


@post(
    f"{BASE}/subset", opt=SUBSETS, sync_to_thread=True, status_code=202, tags=TAGS,
    summary="Make a project of some of a project's objects, as a job", responses=refusals(400, 401, 403, 404, 409, 422),
)  # fmt: skip
def make_subset(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    data: JSONBody[SubsetRequest],
) -> Reshaped:
    """It belongs to who asks, is seen once it is whole, shares the image files, and computes no vector again."""
    return answer(subset.ask(db, project, actor(viewer).id, data.title, data.wish(), data.what()))


@post(
    f"{BASE}/merge/preview", opt=MERGES | LOOKS, sync_to_thread=True, status_code=200, tags=TAGS,
    summary="What collides where another project would go into this one", responses=refusals(400, 401, 403, 404, 422),
)  # fmt: skip
def look_merge(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    data: JSONBody[MergeRequest],
) -> Collisions:
    """Nothing is changed."""
    source = find_project(db, viewer, data.source_id)
    source.needs("manager", "merge away")
    return collisions.find(db, source.id, project.id)


@post(
    f"{BASE}/merge", opt=MERGES, sync_to_thread=True, status_code=202, tags=TAGS,
    summary="Put another project into this one, as a job", responses=refusals(400, 401, 403, 404, 409, 422),
)  # fmt: skip
def make_merge(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    data: JSONBody[MergeRequest],
) -> Reshaped:
    """For managers of both. The other one is then deleted, and can be brought back for 30 days."""
    source = find_project(db, viewer, data.source_id)
    return answer(merging.ask(db, project, source, actor(viewer).id, data.answers()))


@post(
    f"{BASE}/merge/{{reshaping_id:int}}/apart", opt=MERGES, sync_to_thread=True, status_code=202, tags=TAGS,
    summary="Take a merge apart", responses=refusals(401, 403, 404, 409),
)  # fmt: skip
def take_apart(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    reshaping_id: FromPath[int],
) -> Reshaped:
    """The project that came is there again, with what was said of its objects since; what it brought is gone here."""
    return answer(apart.take_apart(db, project, actor(viewer).id, reshaping_id))


@get(
    f"{BASE}/merge/{{reshaping_id:int}}/apart", opt=MERGES, sync_to_thread=True, tags=TAGS,
    summary="What became of the objects of a merge since", responses=refusals(401, 403, 404, 409),
)  # fmt: skip
def look_apart(db: NamedDependency[Db], project: NamedDependency[Project], reshaping_id: FromPath[int]) -> Since:
    """Nothing is changed."""
    return apart.look(db, project, reshaping_id)


@get(
    f"{BASE}/reshapings", opt=SUBSETS, sync_to_thread=True, tags=TAGS,
    summary="Subsets, merges and deletions of a project, the newest first", responses=refusals(401, 403, 404),
)  # fmt: skip
def list_reshapings(db: NamedDependency[Db], project: NamedDependency[Project]) -> list[Reshaped]:
    return [answer(one) for one in asked.list_of(db, project.id, ["subset", "merge", "objects"])]


@get(
    f"{BASE}/reshapings/{{reshaping_id:int}}", opt=SUBSETS, sync_to_thread=True, tags=TAGS,
    summary="How far one of them is", responses=refusals(401, 403, 404),
)  # fmt: skip
def read_reshaping(db: NamedDependency[Db], project: NamedDependency[Project], reshaping_id: FromPath[int]) -> Reshaped:
    return answer(asked.find_of(db, project.id, reshaping_id))


@post(
    f"{BASE}/objects/delete", opt=DELETES, sync_to_thread=True, status_code=202, tags=TAGS,
    summary="Delete objects", responses=refusals(400, 401, 403, 404, 409, 422),
)  # fmt: skip
def delete_objects(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    data: JSONBody[DeleteObjects],
) -> Reshaped:
    """At once up to 2,000, else as a job. For 30 days they can be brought back."""
    return answer(removing.ask(db, project, actor(viewer).id, data.wish(), data.n))


@get(
    f"{BASE}/bin", opt=DELETES, sync_to_thread=True, tags=TAGS, summary="Objects that were deleted and can come back",
    responses=refusals(401, 403, 404),
)  # fmt: skip
def list_bin(db: NamedDependency[Db], project: NamedDependency[Project]) -> list[Reshaped]:
    return [answer(one) for one in emptying.list_bin(db, project.id)]


@post(
    f"{BASE}/bin/{{reshaping_id:int}}/back", opt=DELETES, sync_to_thread=True, status_code=202, tags=TAGS,
    summary="Bring deleted objects back", responses=refusals(401, 403, 404, 409),
)  # fmt: skip
def bring_back(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    reshaping_id: FromPath[int],
) -> Reshaped:
    """As they were, with labels, history, comments and vectors."""
    return answer(removing.bring_back(db, project, actor(viewer).id, reshaping_id))


@post(
    f"{BASE}/bin/empty", opt=DELETES, sync_to_thread=True, status_code=202, tags=TAGS,
    summary="Erase a project's deleted objects for good", responses=refusals(400, 401, 403, 404, 409, 422),
)  # fmt: skip
def empty_bin(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    data: JSONBody[Typed],
) -> list[Reshaped]:
    """With the project's title as a confirmation; by jobs. Nothing brings them back."""
    return [answer(one) for one in emptying.empty(db, project, actor(viewer).id, data.title)]


@post(
    f"{BASE}/delete", opt=DELETES, sync_to_thread=True, status_code=200, tags=TAGS, summary="Delete a project",
    responses=refusals(400, 401, 403, 404, 409, 422),
)  # fmt: skip
def delete_project(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    data: JSONBody[Typed],
) -> Reshaped:
    """With its title as a confirmation. For 30 days its managers can bring it back."""
    return answer(hiding.remove(db, project, actor(viewer).id, data.title))


@get(
    "/deleted", sync_to_thread=True, tags=TAGS, summary="Deleted projects that you managed", responses=refusals(401),
)  # fmt: skip
def list_deleted(db: NamedDependency[Db], viewer: NamedDependency[Viewer]) -> list[Reshaped]:
    return [answer(one) for one in hiding.list_hidden(db, viewer)]


@post(
    "/deleted/{reshaping_id:int}/back", sync_to_thread=True, status_code=200, tags=TAGS,
    summary="Bring a deleted project back", responses=refusals(401, 403, 404, 409),
)  # fmt: skip
def bring_project_back(
    db: NamedDependency[Db], viewer: NamedDependency[Viewer], reshaping_id: FromPath[int]
) -> Reshaped:
    """One that was merged into another: the merge is taken apart, by a job where many objects came."""
    return answer(apart.bring_project_back(db, viewer, reshaping_id))


@post(
    "/deleted/{reshaping_id:int}/erase", sync_to_thread=True, status_code=202, tags=TAGS,
    summary="Erase a deleted project for good", responses=refusals(400, 401, 403, 404, 409, 422),
)  # fmt: skip
def erase_project(
    db: NamedDependency[Db], viewer: NamedDependency[Viewer], reshaping_id: FromPath[int], data: JSONBody[Typed]
) -> Reshaped:
    """With its title as a confirmation; by a job. Nothing brings it back."""
    return answer(hiding.erase(db, viewer, reshaping_id, data.title))


routes: list[Any] = [
    look, make_subset, look_merge, make_merge, look_apart, take_apart, list_reshapings, read_reshaping, delete_objects,
    list_bin, bring_back, empty_bin, delete_project, list_deleted, bring_project_back, erase_project,
]  # fmt: skip
