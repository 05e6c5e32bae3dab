"""Reviews: what they told, and the ways into one and into what others doubt."""

from litestar import get
from litestar.di import NamedDependency
from litestar.response import Template

from app.accounts.viewer import Viewer
from app.batches import review
from app.batches.review import Review
from app.database import Db
from app.labels.history import who_acted
from app.labels.pages import actor
from app.openapi import refusals
from app.projects.access import Project

MANAGER, ANNOTATOR = {"role": "manager"}, {"role": "annotator"}


@get(
    "/projects/{project_id:int}/reviews", opt=MANAGER, sync_to_thread=True, tags=["batches"],
    summary="Reviews with the share of wrong labels that each found", responses=refusals(401, 403, 404),
)  # fmt: skip
def list_reviews_api(db: NamedDependency[Db], project: NamedDependency[Project]) -> list[Review]:
    """A review is begun as a batch of the source {"kind": "review", "who"?, "taxon_id"?, "all"?}."""
    return review.list_reviews(db, project.id)


@get("/projects/{project_id:int}/reviews", opt=ANNOTATOR, include_in_schema=False, sync_to_thread=True)
def show_reviews(
    db: NamedDependency[Db], project: NamedDependency[Project], viewer: NamedDependency[Viewer]
) -> Template:
    """Managers review; every annotator may settle what others doubt."""
    account = actor(viewer)
    manages = project.may("manager")
    context = {
        "project": project,
        "reviews": review.list_reviews(db, project.id) if manages else [],
        "people": [person for person in who_acted(db, project.id) if person.id != account.id],
    }
    return Template("batches/reviews.html", context=context)


routes = [show_reviews]
api_routes = [list_reviews_api]
