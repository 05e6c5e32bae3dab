"""Versions of classifiers: asked for, found with the viewer's rights, opened from the store, removed."""

import hashlib
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
from psycopg.types.json import Jsonb

from app.accounts.viewer import Viewer
from app.classifiers import offers
from app.classifiers.held_out import read_held_out, write_held_out
from app.classifiers.offers import Home
from app.classifiers.shown import SOURCES, list_classifiers
from app.database import Db
from app.errors import Conflict, Damaged, Forbidden, NotFound, Refused
from app.jobs.queue import enqueue
from app.learning import sets
from app.objects.store import open_store
from app.projects.access import find_project
from app.search.likeness import NO_EMBEDDER
from app.settings import Settings
from indexer.classifier import BadModel, Fitted, Model, NotTrainable, components
from indexer.classifier.base import METHODS

__all__ = ["Training", "find", "keep", "list_classifiers", "open_model", "read_held_out", "remove", "start_training"]

LONGEST_TITLE = 200
NO_CLASSIFIER = "There is no such classifier, or it is not shared with you."


@dataclass(frozen=True)
class Training:
    """What to learn from (null: what is validated here and in the references, which the job freezes first), and how:
    `method` as indexer/classifier says, `pca` of the forest ("50", or a share of the variance: "0.95"), `columns`
    numeric ones that the sources share, `embedder_id` whose vectors (null: the project's). Afterwards `then_predict`,
    and `publish` that."""

    learning_set_id: int | None
    title: str
    method: str = "auto"
    pca: str = "50"
    columns: tuple[str, ...] = ()
    then_predict: bool = False
    publish: bool = False
    embedder_id: int | None = None


def start_training(db: Db, project: Home, account_id: int | None, training: Training) -> tuple[int, int]:
    """The next version of a title, which a job trains; returns the ids of both. While the same is waiting or being
    trained, that one is returned. Refused where it cannot be learned from the set; Forbidden where its sources may not
    be read."""
    training = replace(training, columns=tuple(dict.fromkeys(training.columns)))
    _check(db, project, account_id, training)
    embedder_id = _embedder(db, project, account_id, training)
    # Two clicks at once would ask twice.
    db.execute("select from project where id = %s for no key update", [project.id])
    config = asdict(training) | {"columns": list(training.columns), "embedder_id": embedder_id}
    busy = _busy(db, project.id, config)
    if busy is not None:
        return busy
    set_id = training.learning_set_id or sets.begin_own(db, project, account_id)
    title = training.title.strip()
    classifier_id = _insert(db, project.id, embedder_id, title, account_id, config, set_id)
    job_id = enqueue(db, "train", f"Train {title}", project.id, account_id, {"classifier_id": classifier_id})
    db.execute("update classifier set job_id = %s where id = %s", [job_id, classifier_id])
    if training.learning_set_id is None:
        sets.made_by(db, set_id, job_id)
    return classifier_id, job_id


def _check(db: Db, project: Home, account_id: int | None, training: Training) -> None:
    if not 0 < len(training.title.strip()) <= LONGEST_TITLE:
        raise Refused(f"Give the classifier a title of 1 to {LONGEST_TITLE} letters.")
    if training.method not in METHODS:
        raise Refused(f"There is no method {training.method!r}: say one of {', '.join(METHODS)}.")
    try:
        components(training.pca)
    except NotTrainable as error:
        raise Refused(str(error)) from error
    if project.embedder_id is None:
        raise Refused(NO_EMBEDDER.replace("ordered by likeness", "learned from"), status=409)
    if training.learning_set_id is not None:
        _check_set(db, project, account_id, training.learning_set_id)
    _check_columns(db, project, account_id, training)


