"""Cards for programs, and for the page: ask for them, list them, look into one, change them, name them."""

from dataclasses import dataclass
from uuid import UUID

from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody

import app.clusters.source  # noqa: F401 (registers its kind of batch)
from app.accounts.viewer import Viewer
from app.clusters import runs, steps, told
from app.clusters.cards import Board
from app.clusters.naming import Naming, name
from app.clusters.runs import CardWish, Run
from app.clusters.source import run_of
from app.clusters.steps import Outcome as StepOutcome
from app.clusters.steps import Step
from app.clusters.told import CardPage, OrderKey, Progress
from app.clusters.turning import Turned, redo, undo
from app.database import Db
from app.errors import NotFound
from app.labels.acts import Outcome, check_open
from app.labels.pages import actor
from app.openapi import refusals
from app.projects.access import ANNOTATOR, VISITOR, Project

NO_CARDS = "What is not labelled was not cut into cards yet. Ask for cards, or name the run of those of another filter."


@dataclass(frozen=True)
class Turn:
    """An undo or a redo; `client_id` makes it happen once."""

    client_id: UUID


@dataclass(frozen=True)
class CardMembers:
    """What is left in a card, from the core to the edge."""

    id: int
    ids: list[int]


def run_of_project(db: Db, project: Project, run_id: int | None) -> Run:
    """The run that is named, or the latest of what nobody has labelled."""
    run = runs.find(db, project.id, run_id) if run_id else runs.latest(db, project.id)
    if run is None:
        raise NotFound(NO_CARDS)
    return run


@post(
    "/projects/{project_id:int}/clusters", opt=ANNOTATOR, sync_to_thread=True, tags=["cards"],
    summary="Ask for cards: a job cuts what a filter keeps into groups of like objects",
    responses=refusals(400, 403, 404),
)  # fmt: skip
def ask_api(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    data: JSONBody[CardWish],
) -> Progress:
    """By default of everything that no person has labelled. While the same is being cut, that run is given."""
    account = actor(viewer)
    check_open(project)
    return told.progress(db, runs.ask(db, project.id, account.id, data))


@get(
    "/projects/{project_id:int}/clusters", opt=VISITOR, sync_to_thread=True, tags=["cards"],
    summary="Cards, those first that bring most", responses=refusals(400, 401, 404),
)  # fmt: skip
def list_api(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    run: FromQuery[int | None] = None,
    order: FromQuery[OrderKey] = "gain",
    cursor: FromQuery[str] = "",
    limit: FromQuery[int] = told.PAGE,
) -> CardPage:
    """`run` is the `id` that was given when cards were asked for: needed for those of a filter of your own; without it,
    the latest of what nobody has labelled. `order`: gain, size or purity."""
    asked = run_of_project(db, project, run)
    return told.page(db, asked, order, cursor, limit, Board(db, asked, actor(viewer).id))


@get(
    "/projects/{project_id:int}/clusters/{card_id:int}", opt=VISITOR, sync_to_thread=True, tags=["cards"],
    summary="What is left in a card", responses=refusals(401, 404),
)  # fmt: skip
def members_api(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    card_id: FromPath[int],
) -> CardMembers:
    board = Board(db, run_of(db, project.id, [card_id]), actor(viewer).id)
    return CardMembers(card_id, board.left_ids(board.places_of([card_id])[0]).tolist())


@post(
    "/projects/{project_id:int}/clusters/steps", opt=ANNOTATOR, sync_to_thread=True, status_code=200, tags=["cards"],
    summary="Split a card, merge cards, send objects out, or have another number of cards",
    responses=refusals(400, 403, 404, 409),
)  # fmt: skip
def step_api(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    data: JSONBody[Step],
    run: FromQuery[int | None] = None,
) -> StepOutcome:
    account = actor(viewer)
    check_open(project)
    asked = run_of(db, project.id, data.cards) if data.cards else run_of_project(db, project, run)
    return steps.take(db, asked, account, data)


@post(
    "/projects/{project_id:int}/clusters/undo", opt=ANNOTATOR, sync_to_thread=True, status_code=200, tags=["cards"],
    summary="Take back what one did last: a step among the cards, or an act that labels",
    responses=refusals(403, 404, 409),
)  # fmt: skip
def undo_api(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    data: JSONBody[Turn],
    run: FromQuery[int | None] = None,
) -> Turned:
    return undo(db, project, actor(viewer), run_of_project(db, project, run), data.client_id)


@post(
    "/projects/{project_id:int}/clusters/redo", opt=ANNOTATOR, sync_to_thread=True, status_code=200, tags=["cards"],
    summary="Do again what was taken back last", responses=refusals(403, 404, 409),
)  # fmt: skip
def redo_api(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    data: JSONBody[Turn],
    run: FromQuery[int | None] = None,
) -> Turned:
    return redo(db, project, actor(viewer), run_of_project(db, project, run), data.client_id)


@post(
    "/projects/{project_id:int}/clusters/name", opt=ANNOTATOR, sync_to_thread=True, status_code=200, tags=["cards"],
    summary="Label all that is left in cards, where all of it was seen", responses=refusals(400, 403, 404, 409),
)  # fmt: skip
def name_api(
    db: NamedDependency[Db], project: NamedDependency[Project], viewer: NamedDependency[Viewer], data: JSONBody[Naming]
) -> Outcome:
    """What was not seen is labelled in a batch: make one with the source {"kind": "cluster", "cluster_ids": [...]}."""
    account = actor(viewer)
    run = run_of(db, project.id, data.cards) if data.cards else run_of_project(db, project, None)
    return name(db, project, account, run, data)


routes = [ask_api, list_api, members_api, step_api, undo_api, redo_api, name_api]
