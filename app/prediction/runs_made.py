"""Runs made by a classifier of ours: asked for, remembered, completed, shown where asked."""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from psycopg.types.json import Jsonb

from app.classifiers import versions
from app.database import Db
from app.errors import Conflict, NotFound, Refused
from app.jobs.queue import enqueue
from app.labels.acts import Labelled
from app.labels.changes import array
from app.objects.filters import Filter, pairs_in, read_filter
from app.prediction import outside, summaries
from app.search.codes import PREDICTED, UNCLASSIFIED
from app.search.mirror import Mirror, open_mirror
from app.search.vector_ids import vector_ids

LONGEST_FILTER = 4000
NO_VECTORS = (
    "This project has no vectors yet, so nothing can be predicted: embed it first, by an import or by “shoal embed” on"
    " the server."
)
WHAT_TO_DO = (
    "Train again with the same learning set here, or give this project vectors of {embedder}: “shoal embed {project}"
    " --embedder {embedder}”."
)
TRIED_FIRST = 1000  # objects, before all are looked through for one that has a vector


class Asked(Labelled, Protocol):
    """The project that is predicted."""

    @property
    def embedder_id(self) -> int | None: ...


@dataclass(frozen=True)
class Wish:
    """What was asked for; `filter` as in the address of a board."""

    classifier_id: int
    filter: str = ""
    publish: bool = True


def start_prediction(
    db: Db, project: Asked, account_id: int | None, classifier_id: int, filter_query: str = "", publish: bool = True
) -> tuple[int, int]:
    """A run that a job makes, remembered as the project's way to predict; returns the run's id and the job's.

    It covers the unclassified and the predicted objects that the filter keeps. What the run shown now says of others is
    carried over, so that nothing disappears. `publish`: show it once it is complete. While the same is waiting or being
    made, that one is returned. The caller has checked that the account may read the classifier.
    """
    outside.check_open(project)
    wish = Wish(classifier_id, filter_query, publish)
    classifier = find_classifier(db, project, wish.classifier_id)
    # Two clicks at once would ask twice.
    db.execute("select from project where id = %s for no key update", [project.id])
    busy = _busy(db, project.id, wish)
    if busy is not None:
        return busy
    wanted = check_something(db, project, wish, account_id)
    check_vectors(db, project, classifier, wanted)
    keep_settings(db, project.id, _config(wish))
    return _queue(db, project.id, account_id, wish, f"{classifier.title}, version {classifier.version}")


def find_classifier(db: Db, project: Asked, classifier_id: int) -> Any:
    """The classifier's row, with its embedder's name; refused where it cannot predict in this project."""
    row = versions.read(db, classifier_id)
    if row is None:
        raise NotFound(f"There is no classifier {classifier_id} any more: choose another, or train one.")
    name = f"The classifier “{row.title}”, version {row.version},"
    if row.method == "outside":
        raise Refused(f"{name} was made elsewhere: what it predicts is brought by a program or a file.")
    if row.trained_at is None and row.job_status not in ("queued", "running"):
        raise Conflict(
            f"{name} was not trained: {row.job_error or 'its job was stopped.'} Choose another, or train again."
        )
    if row.trained_at is None:
        raise Conflict(f"{name} is still being trained. Wait until its report is there.")
    if row.embedder_id is None:
        raise Conflict(f"{name} reads vectors of an embedder that is gone. Train again with the same learning set.")
    _check_vectors(db, project, row, name)
    return row


def _check_vectors(db: Db, project: Asked, row: Any, name: str) -> None:
    """Vectors of a former embedder stay, so its classifiers can still be used where there are any."""
    if _has_vectors(db, project.id, row.embedder_id):
        return
    if project.embedder_id is None or not _has_vectors(db, project.id, project.embedder_id):
        raise Conflict(NO_VECTORS)
    own: Any = db.execute("select name from embedder where id = %s", [project.embedder_id]).fetchone()
    raise Conflict(
        f"{name} reads vectors of {row.embedder}, and this project has those of {own.name} only."
        f" {WHAT_TO_DO.format(project=project.id, embedder=row.embedder)}"
    )


def _has_vectors(db: Db, project_id: int, embedder_id: int) -> bool:
    found = db.execute(
        "select from object_vector where embedder_id = %s and project_id = %s limit 1", [embedder_id, project_id]
    )
    return found.fetchone() is not None


def _busy(db: Db, project_id: int, wish: Wish) -> tuple[int, int] | None:
    row = db.execute(
        """
        select run.id, run.job_id
        from run
        join job on job.id = run.job_id
        where run.project_id = %s
          and run.kind = 'classifier'
          and run.removed_at is null
          and run.completed_at is null
          and run.config = %s
          and job.status in ('queued', 'running')
        order by run.id desc
        limit 1
        """,
        [project_id, Jsonb(_config(wish))],
    ).fetchone()
    return (row.id, row.job_id) if row else None


