"""Predictions that a program brings: a run written in pieces, shown once it is complete, and taken back at any time."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise, repeat
from typing import Any

from psycopg.types.json import Jsonb

from app.database import Db
from app.errors import Conflict, NotFound, Refused
from app.labels import runs
from app.labels.acts import Labelled
from app.labels.changes import SEEN_STATE_LOCK, array
from app.nouns import counted
from app.prediction import summaries
from app.prediction.novel import USUAL_FROM
from app.prediction.outside_classifiers import note_taxa, version_of

MOST_ROWS = 100_000
MOST_CHOICES = 3
MOST_TOLD = 20
MOST_RUNS = 200
LARGEST_ID = 2**31
CHANGED = "Somebody else changed just now which predictions are shown, or are kept. Look at them, and ask again."
LEAST_SCORE = 1e-37  # that a number in single precision tells from 0, which it becomes


@dataclass(frozen=True)
class Piece:
    """Some objects, and for each its first one to three taxa with their scores, the likeliest first; and how strange it
    is to what was learned, 0 to 1, where that is known of all."""

    objects: Sequence[int]
    taxa: Sequence[Sequence[int]]
    scores: Sequence[Sequence[float]]
    novelties: Sequence[float] = ()


@dataclass(frozen=True)
class Run:
    """A run of predictions; `n_predictions` is null where nobody counted (imports). `edits`: what was done to it in
    mass since its title's predictor made it, as a taxon replaced by another."""

    id: int
    kind: str
    title: str
    by: str | None
    made_at: datetime
    is_complete: bool
    is_shown: bool
    n_predictions: int | None
    replaced_run_id: int | None
    classifier_id: int | None = None
    job_id: int | None = None
    edits: list[str] = field(default_factory=list)


def begin(
    db: Db,
    project: Labelled,
    account_id: int | None,
    title: str,
    config: dict[str, Any],
    classifier: str = "",
    version: int | None = None,
) -> int:
    """A new run that nobody sees yet, of a version of a `classifier` made elsewhere: by default one of its title."""
    check_open(project)
    if not 0 < len(title.strip()) <= 200:
        raise Refused("Give the run a title of 1 to 200 letters: what predicted, and with which data.")
    classifier_id = version_of(db, project.id, account_id, classifier or title, version)
    row = db.execute(
        """
        insert into run (project_id, kind, title, account_id, config, classifier_id, completed_at, n_predictions)
        values (%s, 'outside', %s, %s, %s, %s, null, 0)
        returning id
        """,
        [project.id, title.strip(), account_id, Jsonb(config), classifier_id],
    ).fetchone()
    return int(row.id)


def check_open(project: Labelled) -> None:
    if project.status != "annotate":
        raise Conflict("This project takes no predictions: a manager can change its status in its settings.")


def add(db: Db, project: Labelled, run_id: int, piece: Piece) -> list[int]:
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
            object_id bigint, taxon_id int, score real, taxon_2_id int, score_2 real, taxon_3_id int, score_3 real,
            novelty real
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
    row = hold(db, project_id, run_id)
    if row.kind != "outside" or row.completed_at is not None:
        raise Conflict(f"Run {run_id} is complete: nothing is added to it. Begin another by leaving out run_id.")


def _rows(piece: Piece) -> list[str]:
    """Lines for COPY; refused with the first object whose predictions are not possible."""
    n = len(piece.objects)
    if not n == len(piece.taxa) == len(piece.scores):
        raise Refused(
            f"There are {counted(n, 'object')}, {len(piece.taxa):,} lists of taxa and {len(piece.scores):,} lists of"
            " scores: give one of each for every object."
        )
    if piece.novelties and len(piece.novelties) != n:
        raise Refused(
            f"There are {counted(n, 'object')} and {len(piece.novelties):,} novelties: give none, or one for each."
        )
    if n > MOST_ROWS:
        raise Refused(f"A piece holds at most {MOST_ROWS:,} objects: send {n:,} in several, with the same run_id.")
    if len(set(piece.objects)) != n:
        raise Refused("An object stands twice in this piece: one object has one prediction in a run.")
    strange = piece.novelties or repeat(None, n)
    return [_row(*each) for each in zip(piece.objects, piece.taxa, piece.scores, strange, strict=True)]


