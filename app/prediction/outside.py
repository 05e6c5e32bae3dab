"""Predictions that a program brings: a run written in pieces, shown once it is complete, and taken back at any time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

from psycopg.types.json import Jsonb

from app.database import Db
from app.errors import Conflict, NotFound, Refused
from app.labels import runs
from app.labels.changes import SEEN_STATE_LOCK, array
from app.projects.access import Project

MOST_ROWS = 100_000
MOST_CHOICES = 3
MOST_TOLD = 20
MOST_RUNS = 200
LARGEST_ID = 2**31
LEAST_SCORE = 1e-37  # that a number in single precision tells from 0, which it becomes


@dataclass(frozen=True)
class Piece:
    """Some objects, and for each its first one to three taxa with their scores, the likeliest first."""

    objects: Sequence[int]
    taxa: Sequence[Sequence[int]]
    scores: Sequence[Sequence[float]]


@dataclass(frozen=True)
class Run:
    """A run of predictions; `n_predictions` is null where nobody counted (imports)."""

    id: int
    kind: str
    title: str
    by: str | None
    made_at: datetime
    is_complete: bool
    is_shown: bool
    n_predictions: int | None
    replaced_run_id: int | None


def begin(db: Db, project: Project, account_id: int, title: str, config: dict[str, Any]) -> int:
    """A new run that nobody sees yet."""
    check_open(project)
    if not 0 < len(title.strip()) <= 200:
        raise Refused("Give the run a title of 1 to 200 letters: what predicted, and with which data.")
    row = db.execute(
        """
        insert into run (project_id, kind, title, account_id, config, completed_at, n_predictions)
        values (%s, 'outside', %s, %s, %s, null, 0)
        returning id
        """,
        [project.id, title.strip(), account_id, Jsonb(config)],
    ).fetchone()
    return int(row.id)


def check_open(project: Project) -> None:
    if project.status != "annotate":
        raise Conflict("This project takes no predictions: a manager can change its status in its settings.")


def add(db: Db, project: Project, run_id: int, piece: Piece) -> list[int]:
    """Write a piece into a run that is not complete yet; what it says of an object again takes the former's place.

    Returns the ids that are no objects of this project: they are left out.
    """
    check_open(project)
    _hold_unfinished(db, project.id, run_id)
    rows = _rows(piece)
    if not rows:
        return []
    _check_taxa(db, piece)
    db.execute(
        """
        create temp table if not exists predicted_in (
            object_id bigint, taxon_id int, score real, taxon_2_id int, score_2 real, taxon_3_id int, score_3 real
        )
        """
    )
    db.execute("truncate predicted_in")
    with db.cursor() as cursor, cursor.copy("copy predicted_in from stdin") as copy:
        copy.write("".join(rows))
    db.execute("analyze predicted_in")
    return _take_over(db, project.id, run_id, len(rows))


def _hold_unfinished(db: Db, project_id: int, run_id: int) -> None:
    """Pieces of one run are written one after the other."""
    row = _held(db, project_id, run_id)
    if row.kind != "outside" or row.completed_at is not None:
        raise Conflict(f"Run {run_id} is complete: nothing is added to it. Begin another by leaving out run_id.")


def _rows(piece: Piece) -> list[str]:
    """Lines for COPY; refused with the first object whose predictions are not possible."""
    n = len(piece.objects)
    if not n == len(piece.taxa) == len(piece.scores):
        raise Refused(
            f"There are {n:,} objects, {len(piece.taxa):,} lists of taxa and {len(piece.scores):,} lists of scores:"
            " give one of each for every object."
        )
    if n > MOST_ROWS:
        raise Refused(f"A piece holds at most {MOST_ROWS:,} objects: send {n:,} in several, with the same run_id.")
    if len(set(piece.objects)) != n:
        raise Refused("An object stands twice in this piece: one object has one prediction in a run.")
    return [_row(*each) for each in zip(piece.objects, piece.taxa, piece.scores, strict=True)]


def _row(object_id: int, taxa: Sequence[int], scores: Sequence[float]) -> str:
    k = len(taxa)
    if not 1 <= k <= MOST_CHOICES or k != len(scores) or len(set(taxa)) != k:
        raise Refused(
            f"Object {object_id}: give one to {MOST_CHOICES} different taxa and as many scores, the likeliest first."
        )
    if not all(0 <= score <= 1 for score in scores) or any(a < b for a, b in pairwise(scores)):
        raise Refused(f"Object {object_id}: scores lie between 0 and 1, and none is above the one before it.")
    if not 0 < object_id < 2**63:
        raise Refused(f"{object_id} is no object's id: these are positive whole numbers.")
    kept = [score if score >= LEAST_SCORE else 0.0 for score in scores]
    pairs = [f"{taxon}\t{score!r}" for taxon, score in zip(taxa, kept, strict=True)]
    return "\t".join([str(object_id), *pairs, *["\\N\t\\N"] * (MOST_CHOICES - k)]) + "\n"


def _check_taxa(db: Db, piece: Piece) -> None:
    named = {taxon for taxa in piece.taxa for taxon in taxa}
    if not all(0 < taxon < LARGEST_ID for taxon in named):
        raise Refused("One of the taxa is a number that no taxon can have: ids are listed under GET …/taxa.")
    known = db.execute("select id, display_name, status from taxon where id = any(%s::int[])", [array(named)])
    statuses = {row.id: (row.status, row.display_name) for row in known}
    if unknown := sorted(named - statuses.keys()):
        raise Refused(f"These taxa are not known here: {_listed(unknown)}. Nothing of this piece was written.")
    if old := sorted(name for status, name in statuses.values() if status == "D"):
        raise Refused(f"These taxa are deprecated: {_listed(old)}. Nothing of this piece was written.")


def _listed(items: Sequence[object]) -> str:
    more = f" and {len(items) - MOST_TOLD:,} more" if len(items) > MOST_TOLD else ""
    return ", ".join(map(str, items[:MOST_TOLD])) + more


def _take_over(db: Db, project_id: int, run_id: int, n: int) -> list[int]:
    """From the piece's own table into the run, whose number of predictions follows."""
    keys = {"project_id": project_id, "run_id": run_id}
    n_replaced = db.execute(
        """
        delete from prediction
        using predicted_in
        where project_id = %(project_id)s
          and run_id = %(run_id)s
          and prediction.object_id = predicted_in.object_id
        """,
        keys,
    ).rowcount
    n_written = db.execute(
        """
        insert into prediction (run_id, project_id, object_id, taxon_id, score,
                                taxon_2_id, score_2, taxon_3_id, score_3)
        select %(run_id)s, %(project_id)s, object_id, taxon_id, score, taxon_2_id, score_2, taxon_3_id, score_3
        from predicted_in
        join object on object.project_id = %(project_id)s and object.id = predicted_in.object_id
        order by object_id
        """,
        keys,
    ).rowcount
    db.execute("update run set n_predictions = n_predictions + %s where id = %s", [n_written - n_replaced, run_id])
    return _unknown(db, project_id) if n_written < n else []


