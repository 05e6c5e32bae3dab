"""What people say to each other of objects: on one, or on many at once; taken back by who said it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import delete, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, URLEncodedBody
from litestar.response import Redirect

from app.accounts.viewer import Viewer
from app.database import Db
from app.errors import Forbidden, NotFound, Refused
from app.labels.acts import check_open
from app.labels.pages import actor
from app.openapi import refusals
from app.projects.access import ANNOTATOR, Project

LONGEST = 10_000
MOST_OBJECTS = 10_000


@dataclass(frozen=True)
class CommentRow:
    id: int
    who: str | None
    text: str
    at: datetime


@dataclass(frozen=True)
class NewComment:
    text: str


@dataclass(frozen=True)
class CommentOnMany:
    """The same remark on many objects. Sent again with the same `client_id`, it is written once."""

    objects: list[int]
    text: str
    client_id: UUID | None = None


@dataclass(frozen=True)
class Commented:
    """The objects that carry the comment now, and how many of those asked for this project does not have."""

    objects: list[int]
    n_unknown: int


@dataclass(frozen=True)
class CommentForm:
    text: str = ""


def comment_on(
    db: Db, project: Project, account_id: int, objects: Sequence[int], text: str, client_id: UUID | None = None
) -> list[Any]:
    """Rows (id, object_id, text, at) of the comment on each of the objects that are there."""
    check_open(project)
    text = text.replace("\0", "").strip()
    if not text or len(text) > LONGEST:
        raise Refused(f"A comment has 1 to {LONGEST:,} characters.")
    if not objects or len(objects) > MOST_OBJECTS:
        raise Refused(f"One comment goes on 1 to {MOST_OBJECTS:,} objects; these are {len(objects):,}.")
    if not all(0 <= object_id < 2**63 for object_id in objects):
        raise Refused("A comment names an object by a number that no object has. Reload the page and do it again.")
    return db.execute(
        """
        insert into comment (project_id, object_id, account_id, text, client_id)
        select project_id, id, %(account_id)s, %(text)s, %(client_id)s
          from object
         where project_id = %(project_id)s
           and id = any(%(objects)s)
        on conflict (project_id, object_id, client_id) do update
           set client_id = excluded.client_id
         where comment.account_id = excluded.account_id
        returning id, object_id, text, at
        """,
        {
            "project_id": project.id, "account_id": account_id, "objects": list(objects), "text": text,
            "client_id": client_id,
        },
    ).fetchall()  # fmt: skip


def comment_on_one(db: Db, project: Project, account_id: int, object_id: int, text: str) -> Any:
    rows = comment_on(db, project, account_id, [object_id], text)
    if not rows:
        raise NotFound("This project has no such object.")
    return rows[0]


def list_comments(db: Db, project_id: int, object_id: int) -> list[Any]:
    """What was said of an object, oldest first."""
    return db.execute(
        """
        select comment.id, account.name as who, comment.text, comment.at, comment.account_id
          from comment
          left join account on account.id = comment.account_id
         where comment.project_id = %s
           and comment.object_id = %s
         order by comment.id
        """,
        [project_id, object_id],
    ).fetchall()


def take_back(db: Db, project: Project, account_id: int, comment_id: int) -> int:
    """Delete one's own comment, or for a manager anybody's; gives the object that it was on."""
    check_open(project)
    row = db.execute(
        "select object_id, account_id from comment where project_id = %s and id = %s for update",
        [project.id, comment_id if 0 <= comment_id < 2**63 else -1],
    ).fetchone()
    if row is None:
        raise NotFound("This project has no such comment: it may have been deleted already.")
    if row.account_id != account_id and not project.may("manager"):
        raise Forbidden("Only who wrote a comment, or a manager of the project, can delete it.")
    db.execute("delete from comment where id = %s", [comment_id])
    return int(row.object_id)


@post("/projects/{project_id:int}/comments", opt=ANNOTATOR, include_in_schema=False, sync_to_thread=True)
def comment_on_selection(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    data: JSONBody[CommentOnMany],
) -> Commented:
    return _on_many(db, project, viewer, data)


@post(
    "/projects/{project_id:int}/objects/{object_id:int}/comments", opt=ANNOTATOR, include_in_schema=False,
    sync_to_thread=True,
)  # fmt: skip
def comment_from_page(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    object_id: FromPath[int],
    data: URLEncodedBody[CommentForm],
) -> Redirect:
    comment_on_one(db, project, actor(viewer).id, object_id, data.text)
    return Redirect(f"/projects/{project.id}/objects/{object_id}", status_code=303)


@post("/projects/{project_id:int}/comments/{comment_id:int}/delete", opt=ANNOTATOR, include_in_schema=False,
      sync_to_thread=True)  # fmt: skip
def delete_from_page(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    comment_id: FromPath[int],
) -> Redirect:
    object_id = take_back(db, project, actor(viewer).id, comment_id)
    return Redirect(f"/projects/{project.id}/objects/{object_id}", status_code=303)


@post(
    "/projects/{project_id:int}/comments", opt=ANNOTATOR, sync_to_thread=True, tags=["objects"],
    summary="Comment on many objects at once",
    responses=refusals(400, 403, 404),
)  # fmt: skip
def comment_on_many_api(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    data: JSONBody[CommentOnMany],
) -> Commented:
    """At most 10,000 objects. Those that the project does not have are passed over and counted."""
    return _on_many(db, project, viewer, data)


def _on_many(db: Db, project: Project, viewer: Viewer, data: CommentOnMany) -> Commented:
    rows = comment_on(db, project, actor(viewer).id, data.objects, data.text, data.client_id)
    return Commented(sorted(row.object_id for row in rows), len(set(data.objects)) - len(rows))


@post(
    "/projects/{project_id:int}/objects/{object_id:int}/comments", opt=ANNOTATOR, sync_to_thread=True,
    tags=["objects"], summary="Comment on an object",
    responses=refusals(400, 403, 404),
)  # fmt: skip
def comment_api(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    object_id: FromPath[int],
    data: JSONBody[NewComment],
) -> CommentRow:
    account = actor(viewer)
    row = comment_on_one(db, project, account.id, object_id, data.text)
    return CommentRow(row.id, account.name, row.text, row.at)


@delete(
    "/projects/{project_id:int}/comments/{comment_id:int}", opt=ANNOTATOR, sync_to_thread=True, tags=["objects"],
    summary="Delete a comment: one's own, or anybody's for a manager",
    responses=refusals(403, 404),
)  # fmt: skip
def delete_comment_api(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    comment_id: FromPath[int],
) -> None:
    take_back(db, project, actor(viewer).id, comment_id)


routes = [comment_on_selection, comment_from_page, delete_from_page]
api_routes = [comment_on_many_api, comment_api, delete_comment_api]
