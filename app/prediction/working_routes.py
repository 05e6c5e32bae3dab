"""Pages and API for working predictions: thresholds, what is unlike the learning set, what would teach most."""

from dataclasses import dataclass, field
from typing import Any

from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Template

import app.prediction.sources  # noqa: F401 (registers its kinds)
from app.accounts.viewer import Viewer
from app.database import Db
from app.errors import NotFound, Refused
from app.labels.pages import actor
from app.openapi import refusals
from app.prediction.thresholds import Curve, TaxonAtWork, Working, curve_of, taxa_at_work, working_for
from app.projects.access import VISITOR, Project

USUAL_PRECISION = 0.95
NO_RUN = "This project shows no predictions: train a classifier and predict, or show a run that is complete."


@dataclass(frozen=True)
class Thresholds:
    """What the shown run predicts, taxon by taxon, with the threshold that buys the wished `precision`.

    `n` objects that nobody labelled nor refused; `n_novel` of them are unlike the learning set, a `share_novel` that
    should be about that of the held-out objects (`share_novel_held_out`, null where nothing was held out): where it
    is much more (`is_strange`), the precision told is too good. `n_carried`: as another classifier, or an import, said
    before; what was held out tells nothing of these. `n_deprecated` are of deprecated taxa, as which nothing can be
    accepted: these are not among the `taxa`. `is_closed`: the classifier learned from a project that you may not read,
    so nothing of held-out objects is told, and no threshold is suggested. Empty without a run.
    """

    run_id: int | None = None
    run: str = ""
    classifier_id: int | None = None
    classifier: str | None = None
    precision: float = USUAL_PRECISION
    n: int = 0
    n_novel: int = 0
    n_carried: int = 0
    n_deprecated: int = 0
    novel_from: float | None = None
    share_novel: float = 0.0
    share_novel_held_out: float | None = None
    is_strange: bool = False
    is_closed: bool = False
    taxa: list[TaxonAtWork] = field(default_factory=list)

    @property
    def has_novelty(self) -> bool:
        return self.novel_from is not None


def thresholds_of(db: Db, project: Project, viewer: Viewer, precision: float) -> Thresholds:
    if not 0 < precision < 1:
        raise Refused(f"The precision is a share between 0 and 1, such as 0.95: {precision:g} is none.")
    found = working_for(db, viewer, project.id)
    if found is None:
        return Thresholds(precision=precision)
    return _told(found, precision, taxa_at_work(db, found, precision))


def _told(found: Working, precision: float, taxa: list[TaxonAtWork]) -> Thresholds:
    run = found.run
    return Thresholds(
        run.id, run.title, run.classifier_id, run.classifier, precision, int(found.n.sum()), int(found.n_novel.sum()),
        int(found.n_carried.sum()), int(found.n.sum()) - sum(one.n for one in taxa),
        run.novel_from if found.has_novelty else None, found.share_novel,
        found.share_novel_held_out if found.n_held_out.any() else None, found.is_strange,
        found.is_closed, taxa,
    )  # fmt: skip


@get(
    "/projects/{project_id:int}/predictions/thresholds", opt=VISITOR, sync_to_thread=True, tags=["predictions"],
    summary="What the shown run predicts by taxon, with the threshold that buys a precision",
    responses=refusals(400, 401, 404),
)  # fmt: skip
def thresholds_api(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    precision: FromQuery[float] = USUAL_PRECISION,
) -> Thresholds:
    """The precision is that of objects that were held out of the classifier's learning. What is predicted from a
    threshold on is accepted by an audit of {"kind": "predicted", "taxon_id": 5, "alone": true, "known": true,
    "min_score": 0.9}."""
    actor(viewer)
    return thresholds_of(db, project, viewer, precision)


@get(
    "/projects/{project_id:int}/predictions/thresholds/{taxon_id:int}", opt=VISITOR, sync_to_thread=True,
    tags=["predictions"], summary="What each threshold buys for one predicted taxon", responses=refusals(401, 404),
)  # fmt: skip
def curve_api(
    db: NamedDependency[Db], project: NamedDependency[Project], viewer: NamedDependency[Viewer], taxon_id: FromPath[int]
) -> Curve:
    """101 numbers each, for thresholds from 0 to 1."""
    actor(viewer)
    found = working_for(db, viewer, project.id)
    if found is None:
        raise NotFound(NO_RUN)
    curve = curve_of(found, taxon_id)
    if curve is None:
        raise NotFound("Nothing that is predicted as this taxon is left: it was all labelled or refused.")
    return curve


@get("/projects/{project_id:int}/predictions/work", opt=VISITOR, include_in_schema=False, sync_to_thread=True)
def show_work(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    precision: FromQuery[float] = 100 * USUAL_PRECISION,
) -> Template:
    """`precision` in percent, as it stands in the page's field."""
    actor(viewer)
    percent = precision if 0 < precision < 100 else 100 * USUAL_PRECISION
    context: dict[str, Any] = {
        "project": project,
        "told": thresholds_of(db, project, viewer, percent / 100),
        "percent": percent,
        "can_label": project.may("annotator") and project.status != "explore",
    }
    return Template("prediction/work.html", context=context)


routes: list[Any] = [show_work]
api_routes: list[Any] = [thresholds_api, curve_api]
