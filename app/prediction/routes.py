"""Pages of a project's predictions: the run that is shown, and how the next one is made."""

from dataclasses import dataclass
from typing import Any

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect, Template

from app.accounts.viewer import Viewer
from app.classifiers import versions
from app.classifiers.making import learn_here
from app.classifiers.shown import METHODS, list_classifiers
from app.database import Db
from app.errors import NotFound, Refused
from app.jobs.words import rate_text, time_span
from app.labels.pages import actor
from app.learning import sets
from app.prediction import clearing, outside, overview
from app.prediction.runs_made import Wish, remembered, start_prediction
from app.projects.access import PREDICTS, VISITOR, Project
from app.start.readiness import readiness

RUNS = "/projects/{project_id:int}/predictions"
MOST_RUNS_SHOWN = 30
LARGEST_ID = 2**31


@dataclass
class PredictForm:
    """`publish`: "yes" shows the run once it is complete; else a manager looks at it first."""

    filter: str = ""
    publish: str = ""


@get(RUNS, opt=VISITOR, include_in_schema=False, sync_to_thread=True)
def show_predictions(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    run: FromQuery[int | None] = None,
) -> Template:
    """The run that is shown, or the one that is named; and one click to the next."""
    return predictions_page(db, project, viewer, run)


def predictions_page(
    db: Db, project: Project, viewer: Viewer, run_id: int | None = None, error: str = "", status_code: int = 200
) -> Template:
    actor(viewer)
    if run_id is not None and not 0 < run_id < LARGEST_ID:
        raise NotFound("This project has no such run.")
    sees_all = project.may(PREDICTS["role"])
    if run_id and run_id != project.current_run_id and not sees_all:
        raise NotFound("This project shows no such run. What is not shown is for those who may predict.")
    asked = run_id or project.current_run_id
    told = overview.tell_run(db, project, viewer, asked) if asked else None
    if run_id and told is None:
        raise NotFound("This project has no such run, or it is not complete yet.")
    look = overview.outlook(db, project, viewer)
    working = overview.at_work(db, viewer, project.id)
    context = {
        "project": project,
        "told": told,
        "n_carried": overview.n_carried_left(db, project.id, told) if told else 0,
        "look": look,
        "teachers": overview.could_teach(db, project, viewer, look),
        "ready": readiness(db, project, look.n_objects),
        "working": working,
        "ahead": overview.ahead(db, viewer, working),
        "failed": None if working else overview.went_wrong(db, viewer, project.id),
        "runs": outside.list_runs(db, project.id)[:MOST_RUNS_SHOWN] if sees_all else [],
        "error": error,
        "time_span": time_span,
        "rate_text": rate_text,
    }
    return Template("prediction/predictions.html", context=context, status_code=status_code)


@get(RUNS + "/progress", opt=VISITOR, include_in_schema=False, sync_to_thread=True)
def show_progress(
    db: NamedDependency[Db], project: NamedDependency[Project], viewer: NamedDependency[Viewer]
) -> Template:
    """How far learning, training and predicting are. It asks again while they last; then the page loads anew."""
    working = overview.at_work(db, viewer, project.id)
    context = {
        "project": project,
        "working": working,
        "ahead": overview.ahead(db, viewer, working),
        "time_span": time_span,
        "rate_text": rate_text,
    }
    headers = {"Cache-Control": "no-store"} | ({} if working else {"HX-Refresh": "true"})
    return Template("prediction/_progress.html", context=context, headers=headers)


@get(RUNS + "/notice", opt=VISITOR, include_in_schema=False, sync_to_thread=True)
def show_notice(
    db: NamedDependency[Db], project: NamedDependency[Project], viewer: NamedDependency[Viewer]
) -> Template:
    """On other pages: what works on predictions, that they are there, or that there is enough to learn from."""
    actor(viewer)
    told = overview.tell_run(db, project, viewer, project.current_run_id) if project.current_run_id else None
    context = {
        "project": project,
        "working": overview.at_work(db, viewer, project.id),
        "told": told,
        "is_new": told is not None and overview.is_new(told),
        "worth": overview.worth_learning(overview.outlook(db, project, viewer), told)
        if project.may("manager")
        else None,
    }
    return Template("prediction/_notice.html", context=context, headers={"Cache-Control": "no-store"})