def _check_set(db: Db, project: Home, account_id: int | None, set_id: int) -> None:
    row = db.execute(
        "select project_id, title, version, n_objects, n_taxa, frozen_at from learning_set where id = %s", [set_id]
    ).fetchone()
    if row is None or (account_id is not None and sets.closed(db, account_id, [row.project_id], project.id)):
        raise NotFound(sets.NO_SET)
    sets.check_sources(db, set_id, account_id, project.id)
    if row.frozen_at is None:
        raise Conflict(f"The learning set “{row.title} {row.version}” is still being made: wait until it is there.")
    if row.n_taxa < 2:
        raise Refused(
            f"All {row.n_objects:,} objects of the learning set “{row.title} {row.version}” teach the same taxon: a"
            " classifier tells taxa apart, so choose one of at least two.",
            status=409,
        )


def _check_columns(db: Db, project: Home, account_id: int | None, training: Training) -> None:
    if not training.columns:
        return
    shared = [field.name for field in offers.columns(db, project, account_id, training.learning_set_id)]
    if missing := sorted(set(training.columns) - set(shared)):
        raise Refused(
            f"Not all sources and this project have the numeric columns {', '.join(missing)}."
            f" Shared are: {', '.join(shared) or 'none'}."
        )


def _embedder(db: Db, project: Home, account_id: int | None, training: Training) -> int | None:
    """The project's own, or another that is offered for the set."""
    if training.embedder_id in (None, project.embedder_id):
        return project.embedder_id
    offered = offers.embedders(db, project, account_id, training.learning_set_id)
    found = next((one for one in offered if one.id == training.embedder_id), None)
    if found is None:
        raise Refused("Neither this project nor what is learned from has vectors of this embedder: choose another.")
    if found.why_not:
        raise Refused(f"The vectors of {found.name} cannot be learned from: {found.why_not}. Choose another embedder.")
    return found.id


def _busy(db: Db, project_id: int, config: dict[str, Any]) -> tuple[int, int] | None:
    row = db.execute(
        """
        select classifier.id, classifier.job_id
        from classifier
        join job on job.id = classifier.job_id
        where classifier.project_id = %s
          and classifier.trained_at is null
          and classifier.config = %s
          and job.status in ('queued', 'running')
        order by classifier.id desc
        limit 1
        """,
        [project_id, Jsonb(config)],
    ).fetchone()
    return (row.id, row.job_id) if row else None


def _insert(
    db: Db,
    project_id: int,
    embedder_id: int | None,
    title: str,
    account_id: int | None,
    config: dict[str, Any],
    set_id: int | None = None,
) -> int:
    row: Any = db.execute(
        """
        insert into classifier (project_id, title, version, learning_set_id, embedder_id, config, account_id)
        select %(project)s, %(title)s, coalesce(max(version), 0) + 1, %(set)s, %(embedder)s, %(config)s, %(account)s
        from classifier
        where project_id = %(project)s
          and title = %(title)s
        returning id
        """,
        {
            "project": project_id, "title": title, "set": set_id, "embedder": embedder_id, "config": Jsonb(config),
            "account": account_id,
        },
    ).fetchone()  # fmt: skip
    return int(row.id)


def finish(
    db: Db,
    settings: Settings,
    classifier_id: int,
    fitted: Fitted,
    object_ids: np.ndarray,
    project_ids: np.ndarray,
    **told: Any,
) -> None:
    """Keep what was fitted: its arrays in the store first, then all else in the caller's transaction."""
    data = fitted.model.to_bytes()
    digest = hashlib.sha256(data).hexdigest()
    blob = f"classifiers/{digest[:2]}/{digest}"
    open_store(settings).put(blob, data)
    changed = db.execute(
        """
        update classifier
        set method = %s,
            report = %s,
            taxa = %s::int[],
            n_objects = %s,
            blob = %s,
            digest = %s,
            trained_at = now()
        where id = %s
        """,
        [
            fitted.model.method, Jsonb(fitted.report | told), fitted.model.taxa.tolist(), fitted.report["n"], blob,
            digest, classifier_id,
        ],
    )  # fmt: skip
    if not changed.rowcount:
        raise NotFound("The classifier was removed while it was being trained.")
    write_held_out(db, classifier_id, fitted.held_out, object_ids, project_ids)


