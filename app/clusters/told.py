"""What pages and programs are told of a run: its job, how far that is, and its cards page by page."""

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from app.clusters.cards import Board, Card
from app.clusters.runs import Run
from app.database import Db
from app.errors import Refused
from app.objects.filters import Filter
from app.paging import BAD_CURSOR, cursor_of, parts_of
from app.search.mirror import open_mirror

PAGE = 24
MOST_A_PAGE = 500
MOST_SINCE = 1000  # labels of which it is told how many
OrderKey = Literal["gain", "size", "purity"]
ORDERS = {"gain": "expected gain", "size": "size", "purity": "expected purity"}


@dataclass(frozen=True)
class Progress:
    """A run as one sees it: asked (its job waits or runs), begun (of what had a vector then), complete."""

    id: int
    state: str
    query: str
    n_objects: int
    n_without_vector: int
    n_arrived: int  # objects of the filter that stand in no card: they came since
    revision: int
    job_id: int | None
    job_status: str
    job_error: str
    job_message: str
    done: int
    total: int | None
    seconds: float | None  # until the cards were there
    is_embedding: bool  # vectors are being made, so more objects come
    is_outdated: bool  # the project compares its objects in another way than when they were cut
    n_labels_since: int  # up to 1,000 that came after the cards, where none of these is named yet

    @property
    def is_active(self) -> bool:
        return self.job_status in ("queued", "running")


@dataclass(frozen=True)
class CardPage:
    """Cards in an order, and where the next page begins."""

    run: Progress
    n_cards: int
    n_left: int  # objects in them that still meet the filter
    cards: list[Card] = field(default_factory=list)
    next: str | None = None


def progress(db: Db, run: Run, board: Board | None = None) -> Progress:
    job: Any = db.execute(
        "select id, status, error, message, done, total, created_at from job where id = %s", [run.job_id]
    ).fetchone()
    seconds = (run.cut_at - run.made_at).total_seconds() if run.cut_at else None
    kept = int(np.count_nonzero(board.mask)) - board.n_objects_left if board else 0
    told = (job.id, job.status, job.error, job.message, job.done, job.total) if job else (None, "", "", "", 0, None)
    return Progress(
        run.id, run.state, run.query, run.n_objects, run.n_without_vector, max(kept - run.n_without_vector, 0),
        run.revision, *told, seconds, _is_embedding(db, run.project_id), _is_outdated(db, run.id),
        _n_labels_since(db, run) if board and not board.n_known.any() else 0,
    )  # fmt: skip


def _is_embedding(db: Db, project_id: int) -> bool:
    row = db.execute(
        "select count(*) as n from job where project_id = %s and kind = 'embed' and status in ('queued', 'running')",
        [project_id],
    ).fetchone()
    return row.n > 0


def _is_outdated(db: Db, run_id: int) -> bool:
    row: Any = db.execute(
        """
        select run.cut_at is not null
               and (run.embedder_id, run.space_id) is distinct from (project.embedder_id, project.space_id)
               as is_outdated
        from cluster_run run
        join project on project.id = run.project_id
        where run.id = %s
        """,
        [run_id],
    ).fetchone()
    return row is not None and row.is_outdated


def _n_labels_since(db: Db, run: Run) -> int:
    row: Any = db.execute(
        """
        select count(*) as n
        from (
            select
            from act
            join project on project.id = act.project_id
            join history on history.project_id = act.project_id
                        and history.act_id = act.id
            join label on label.project_id = history.project_id
                      and label.object_id = history.object_id
            join object_vector on object_vector.embedder_id = project.embedder_id
                              and object_vector.project_id = label.project_id
                              and object_vector.object_id = label.object_id
            where act.project_id = %s
              and act.at > %s
              and label.act_id = act.id
              and label.status = 'V'
            limit %s
        ) as since
        """,
        [run.project_id, run.cut_at, MOST_SINCE],
    ).fetchone()
    return int(row.n)


def page(
    db: Db, run: Run, order: OrderKey = "gain", cursor: str = "", limit: int = PAGE, board: Board | None = None
) -> CardPage:
    """The next cards after the cursor; those in which nothing is left are passed over."""
    board = board or Board(db, run)
    places = board.order(order)
    n_cards = len(places)
    if cursor:
        places = board.after(order, _standing(cursor, order))
    shown = places[: min(max(limit, 1), MOST_A_PAGE)]
    cards = board.cards(shown)
    after = cursor_of(order, *board.standing(order, shown[-1])) if len(places) > len(shown) else None
    return CardPage(progress(db, run, board), n_cards, board.n_objects_left, cards, after)


def _standing(cursor: str, order: OrderKey) -> list[float]:
    """Where the last card of the page before stood, which may be gone by now."""
    match parts_of(cursor):
        case [str(key), *values] if key == order and len(values) == (3 if order == "gain" else 2):
            if all(type(value) in (int, float) for value in values):
                return values
    raise Refused(BAD_CURSOR)


def n_of(db: Db, project_id: int, filter: Filter) -> int:
    """How many objects a filter keeps."""
    return open_mirror(db, project_id).count(db, filter)