def _config(wish: Wish) -> dict[str, Any]:
    return {"classifier_id": wish.classifier_id, "filter": wish.filter, "publish": wish.publish}


def check_something(db: Db, project: Asked, wish: Wish, account_id: int | None) -> np.ndarray:
    """Ids, int64 ascending, of what is to be predicted. Refuse a filter that cannot be obeyed, or that keeps nothing
    which may be predicted."""
    filter = filter_of(db, project.id, wish.filter, account_id).obeyed()
    mirror = open_mirror(db, project.id)
    wanted: np.ndarray = mirror.ids[predictable(db, mirror, filter)]
    if not len(wanted):
        where = "that the filter keeps " if wish.filter else ""
        raise Refused(f"There is nothing to predict: every object {where}is validated or dubious, or there is none.")
    return wanted


def check_vectors(db: Db, project: Asked, classifier: Any, wanted: np.ndarray) -> None:
    """Refuse to ask a classifier of objects of which none has a vector that it reads: its run would say nothing."""
    few = wanted[:TRIED_FIRST]
    found = db.execute(
        """
        select
        from object_vector
        where embedder_id = %s
          and project_id = %s
          and object_id = any(%s::bigint[])
        limit 1
        """,
        [classifier.embedder_id, project.id, array(few.tolist())],
    ).fetchone()
    if found is not None or np.isin(wanted, vector_ids(db, classifier.embedder_id, project.id)).any():
        return
    which = "the one object" if len(wanted) == 1 else f"none of the {len(wanted):,} objects"
    raise Conflict(
        f"The classifier “{classifier.title}”, version {classifier.version}, reads vectors of {classifier.embedder},"
        f" and {which} that would be predicted has {'none' if len(wanted) == 1 else 'one'}."
        f" {WHAT_TO_DO.format(project=project.id, embedder=classifier.embedder)}"
    )


def filter_of(db: Db, project_id: int, query: str, account_id: int | None) -> Filter:
    if len(query) > LONGEST_FILTER:
        raise Refused("This filter is too long to be kept: use fewer conditions.")
    return read_filter(db, project_id, pairs_in(query), account_id=account_id)


def predictable(db: Db, mirror: Mirror, filter: Filter) -> np.ndarray:
    """Which ordinals, bool [n], the filter keeps and no person has validated or doubted."""
    return mirror.mask(db, filter) & ((mirror.status == UNCLASSIFIED) | (mirror.status == PREDICTED))


def keep_settings(db: Db, project_id: int, told: dict[str, Any]) -> None:
    """How a project trains and predicts, for the next time; what else is kept of it stays."""
    db.execute(
        """
        update project
        set settings = settings || jsonb_build_object('prediction', coalesce(settings -> 'prediction', '{}') || %s)
        where id = %s
        """,
        [Jsonb(told), project_id],
    )


def _queue(db: Db, project_id: int, account_id: int | None, wish: Wish, title: str) -> tuple[int, int]:
    run: Any = db.execute(
        """
        insert into run (project_id, kind, title, account_id, config, classifier_id, completed_at, n_predictions)
        values (%s, 'classifier', %s, %s, %s, %s, null, 0)
        returning id
        """,
        [project_id, title, account_id, Jsonb(_config(wish)), wish.classifier_id],
    ).fetchone()
    job_id = enqueue(db, "predict", f"Predict with {title}", project_id, account_id, {"run_id": run.id})
    db.execute("update run set job_id = %s where id = %s", [job_id, run.id])
    return run.id, job_id


def made_by(db: Db, project_id: int, run_id: int, job_id: int) -> Any | None:
    """The row of a run, of which is told that this job makes it: it may be one that was tried again. None: gone."""
    return db.execute(
        """
        update run
        set job_id = %s
        where project_id = %s
          and id = %s
          and removed_at is null
        returning id, account_id, classifier_id, config, summary, completed_at
        """,
        [job_id, project_id, run_id],
    ).fetchone()


def complete(db: Db, project_id: int, run_id: int, **told: Any) -> None:
    """Count a run whose last piece is written; it can be shown from now on."""
    outside.hold(db, project_id, run_id)
    summaries.write(db, project_id, run_id, **told)
    db.execute(
        """
        update run
        set completed_at = now(),
            summary = summary - array['reached', 'carries']
        where id = %s
        """,
        [run_id],
    )


def remembered(settings: dict[str, Any]) -> Wish | None:
    """How the project was predicted last; None where it never was."""
    told = settings.get("prediction") or {}
    if "classifier_id" not in told:
        return None
    return Wish(int(told["classifier_id"]), str(told.get("filter", "")), bool(told.get("publish", True)))
