"""Classifiers for programs: train one, read its report and what it said of held-out objects, delete it."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from litestar import delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from app.accounts.viewer import Viewer
from app.classifiers import offers, versions
from app.classifiers.shown import list_for, read_report
from app.classifiers.versions import Training
from app.database import Db
from app.errors import NotFound
from app.labels.pages import actor
from app.learning import sets
from app.openapi import refusals
from app.prediction import outside
from app.projects.access import PREDICTS, VISITOR, Project

LARGEST_ID = 2**31
LIST, ONE = "/projects/{project_id:int}/classifiers", "/projects/{project_id:int}/classifiers/{classifier_id:int}"


@dataclass(frozen=True)
class TrainingWish:
    """Without `learning_set_id`, what is validated here and in the references is frozen and learned from. `pca` is the
    forest's: how many principal components, or the share of the variance that they explain. `columns`: numeric ones
    that all sources and this project have, as object.area. `embedder`: the name of one of which all that is learned
    from has vectors; this project's where it is left out. `predict`: then predict with it; `publish`: and show that.
    """

    title: str = ""
    learning_set_id: int | None = None
    method: Literal["auto", "forest", "discriminant", "logistic"] = "auto"
    pca: str = "50"
    columns: list[str] = field(default_factory=list)
    embedder: str | None = None
    predict: bool = False
    publish: bool = False


@dataclass(frozen=True)
class Queued:
    """The version that will be there, and the job that trains it."""

    classifier_id: int
    job_id: int


@dataclass(frozen=True)
class ClassifierTold:
    """A version; without `trained_at` it is being trained. `accuracy` and `ece` (calibration error) are of objects that
    neither it nor its embedder learned from, null where these are too few to tell. `is_closed`: it learned from a
    project that you may not read, so no figures are told."""

    id: int
    project_id: int
    title: str
    version: int
    method: str
    embedder: str | None
    learning_set_id: int | None
    n_objects: int
    n_taxa: int
    accuracy: float | None
    ece: float | None
    by: str | None
    job_id: int | None
    created_at: datetime
    trained_at: datetime | None
    is_closed: bool


@dataclass(frozen=True)
class ReportTold:
    """A version with all of its report."""

    classifier: ClassifierTold
    report: dict[str, Any]


@dataclass(frozen=True)
class HeldOutTold:
    """Of each object that was held out (0: brought from elsewhere): its taxon, what was said of it, how sure and how
    strange it is."""

    objects: list[int]
    projects: list[int]
    truths: list[int]
    firsts: list[int]
    scores: list[float]
    seconds: list[int]
    second_scores: list[float]
    novelties: list[float]


@post(
    LIST, opt=PREDICTS, sync_to_thread=True, status_code=202, tags=["classifiers"],
    summary="Train a classifier, as a job", responses=refusals(400, 403, 404, 409),
)  # fmt: skip
def train_api(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    data: JSONBody[TrainingWish],
) -> Queued:
    """The next version of the title. While the same is waiting or being trained, that one is given."""
    account = actor(viewer)
    if data.predict:
        outside.check_open(project)
    set_id = data.learning_set_id
    if set_id is not None and not 0 < set_id < LARGEST_ID:
        raise NotFound(sets.NO_SET)
    # A named one is checked with the training.
    title = data.title or (sets.find_set(db, viewer, set_id).title if set_id else sets.OWN_TITLE)
    embedder_id = None if data.embedder is None else offers.id_of(db, data.embedder)
    columns = tuple(data.columns)
    training = Training(set_id, title, data.method, data.pca, columns, data.predict, data.publish, embedder_id)
    return Queued(*versions.start_training(db, project, account.id, training))


@get(
    LIST, opt=VISITOR, sync_to_thread=True, tags=["classifiers"],
    summary="A project's classifiers, the newest first", responses=refusals(401, 404),
)  # fmt: skip
def list_api(
    db: NamedDependency[Db], project: NamedDependency[Project], viewer: NamedDependency[Viewer]
) -> list[ClassifierTold]:
    actor(viewer)
    return [_told(row) for row in list_for(db, viewer, project.id)]


@get(
    ONE, opt=VISITOR, sync_to_thread=True, tags=["classifiers"],
    summary="A classifier with its report: what to expect, per taxon, confusions, calibration, why this method",
    responses=refusals(401, 403, 404),
)  # fmt: skip
def read_api(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    classifier_id: FromPath[int],
) -> ReportTold:
    row = _found(db, project, viewer, classifier_id)
    return ReportTold(_told(row), read_report(db, classifier_id))


@get(
    ONE + "/held-out", opt=VISITOR, sync_to_thread=True, tags=["classifiers"],
    summary="What a classifier said of the objects that were held out", responses=refusals(401, 403, 404),
)  # fmt: skip
def held_out_api(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    classifier_id: FromPath[int],
) -> HeldOutTold:
    _found(db, project, viewer, classifier_id)
    held = versions.read_held_out(db, classifier_id)
    real = (held.scores, held.second_scores, held.novelties)
    scores, second_scores, novelties = (column.astype(float).round(6).tolist() for column in real)
    whole = (held.object_ids, held.project_ids, held.truths, held.firsts, held.seconds)
    objects, projects, truths, firsts, seconds = (column.tolist() for column in whole)
    return HeldOutTold(objects, projects, truths, firsts, scores, seconds, second_scores, novelties)


@delete(
    ONE, opt=PREDICTS, sync_to_thread=True, tags=["classifiers"],
    summary="Delete a classifier; the runs that it made stay", responses=refusals(403, 404, 409),
)  # fmt: skip
def remove_api(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    classifier_id: FromPath[int],
) -> None:
    _found(db, project, viewer, classifier_id)
    versions.remove(db, project.id, classifier_id)


def _found(db: Db, project: Project, viewer: Viewer, classifier_id: int) -> Any:
    """A classifier of this project, whose sources the caller may read too."""
    actor(viewer)
    found = versions.list_classifiers(db, project.id, classifier_id) if 0 < classifier_id < LARGEST_ID else []
    if not found:
        raise NotFound(versions.NO_CLASSIFIER)
    versions.find(db, viewer, classifier_id)
    return found[0]


def _told(row: Any) -> ClassifierTold:
    report = row.report or {}
    return ClassifierTold(
        row.id, row.project_id, row.title, row.version, row.method, row.embedder, row.set_id, row.n_objects,
        len(row.taxa), report.get("accuracy"), report.get("ece"), row.author, row.job_id, row.created_at,
        row.trained_at, row.is_closed,
    )  # fmt: skip


routes = [train_api, list_api, read_api, held_out_api, remove_api]
