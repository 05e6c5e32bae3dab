"""Runs: what was asked to be cut into cards, how far that is, and which of them a page shows."""

from dataclasses import dataclass
from datetime import datetime

from app.database import Db
from app.errors import NotFound, Refused
from app.jobs.queue import enqueue, is_active
from app.objects.filters import Filter, pairs_in, read_filter
from app.search.sizes import is_known

UNLABELLED = "status=U&status=P"
TITLE = "Propose cards"
LONGEST_QUERY = 4000
MOST_CARDS = 4096
NO_RUN = "There are no such cards, or they are not of this project. Ask for new ones."


@dataclass(frozen=True)
class CardWish:
    """What to cut: `query` is a filter as in the address of a board, `n_cards` how many to begin with, `size_weight`
    what sizes count in it. Nothing, unless it is said: on real plankton cards get no purer by sizes."""

    query: str = UNLABELLED
    n_cards: int | None = None
    size_weight: float = 0.0


OF_UNLABELLED = CardWish()


@dataclass(frozen=True)
class Run:
    """One cutting of what a filter keeps."""

    id: int
    project_id: int
    account_id: int | None
    job_id: int | None
    query: str
    state: str
    n_wanted: int | None
    n_objects: int
    n_without_vector: int
    spread_all: float
    revision: int
    made_at: datetime
    cut_at: datetime | None
    size_weight: float = 0.0

    @property
    def is_of_the_unlabelled(self) -> bool:
        return self.query == UNLABELLED


COLUMNS = ", ".join(Run.__dataclass_fields__)


def ask(db: Db, project_id: int, account_id: int | None, wish: CardWish = OF_UNLABELLED) -> Run:
    """A new run with the job that cuts it. While one of the same filter waits or runs, that one is given."""
    _check(db, project_id, account_id, wish)
    # Two people at once would ask twice.
    db.execute("select from project where id = %s for no key update", [project_id])
    known = latest_for(db, project_id, wish.query, account_id)
    if known and is_active(db, known.job_id):
        return known
    return queue(db, make(db, project_id, account_id, wish))


def make(db: Db, project_id: int, account_id: int | None, wish: CardWish = OF_UNLABELLED) -> Run:
    """A new run that nobody cuts yet. Where no size is known, none counts."""
    weight = wish.size_weight if wish.size_weight and is_known(db, project_id) else 0.0
    row = db.execute(
        f"""
        insert into cluster_run (project_id, account_id, query, n_wanted, size_weight)
        values (%s, %s, %s, %s, %s)
        returning {COLUMNS}
        """,  # noqa: S608 - constants
        [project_id, account_id, wish.query, wish.n_cards, weight],
    ).fetchone()
    return Run(*row)


def _check(db: Db, project_id: int, account_id: int | None, wish: CardWish) -> None:
    if not 0 <= wish.size_weight <= 1:
        raise Refused(f"Size weighs between 0 (not at all) and 1 (alone), not {wish.size_weight:g}.")
    if len(wish.query) > LONGEST_QUERY:
        raise Refused("This filter is too long to be kept: use fewer conditions.")
    if wish.n_cards is not None and not 1 <= wish.n_cards <= MOST_CARDS:
        raise Refused(f"Ask for 1 to {MOST_CARDS:,} cards, not for {wish.n_cards:,}.")
    filter_of(db, project_id, wish.query, account_id).obeyed()


def queue(db: Db, run: Run) -> Run:
    """Have a run's objects cut, or cut anew."""
    job_id = enqueue(db, "clusters", TITLE, run.project_id, run.account_id, {"run_id": run.id})
    row = db.execute(
        f"update cluster_run set job_id = %s where id = %s returning {COLUMNS}",  # noqa: S608 - constants
        [job_id, run.id],
    ).fetchone()
    return Run(*row)


def find(db: Db, project_id: int, run_id: int) -> Run:
    row = db.execute(
        f"select {COLUMNS} from cluster_run where project_id = %s and id = %s",  # noqa: S608 - constants
        [project_id, run_id],
    ).fetchone()
    if row is None:
        raise NotFound(NO_RUN)
    return Run(*row)


def cut_by(db: Db, project_id: int, run_id: int, job_id: int) -> Run:
    """The run, of which is told that this job cuts it: it may be one that was tried again."""
    run = find(db, project_id, run_id)
    if run.job_id != job_id:
        db.execute("update cluster_run set job_id = %s where id = %s", [job_id, run_id])
    return run


def latest(db: Db, project_id: int, query: str = UNLABELLED) -> Run | None:
    """The latest run of a filter: where none is named, that of what nobody has labelled."""
    row = db.execute(
        f"""
        select {COLUMNS}
        from cluster_run
        where project_id = %s
          and query = %s
        order by id desc
        limit 1
        """,  # noqa: S608 - constants
        [project_id, query],
    ).fetchone()
    return Run(*row) if row else None


def latest_for(db: Db, project_id: int, query: str, account_id: int | None) -> Run | None:
    """The same as this person reads the filter: what I labelled is something else to another me."""
    run = latest(db, project_id, query)
    if run is None or run.account_id == account_id or query == UNLABELLED:
        return run
    theirs, own = (filter_of(db, project_id, query, who) for who in (run.account_id, account_id))
    return run if theirs == own else None


def latest_by_query(db: Db, project_id: int) -> list[Run]:
    """The latest run of each filter that cards were asked for, the latest first."""
    rows = db.execute(
        f"""
        select {COLUMNS}
        from (
            select distinct on (query) *
            from cluster_run
            where project_id = %s
            order by query, id desc
        ) as run
        order by id desc
        """,  # noqa: S608 - constants
        [project_id],
    )
    return [Run(*row) for row in rows]


def filter_of(db: Db, project_id: int, query: str, account_id: int | None) -> Filter:
    return read_filter(db, project_id, pairs_in(query), account_id=account_id)