def keep(db: Db, settings: Settings, project_id: int, embedder_id: int, title: str, fitted: Fitted) -> int:
    """The next version of a title, of what a program fitted on vectors of its own; returns its id."""
    db.execute("select from project where id = %s for no key update", [project_id])
    classifier_id = _insert(db, project_id, embedder_id, title, None, {})
    elsewhere = np.zeros(fitted.report["n"], np.int64)
    finish(db, settings, classifier_id, fitted, elsewhere, elsewhere)
    return classifier_id


def find(db: Db, viewer: Viewer, classifier_id: int) -> Any:
    """The row, with its embedder's name, where the viewer may read its project and all that it learned from.

    NotFound where the former may not be read, Forbidden with the numbers where one of the latter may not.
    """
    row = read(db, classifier_id)
    if row is None:
        raise NotFound(NO_CLASSIFIER)
    try:
        find_project(db, viewer, row.project_id)
    except NotFound:
        raise NotFound(NO_CLASSIFIER) from None
    check_sources(db, classifier_id, viewer.account_id)
    return row


def read(db: Db, classifier_id: int) -> Any:
    """The row, with its embedder's name and how its job stands, whoever asks; None where there is none."""
    return db.execute(
        """
        select classifier.*, embedder.name as embedder, job.status as job_status, job.error as job_error
        from classifier
        left join embedder on embedder.id = classifier.embedder_id
        left join job on job.id = classifier.job_id
        where classifier.id = %s
        """,
        [classifier_id],
    ).fetchone()


def check_sources(db: Db, classifier_id: int, account_id: int | None) -> None:
    """Forbidden where the account may not read all that a classifier learned from, also once its set was deleted."""
    row: Any = db.execute(
        f"""
        select classifier.title, classifier.version, classifier.project_id, {SOURCES} as source_ids
        from classifier
        left join learning_set on learning_set.id = classifier.learning_set_id
        where classifier.id = %s
        """,  # noqa: S608 - a constant
        [classifier_id],
    ).fetchone()
    if told := sets.closed(db, account_id, row.source_ids, row.project_id):
        raise Forbidden(
            f"“{row.title}”, version {row.version}, learned from objects of {told}, which you may not read (any more)."
            " Ask a manager there to add you, or train another one without it."
        )


def open_model(settings: Settings, row: Any) -> Model:
    """The fitted classifier of a row of `classifier`, kept open; a refusal says what it lacks."""
    name = f"The classifier “{row.title}”, version {row.version},"
    if row.method == "outside":
        raise Refused(f"{name} was made elsewhere: what it predicts is brought by a program or a file.")
    if row.trained_at is None or row.blob is None:
        raise Conflict(f"{name} is not trained yet.")
    if row.embedder_id is None:
        raise Conflict(f"{name} reads vectors of an embedder that is gone. Train again with the same learning set.")
    try:
        return _open(settings, row.blob, row.digest)
    except NotFound:
        raise NotFound(f"{name} is gone from the store. Restore it from a backup, or train it again.") from None
    except BadModel as error:
        raise Damaged(f"{name} cannot be read: {error}. Restore its file from a backup, or train it again.") from None


@lru_cache(maxsize=2)
def _open(settings: Settings, blob: str, digest: str) -> Model:
    data = open_store(settings).read(blob)
    if hashlib.sha256(data).hexdigest() != digest:
        raise BadModel("its file is not what was written")
    return Model.from_bytes(data)


def remove(db: Db, project_id: int, classifier_id: int) -> None:
    """Delete a version; runs that it made stay, and its file is swept with the store."""
    row = db.execute(
        """
        select classifier.title, classifier.version, job.status
        from classifier
        left join job on job.id = classifier.job_id
        where classifier.project_id = %s
          and classifier.id = %s
        """,
        [project_id, classifier_id],
    ).fetchone()
    if row is None:
        raise NotFound("This project has no such classifier, or it was removed.")
    if row.status in ("queued", "running"):
        raise Conflict(f"“{row.title}”, version {row.version}, is being trained: cancel that job first.")
    db.execute("delete from classifier where id = %s", [classifier_id])
