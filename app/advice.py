"""What an error page says beside its sentence: what may be wrong, who can help, and where to go on."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from litestar import Request
from litestar.concurrency import sync_to_thread
from litestar.types import Scope

from app.accounts.viewer import ANONYMOUS, Viewer
from app.database import Db
from app.errors import Forbidden, NotFound
from app.projects.access import find_project

MOST_HELPERS = 6
ADVICE = {
    401: (
        "Your session may have ended, or you logged out in another tab.",
        "To lose nothing that you typed: log in in a new tab, come back to this one and reload it. The browser then "
        "sends the same once more.",
    ),
    404: (
        "The address may have been mistyped, or cut by the program that it was mailed with.",
        "What it led to may have been removed.",
        "A project that is not shared with you looks the same as one that does not exist: its manager can add you.",
    ),
    405: ("This happens when the address of a form is opened as a page. Go back and use the form's button.",),
    409: ("Go back and reload that page: it then shows what is true now.",),
    413: (
        "Images and tables of any size come in through a project's upload page, in pieces that survive a lost "
        "connection, or with “shoal import” on the server.",
    ),
    429: ("Nothing is lost: the limit opens by itself. It keeps others from guessing passwords.",),
    500: (
        "The number below stands beside the whole story in the server's log.",
        "You may try once more: nothing was saved by halves.",
    ),
}


@dataclass(frozen=True)
class Helper:
    """Somebody who can grant what was refused; the address is for those who work together with them."""

    name: str
    email: str


def advice(request: Request, status: int) -> dict[str, Any]:
    """The rest of what `errors/page.html` wants."""
    viewer: Viewer = request.scope.get("user") or ANONYMOUS
    helpers = request.scope["state"].get("helpers", []) if status == 403 else []
    said = list(ADVICE.get(status, ()))
    if status == 404 and viewer.account is not None:
        said[-1] += f" You are logged in as {viewer.account.email}."
    if status == 404 and viewer.account is None:
        said[-1] = "It may be open only to those who are logged in."
    return {"advice": said, "helpers": helpers, "login_url": f"/login?next={quote(_return_to(request), safe='/')}"}


def _return_to(request: Request) -> str:
    """The page that was asked for; the list of projects after a form, whose address is no page."""
    if request.method != "GET":
        return "/"
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")


async def find_helpers(error: Exception, scope: Scope) -> None:
    """After a refusal: who could grant it. Asked apart from the request's own transaction, which has ended."""
    if scope["type"] != "http" or not isinstance(error, Forbidden):
        return
    viewer: Viewer = scope.get("user") or ANONYMOUS
    if viewer.account is None:
        return
    # The page of the refusal must not fail because the database does.
    with suppress(Exception):
        async with scope["app"].state.connections.take() as db:
            project_id = scope.get("path_params", {}).get("project_id")
            scope["state"]["helpers"] = await sync_to_thread(_helpers, db, viewer, project_id)


def _helpers(db: Db, viewer: Viewer, project_id: int | None) -> list[Helper]:
    """The project's managers, or where there is none the application managers; nobody of a project one may not see."""
    if project_id is not None:
        try:
            find_project(db, viewer, project_id)
        except NotFound:
            return []
    rows = db.execute(
        """
        with managers as (
            select account_id as id
            from member
            where project_id = %(project_id)s
              and role = 'manager'
        )
        select account.name,
               case when %(project_id)s::int is null
                      or exists (select from member where project_id = %(project_id)s and account_id = %(account_id)s)
                    then account.email else '' end as email
        from account
        where blocked_at is null
          and id <> %(account_id)s
          and case when exists (select from managers) then id in (select id from managers)
                   else is_application_manager end
        order by lower(name), id
        limit %(limit)s
        """,
        {"project_id": project_id, "account_id": viewer.account_id, "limit": MOST_HELPERS},
    )
    return [Helper(row.name or row.email, row.email) for row in rows]
