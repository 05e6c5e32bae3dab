"""Pages of classifiers: their list, the report of one, its confusions as a picture, and two side by side."""

from typing import Any

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Template

import app.classifiers.confusion  # noqa: F401 (registers its kind of batch)
from app.accounts.viewer import Viewer
from app.classifiers import compared, promises, shown, versions
from app.database import Db
from app.errors import NotFound
from app.jobs.words import time_span
from app.labels.pages import actor
from app.projects.access import VISITOR, Project

LIST, ONE = "/projects/{project_id:int}/classifiers", "/projects/{project_id:int}/classifiers/{classifier_id:int}"
NO_CLASSIFIER = "This project has no such classifier, or it was removed. Its classifiers are listed under Predictions."
LARGEST_ID = 2**31
GOOD_F1, POOR_F1 = 0.8, 0.5
MOST_NAMED = 6


@get(LIST, opt=VISITOR, include_in_schema=False, sync_to_thread=True)
def show_classifiers(
    db: NamedDependency[Db], project: NamedDependency[Project], viewer: NamedDependency[Viewer]
) -> Template:
    """The newest first, with what to expect of each."""
    actor(viewer)
    found = shown.list_for(db, viewer, project.id)
    context = {"project": project, "classifiers": found, "methods": shown.METHODS}
    return Template("classifiers/list.html", context=context)


def find_classifier(db: Db, project: Project, viewer: Viewer, classifier_id: int) -> Any:
    """A classifier of this project, as the pages show it to those who may read all that it learned from."""
    found = shown.list_classifiers(db, project.id, classifier_id) if 0 < classifier_id < LARGEST_ID else []
    if not found:
        raise NotFound(NO_CLASSIFIER)
    versions.find(db, viewer, classifier_id)
    return found[0]


@get(ONE, opt=VISITOR, include_in_schema=False, sync_to_thread=True)
def show_report(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    classifier_id: FromPath[int],
) -> Template:
    """What to expect of a classifier; while it is being trained, how far that is."""
    actor(viewer)
    one = find_classifier(db, project, viewer, classifier_id)
    report = shown.read_report(db, one.id)
    called = shown.names(db, taxa_of(report))
    lines = shown.taxon_lines(report, called)
    context = {
        "project": project,
        "one": one,
        "report": report,
        "why_no_promise": promises.why_none(report, one.embedder),
        "lines": lines,
        "good": [line for line in lines if line.n and (line.f1 or 0) >= GOOD_F1],
        "poor": sorted((line for line in lines if line.n and (line.f1 or 0) < POOR_F1), key=lambda line: -line.n),
        "most_named": MOST_NAMED,
        "not_held_out": [called[taxon].name for taxon in report.get("not_held_out", ()) if taxon in called],
        "confused": shown.most_confused(report, called),
        "sure": shown.sureness(db, one.id),
        "bins": report.get("calibration", ()),
        "tried": tried(report),
        "small": (report.get("chosen_because") or {}).get("small"),
        "others": other_classifiers(db, viewer, one),
        "methods": shown.METHODS,
        "time_span": time_span,
    }
    return Template("classifiers/report.html", context=context)


def other_classifiers(db: Db, viewer: Viewer, one: Any) -> list[Any]:
    """What a classifier may be compared with."""
    found = shown.list_for(db, viewer, one.project_id)
    return [other for other in found if other.trained_at and other.report and other.id != one.id]


def taxa_of(*reports: dict[str, Any]) -> list[int]:
    """All taxa that reports speak of."""
    lines = {one["taxon"] for report in reports for one in report.get("per_taxon", ())}
    return sorted(lines | {taxon for report in reports for cell in report.get("confusion", ()) for taxon in cell[:2]})


def tried(report: dict[str, Any]) -> list[dict[str, Any]]:
    """The best that each method reached on held-out objects, the best method first, each with its settings in words."""
    best: dict[str, dict[str, Any]] = {}
    for trial in (report.get("chosen_because") or {}).get("candidates", {}).values():
        method = trial["method"]
        if method not in best or trial["accuracy"] > best[method]["accuracy"]:
            best[method] = trial | {"settings": trial["name"].removeprefix(f"{method}, ")}
    return sorted(best.values(), key=lambda trial: -trial["accuracy"])


@get(ONE + "/confusion", opt=VISITOR, include_in_schema=False, sync_to_thread=True)
def show_confusion(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    classifier_id: FromPath[int],
) -> Response[shown.Matrix]:
    """The cells of the picture, and the orders in which it may be drawn."""
    actor(viewer)
    report = shown.read_report(db, find_classifier(db, project, viewer, classifier_id).id)
    return Response(shown.matrix(report, shown.names(db, taxa_of(report))), headers={"Cache-Control": "no-store"})


@get(ONE + "/compare", opt=VISITOR, include_in_schema=False, sync_to_thread=True)
def show_compared(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    classifier_id: FromPath[int],
    to: FromQuery[int | None] = None,
) -> Template:
    """Two of this project's classifiers side by side, the older first; without `to`, with the newest of the others."""
    actor(viewer)
    first = find_classifier(db, project, viewer, classifier_id)
    others = other_classifiers(db, viewer, first)
    if to is None and not others:
        raise NotFound("This project has no other classifier to compare with: train one.")
    second = find_classifier(db, project, viewer, to or others[0].id)
    first, second = sorted((first, second), key=lambda classifier: classifier.id)
    one, other = (shown.read_report(db, classifier.id) for classifier in (first, second))
    shared = compared.on_the_same(db, first.id, second.id)
    context = {
        "project": project,
        "pair": [first, second],
        "figures": compared.figures(one, other, shared),
        "taxa": compared.taxa(one, other, shown.names(db, taxa_of(one, other))),
        "shared": shared,
        "methods": shown.METHODS,
    }
    return Template("classifiers/compared.html", context=context)


@get(ONE + "/progress", opt=VISITOR, include_in_schema=False, sync_to_thread=True)
def show_progress(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    classifier_id: FromPath[int],
) -> Template:
    """How far the training is. It asks again while it lasts; then the page loads anew."""
    actor(viewer)
    one = find_classifier(db, project, viewer, classifier_id)
    lasts = one.trained_at is None and one.job_status in ("queued", "running")
    headers = {"Cache-Control": "no-store"} | ({} if lasts else {"HX-Refresh": "true"})
    return Template("classifiers/_training.html", context={"project": project, "one": one}, headers=headers)


routes = [show_classifiers, show_report, show_confusion, show_compared, show_progress]