def _unknown(db: Db, project_id: int) -> list[int]:
    rows = db.execute(
        """
        select object_id
        from predicted_in
        where not exists (select from object where project_id = %s and id = object_id)
        order by object_id
        """,
        [project_id],
    )
    return [row.object_id for row in rows]


def show(db: Db, project: Project, run_id: int) -> None:
    """Say that a run is complete, and let the project show it instead of the one before."""
    row = _held(db, project.id, run_id)
    if row.kind == "outside" and not row.n_predictions:
        raise Conflict(f"Run {run_id} holds no predictions: send some before it is shown.")
    before = _shown(db, project.id)
    runs.publish(db, project, run_id)
    db.execute(
        """
        update run
        set completed_at = coalesce(completed_at, now()),
            published_at = now(),
            replaced_run_id = case when %(before)s::int is distinct from id then %(before)s::int
                                   else replaced_run_id end
        where id = %(run)s
        """,
        {"before": before, "run": run_id},
    )


def take_back(db: Db, project: Project) -> int | None:
    """Show again what the shown run took the place of; returns that run's id, or None where there was none."""
    check_open(project)
    shown = _shown(db, project.id)
    if shown is None:
        raise Conflict("This project shows no predictions: there is nothing to take back.")
    row = db.execute("select replaced_run_id from run where id = %s", [shown]).fetchone()
    runs.unpublish(db, project, row.replaced_run_id)
    return row.replaced_run_id


def _shown(db: Db, project_id: int) -> int | None:
    """The run that the project shows, for the rest of the transaction: two managers who change it take turns."""
    db.execute("select pg_advisory_xact_lock(%s, %s)", [SEEN_STATE_LOCK, project_id])
    run_id: int | None = db.execute("select current_run_id from project where id = %s", [project_id]).fetchone()[0]
    return run_id


def remove(db: Db, project: Project, run_id: int) -> None:
    """Delete a run that is not shown, with its predictions."""
    _held(db, project.id, run_id)
    if _shown(db, project.id) == run_id:
        raise Conflict(f"Run {run_id} is what the project shows: take it back, or show another, before it is removed.")
    db.execute("delete from run where id = %s", [run_id])
    db.execute("delete from prediction where project_id = %s and run_id = %s", [project.id, run_id])


def _held(db: Db, project_id: int, run_id: int) -> Any:
    """A run's row, for the rest of the transaction: always before what the project shows, or two managers who change
    both would wait for each other for ever."""
    row = db.execute(
        "select kind, n_predictions, completed_at from run where project_id = %s and id = %s for update",
        [project_id, run_id],
    ).fetchone()
    if row is None:
        raise NotFound(f"This project has no run {run_id}. Its runs are listed under GET …/predictions.")
    return row


def list_runs(db: Db, project_id: int, run_id: int | None = None) -> list[Run]:
    """A project's runs, newest first; or one of them."""
    rows = db.execute(
        """
        select run.id, run.kind, run.title, account.name as by, run.created_at, run.completed_at is not null as whole,
               run.id is not distinct from project.current_run_id as shown, run.n_predictions, run.replaced_run_id
        from run
        join project on project.id = run.project_id
        left join account on account.id = run.account_id
        where run.project_id = %(project_id)s
          and (%(run_id)s::int is null or run.id = %(run_id)s)
        order by run.id desc
        limit %(most)s
        """,
        {"project_id": project_id, "run_id": run_id, "most": MOST_RUNS},
    )
    return [Run(*row) for row in rows]
