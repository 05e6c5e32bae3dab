"""Who did what: the acts of a project, and one's own acts in all projects."""

from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import urlencode

from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromQuery
from litestar.response import Template

from app.accounts.access import ROLES
from app.accounts.viewer import Viewer
from app.batches.sources import SOURCES
from app.database import Db
from app.jobs.words import time_span
from app.labels.history import OwnAct, PastAct, own_acts, recent_acts, who_acted
from app.labels.pages import actor
from app.labels.undo import UNDOABLE
from app.projects.access import VISITOR, Project

ACTS_A_PAGE = 100
OWN_ACTS_A_PAGE = 50
KINDS = {
    "": "Everything",
    "label": "Labelled",
    "confirm": "Confirmed",
    "doubt": "Marked dubious",
    "undo": "Undone",
    "redo": "Done again",
    "not_this": "Said not to be",
    "replace": "Replaced a taxon",
    "undo_all": "Taken back many",
    "redo_all": "Done many again",
    "edit": "Mass edits",
    "undo_edit": "Mass edits undone",
    "import": "Brought in",
}


@dataclass(frozen=True)
class ShownAct:
    """A row of a list of acts, and whether the reader may take it back."""

    act: PastAct
    project_id: int
    project: str
    may_undo: bool
    may_edit: bool  # undone on its own page
    may_redo: bool  # what took back many acts
    source: str  # in words
    took: str


def shown_act(past: PastAct, project_id: int, project: str, role: str, status: str, own: bool) -> ShownAct:
    """One's own acts as an annotator, anybody's as a manager, while the project is open for labelling."""
    needed = "annotator" if own else "manager"
    is_left = not past.undone or past.n_in_bin > 0
    may = status != "explore" and ROLES.index(role) >= ROLES.index(needed)
    return ShownAct(
        act=past,
        project_id=project_id,
        project=project,
        may_undo=may and is_left and past.kind in UNDOABLE,
        may_edit=role == "manager" and status != "explore" and is_left and past.kind == "edit",
        may_redo=may and not past.undone and past.kind == "undo_all",
        source=source_words(past.source) if past.source else "",
        took="" if past.seconds is None else time_span(past.seconds),
    )


ELSEWHERE = {"board": "the board", "audit": "an audit", "api": "a program"}


def source_words(name: str) -> str:
    """A kind of batch as people call it."""
    return SOURCES[name].words if name in SOURCES else ELSEWHERE.get(name, f"a {name}")


@get("/projects/{project_id:int}/acts", opt=VISITOR, include_in_schema=False, sync_to_thread=True)
def show_acts(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    before: FromQuery[int | None] = None,
    who: FromQuery[str] = "",
    kind: FromQuery[str] = "",
    day: FromQuery[str] = "",
) -> Template:
    """Members see who did what; the names of those who label are not for anonymous people."""
    account = actor(viewer)
    who_id, on = _account_id(who), _day(day)
    kind = kind if kind in KINDS else ""
    acts = recent_acts(db, project.id, before, who_id, ACTS_A_PAGE, kind=kind, day=on)
    asked = {"who": who_id, "kind": kind, "day": on}
    context = {
        "project": project,
        "acts": [
            shown_act(
                past, project.id, project.title, project.role, project.status, past.account_id == account.id
            )
            for past in acts
        ],
        "people": who_acted(db, project.id),
        "kinds": KINDS,
        "who": who_id,
        "kind": kind,
        "day": on.isoformat() if on else "",
        "day_is_wrong": bool(day) and on is None,
        "older_url": _older(f"/projects/{project.id}/acts", acts, ACTS_A_PAGE, asked),
    }  # fmt: skip
    return Template("labels/acts.html", context=context)


def _account_id(text: str) -> int | None:
    return int(text) if text.isdecimal() and int(text) < 2**31 else None


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _older(path: str, acts: list[PastAct], page: int, asked: dict[str, Any]) -> str:
    """The address of the page that follows, '' on the last."""
    if len(acts) < page:
        return ""
    return f"{path}?{urlencode({**{key: value for key, value in asked.items() if value}, 'before': acts[-1].id})}"


def shown_own(own: list[OwnAct]) -> list[ShownAct]:
    return [shown_act(one.act, one.project_id, one.project, one.role, one.project_status, own=True) for one in own]


@get("/me/acts", include_in_schema=False, sync_to_thread=True)
def show_own_acts(
    db: NamedDependency[Db], viewer: NamedDependency[Viewer], before: FromQuery[int | None] = None
) -> Template:
    """What one did, in all projects that one may still see."""
    actor(viewer)
    own = own_acts(db, viewer, before, OWN_ACTS_A_PAGE)
    older = _older("/me/acts", [one.act for one in own], OWN_ACTS_A_PAGE, {})
    return Template("labels/own_acts.html", context={"acts": shown_own(own), "older_url": older})


routes = [show_acts, show_own_acts]