def _row(object_id: int, taxa: Sequence[int], scores: Sequence[float], novelty: float | None) -> str:
    k = len(taxa)
    if not 1 <= k <= MOST_CHOICES or k != len(scores) or len(set(taxa)) != k:
        raise Refused(
            f"Object {object_id}: give one to {MOST_CHOICES} different taxa and as many scores, the likeliest first."
        )
    if not all(0 <= score <= 1 for score in scores) or any(a < b for a, b in pairwise(scores)):
        raise Refused(f"Object {object_id}: scores lie between 0 and 1, and none is above the one before it.")
    if not 0 < object_id < 2**63:
        raise Refused(f"{object_id} is no object's id: these are positive whole numbers.")
    if novelty is not None and not 0 <= novelty <= 1:
        raise Refused(f"Object {object_id}: its novelty is {novelty:g}, and lies between 0 (usual) and 1 (strange).")
    pairs = [f"{taxon}\t{_told(score)!r}" for taxon, score in zip(taxa, scores, strict=True)]
    none = ["\\N\t\\N"] * (MOST_CHOICES - k)
    strange = "\\N" if novelty is None else repr(_told(novelty))
    return "\t".join([str(object_id), *pairs, *none, strange]) + "\n"


def _told(number: float) -> float:
    return number if number >= LEAST_SCORE else 0.0


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
                                taxon_2_id, score_2, taxon_3_id, score_3, novelty)
        select %(run_id)s, %(project_id)s, object_id, taxon_id, score, taxon_2_id, score_2, taxon_3_id, score_3, novelty
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


def show(db: Db, project: Labelled, run_id: int) -> None:
    """Let the project show a run instead of the one before; one that a program writes is complete by that."""
    row = hold(db, project.id, run_id)
    if row.kind == "outside" and not row.n_predictions:
        raise Conflict(f"Run {run_id} holds no predictions: send some before it is shown.")
    if row.kind == "classifier" and row.completed_at is None:
        raise Conflict(f"Run {run_id} is not complete: its job {row.job_id} has to end first, or to be retried.")
    if row.kind == "outside" and row.completed_at is None:
        complete(db, project.id, run_id)
    counted = runs.count(db, project.id, run_id)
    before = shown(db, project.id)
    runs.publish(db, project, run_id, counted)
    db.execute(
        """
        update run
        set published_at = now(),
            replaced_run_id = case when %(before)s::int is distinct from id then %(before)s::int
                                   else replaced_run_id end
        where id = %(run)s
        """,
        {"before": before, "run": run_id},
    )


def complete(db: Db, project_id: int, run_id: int) -> None:
    """Say that a run which a program writes has all its pieces, and count it."""
    told = db.execute(
        "select from prediction where project_id = %s and run_id = %s and novelty is not null limit 1",
        [project_id, run_id],
    ).fetchone()
    summaries.write(db, project_id, run_id, novel_from=None if told is None else USUAL_FROM)
    note_taxa(db, project_id, run_id)
    db.execute("update run set completed_at = now() where id = %s", [run_id])


def take_back(db: Db, project: Labelled) -> int | None:
    """Show again what the shown run took the place of; returns that run's id, or None where there was none."""
    check_open(project)
    row: Any = db.execute(
        """
        select current_run_id as id, former.id as replaced_run_id
        from project
        left join run on run.id = current_run_id
        left join run as former on former.id = run.replaced_run_id
                               and former.removed_at is null
        where project.id = %s
        """,
        [project.id],
    ).fetchone()
    if row.id is None:
        raise Conflict("This project shows no predictions: there is nothing to take back.")
    counted = None
    if row.replaced_run_id is not None:
        try:
            hold(db, project.id, row.replaced_run_id)
        except NotFound:
            raise Conflict(CHANGED) from None
        counted = runs.count(db, project.id, row.replaced_run_id)
    if shown(db, project.id) != row.id:
        raise Conflict(CHANGED)
    runs.unpublish(db, project, row.replaced_run_id, counted)
    replaced: int | None = row.replaced_run_id
    return replaced


def shown(db: Db, project_id: int) -> int | None:
    """The run that the project shows, for the rest of the transaction: two managers who change it take turns."""
    db.execute("select pg_advisory_xact_lock(%s, %s)", [SEEN_STATE_LOCK, project_id])
    run_id: int | None = db.execute("select current_run_id from project where id = %s", [project_id]).fetchone()[0]
    return run_id


def hold(db: Db, project_id: int, run_id: int) -> Any:
    """A run's row, for the rest of the transaction: always before what the project shows, or two managers who change
    both would wait for each other for ever."""
    row = db.execute(
        """
        select kind, n_predictions, completed_at, job_id, summary
        from run
        where project_id = %s
          and id = %s
          and removed_at is null
        for update
        """,
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
               run.id is not distinct from project.current_run_id as shown, run.n_predictions, run.replaced_run_id,
               run.classifier_id, run.job_id,
               case when jsonb_typeof(run.config -> 'edits') = 'array' then run.config -> 'edits' else '[]' end as edits
        from run
        join project on project.id = run.project_id
        left join account on account.id = run.account_id
        where run.project_id = %(project_id)s
          and run.removed_at is null
          and (%(run_id)s::int is null or run.id = %(run_id)s)
        order by run.id desc
        limit %(most)s
        """,
        {"project_id": project_id, "run_id": run_id, "most": MOST_RUNS},
    )
    return [Run(*row) for row in rows]