@post(RUNS + "/train", opt=PREDICTS, include_in_schema=False, sync_to_thread=True)
def train_and_predict(
    db: NamedDependency[Db], project: NamedDependency[Project], viewer: NamedDependency[Viewer]
) -> Response[Any]:
    """All in one: learn from what is validated here and in the reference projects, predict, and show it when done."""
    account = actor(viewer)
    try:
        if overview.at_work(db, viewer, project.id):
            raise Refused("A training or a prediction of this project is at work already: wait for it.", status=409)
        outside.check_open(project)
        with db.transaction():
            learn_here(db, project, account, title=sets.OWN_TITLE, then_predict=True, publish=True)
    except Refused as refused:
        return predictions_page(db, project, viewer, error=refused.sentence, status_code=refused.status)
    return Redirect(f"/projects/{project.id}/predictions", status_code=303)


@post(RUNS + "/{run_id:int}/show", opt=PREDICTS, include_in_schema=False, sync_to_thread=True)
def show_run(db: NamedDependency[Db], project: NamedDependency[Project], run_id: FromPath[int]) -> Redirect:
    """Let everybody see a run instead of the present one."""
    outside.check_open(project)
    outside.show(db, project, run_id)
    return Redirect(f"/projects/{project.id}/predictions", status_code=303)


@post(RUNS + "/undo", opt=PREDICTS, include_in_schema=False, sync_to_thread=True)
def take_back(db: NamedDependency[Db], project: NamedDependency[Project]) -> Redirect:
    """Show again what was shown before."""
    outside.take_back(db, project)
    return Redirect(f"/projects/{project.id}/predictions", status_code=303)


@post(RUNS + "/{run_id:int}/remove", opt=PREDICTS, include_in_schema=False, sync_to_thread=True)
def remove_run(
    db: NamedDependency[Db], project: NamedDependency[Project], viewer: NamedDependency[Viewer], run_id: FromPath[int]
) -> Redirect:
    clearing.remove(db, project, actor(viewer).id, run_id)
    return Redirect(f"/projects/{project.id}/predictions", status_code=303)


@get(
    "/projects/{project_id:int}/classifiers/{classifier_id:int}/predict", opt=PREDICTS, include_in_schema=False,
    sync_to_thread=True,
)  # fmt: skip
def show_predict(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    classifier_id: FromPath[int],
    filter: FromQuery[str] = "",
) -> Template:
    """Predict with a classifier that is there: for what, and whether it is shown at once."""
    versions.find(db, viewer, classifier_id)
    known = remembered(project.settings)
    form = PredictForm(filter or (known.filter if known else ""), "yes" if known is None or known.publish else "")
    return predict_page(db, project, classifier_id, form)


def predict_page(
    db: Db, project: Project, classifier_id: int, form: PredictForm, error: str = "", status_code: int = 200
) -> Template:
    found = list_classifiers(db, project.id, classifier_id) if 0 < classifier_id < LARGEST_ID else []
    if not found:
        raise NotFound("This project has no such classifier, or it was removed.")
    context = {"project": project, "one": found[0], "form": form, "error": error, "methods": METHODS}
    return Template("prediction/predict.html", context=context, status_code=status_code)


@post(
    "/projects/{project_id:int}/classifiers/{classifier_id:int}/predict", opt=PREDICTS, include_in_schema=False,
    sync_to_thread=True,
)  # fmt: skip
def predict(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    classifier_id: FromPath[int],
    data: URLEncodedBody[PredictForm],
) -> Response[Any]:
    versions.find(db, viewer, classifier_id)
    wish = Wish(classifier_id, data.filter.strip().lstrip("?"), data.publish == "yes")
    try:
        with db.transaction():
            start_prediction(db, project, actor(viewer).id, wish.classifier_id, wish.filter, wish.publish)
    except NotFound:
        raise
    except Refused as refused:
        return predict_page(db, project, classifier_id, data, refused.sentence, refused.status)
    return Redirect(f"/projects/{project.id}/predictions", status_code=303)


routes: list[Any] = [
    show_predictions,
    show_progress,
    show_notice,
    train_and_predict,
    show_run,
    take_back,
    remove_run,
    show_predict,
    predict,
]
api_routes: list[Any] = []
