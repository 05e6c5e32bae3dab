"""Reviews: what they told of people and taxa, what is sent back, doubted and signed off, and the ways into a batch."""

from dataclasses import dataclass
from typing import Any

from litestar import get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody
from litestar.response import Template

from app.accounts.viewer import Viewer
from app.batches import doubts, judgements, returned, review, sign_offs
from app.batches.doubts import Answer, Doubt
from app.batches.judgements import Agreement, ErrorRate
from app.batches.returned import Returned, SentBack
from app.batches.review import Review
from app.batches.sign_offs import SignOff
from app.database import Db
from app.labels.acts import check_open
from app.labels.history import who_acted
from app.labels.pages import actor
from app.objects.board import tiles_of
from app.objects.filters import Filter
from app.openapi import refusals
from app.projects.access import ANNOTATOR, REVIEWS, Project


@dataclass(frozen=True)
class Judged:
    """What reviews tell of people's labels, and how far two people agree."""

    error_rates: list[ErrorRate]
    agreements: list[Agreement]


@dataclass(frozen=True)
class SendBack:
    """Labels that go back to those who gave them, and why."""

    ids: list[int]
    comment: str


@dataclass(frozen=True)
class SignOffWish:
    """A taxon, with those below it, as it stands now. `anyway`: also where doubts of it are open, and where its last
    review is not finished, or found more wrong than the project allows."""

    taxon_id: int
    comment: str = ""
    anyway: bool = False


@dataclass(frozen=True)
class SecondChoice:
    """What one would call one's own dubious label otherwise; null: nothing."""

    taxon_id: int | None = None


@get(
    "/projects/{project_id:int}/reviews", opt=REVIEWS, sync_to_thread=True, tags=["checks"],
    summary="Reviews with the share of wrong labels that each found", responses=refusals(401, 403, 404),
)  # fmt: skip
def list_reviews_api(db: NamedDependency[Db], project: NamedDependency[Project]) -> list[Review]:
    """A review is begun as a batch of the source {"kind": "review", "who"?, "taxon_id"?, "all"?, "hidden"?}."""
    return review.list_reviews(db, project.id)


@get(
    "/projects/{project_id:int}/judgements", opt=REVIEWS, sync_to_thread=True, tags=["checks"],
    summary="Share of wrong labels by person and taxon, and agreement between people, from reviews",
    responses=refusals(401, 403, 404),
)  # fmt: skip
def judgements_api(db: NamedDependency[Db], project: NamedDependency[Project]) -> Judged:
    return Judged(judgements.error_rates(db, project.id), judgements.agreements(db, project.id))


@post(
    "/projects/{project_id:int}/returned", opt=REVIEWS, sync_to_thread=True, status_code=200, tags=["checks"],
    summary="Send labels back to who gave them, with a comment", responses=refusals(400, 401, 403, 404),
)  # fmt: skip
def send_back_api(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    data: JSONBody[SendBack],
) -> SentBack:
    """Their authors find them as a batch of the source {"kind": "returned"}, until they have said them again."""
    return returned.send_back(db, project, actor(viewer), data.ids, data.comment)


@get(
    "/projects/{project_id:int}/returned", opt=ANNOTATOR, sync_to_thread=True, tags=["checks"],
    summary="Labels that were sent back: one's own, for managers everybody's", responses=refusals(401, 403, 404),
)  # fmt: skip
def returned_api(
    db: NamedDependency[Db], project: NamedDependency[Project], viewer: NamedDependency[Viewer]
) -> list[Returned]:
    return returned.read(db, project.id, None if project.may("manager") else actor(viewer).id)


@get(
    "/projects/{project_id:int}/doubts", opt=ANNOTATOR, sync_to_thread=True, tags=["checks"],
    summary="Dubious labels with comments and second choices", responses=refusals(400, 401, 403, 404),
)  # fmt: skip
def doubts_api(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    who: FromQuery[int | None] = None,
    taxon_id: FromQuery[int | None] = None,
    mine: FromQuery[bool] = False,
) -> list[Doubt]:
    """Of others, at most 100, the latest first. Settled by an act of somebody else; a batch: {"kind": "to_confirm"}."""
    return doubts.read(db, project, actor(viewer), {"who": who, "taxon_id": taxon_id}, mine)


@put(
    "/projects/{project_id:int}/objects/{object_id:int}/second-choice", opt=ANNOTATOR, sync_to_thread=True,
    status_code=204, tags=["checks"], summary="What one would call one's own dubious label otherwise",
    responses=refusals(400, 401, 403, 404, 409),
)  # fmt: skip
def second_choice_api(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    object_id: FromPath[int],
    data: JSONBody[SecondChoice],
) -> None:
    check_open(project)
    doubts.choose_second(db, project.id, actor(viewer), object_id, data.taxon_id)


@get(
    "/projects/{project_id:int}/answers", opt=ANNOTATOR, sync_to_thread=True, tags=["checks"],
    summary="What others said of one's own dubious labels", responses=refusals(401, 403, 404),
)  # fmt: skip
def answers_api(
    db: NamedDependency[Db], project: NamedDependency[Project], viewer: NamedDependency[Viewer]
) -> list[Answer]:
    return doubts.answers(db, project.id, actor(viewer))


@get(
    "/projects/{project_id:int}/sign-offs", opt=ANNOTATOR, sync_to_thread=True, tags=["checks"],
    summary="Taxa that were signed off, and what changed since", responses=refusals(401, 403, 404),
)  # fmt: skip
def sign_offs_api(db: NamedDependency[Db], project: NamedDependency[Project]) -> list[SignOff]:
    return sign_offs.read(db, project.id)


@post(
    "/projects/{project_id:int}/sign-offs", opt=REVIEWS, sync_to_thread=True, tags=["checks"],
    summary="Sign off a taxon as it stands now", responses=refusals(400, 401, 403, 404, 409),
)  # fmt: skip
def sign_off_api(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    data: JSONBody[SignOffWish],
) -> SignOff:
    return sign_offs.sign_off(db, project.id, actor(viewer), data.taxon_id, data.comment, data.anyway)


@post(
    "/projects/{project_id:int}/sign-offs/{sign_off_id:int}/withdraw", opt=REVIEWS, sync_to_thread=True,
    status_code=204, tags=["checks"], summary="Withdraw a sign-off", responses=refusals(401, 403, 404),
)  # fmt: skip
def withdraw_api(
    db: NamedDependency[Db], project: NamedDependency[Project], sign_off_id: FromPath[int]
) -> None:  # fmt: skip
    sign_offs.withdraw(db, project.id, sign_off_id)


@get("/projects/{project_id:int}/reviews", opt=ANNOTATOR, include_in_schema=False, sync_to_thread=True)
def show_reviews(
    db: NamedDependency[Db], project: NamedDependency[Project], viewer: NamedDependency[Viewer]
) -> Template:
    """Managers review; every annotator may settle what others doubt, and sees what came back of his own."""
    account = actor(viewer)
    manages = project.may("manager")
    context: dict[str, Any] = {
        "project": project,
        "reviews": review.list_reviews(db, project.id) if manages else [],
        "rates": judgements.error_rates(db, project.id) if manages else [],
        "agreements": judgements.agreements(db, project.id) if manages else [],
        "sent": returned.read(db, project.id) if manages else [],
        "to_me": returned.read(db, project.id, account.id),
        "sign_offs": sign_offs.read(db, project.id),
        "people": [person for person in who_acted(db, project.id) if person.id != account.id],
    }
    return Template("batches/reviews.html", context=context)


@get("/projects/{project_id:int}/doubts", opt=ANNOTATOR, include_in_schema=False, sync_to_thread=True)
def show_doubts(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    whose: FromQuery[str] = "",
) -> Template:
    """Others' doubts to be settled, or one's own with what was answered."""
    account, mine = actor(viewer), whose == "mine"
    found = doubts.read(db, project, account, {}, mine)
    ids = [one.object_id for one in found]
    tiles = {tile["id"]: tile for tile in tiles_of(db, project, Filter(), ids, [0.0] * len(ids))}
    context: dict[str, Any] = {
        "project": project,
        "mine": mine,
        "doubts": [(one, tiles[one.object_id]) for one in found if one.object_id in tiles],
        "answers": doubts.answers(db, project.id, account) if mine else [],
        "can_label": project.status != "explore",
    }
    return Template("batches/doubts.html", context=context)


routes = [show_reviews, show_doubts]
api_routes = [
    list_reviews_api,
    judgements_api,
    send_back_api,
    returned_api,
    doubts_api,
    second_choice_api,
    answers_api,
    sign_offs_api,
    sign_off_api,
    withdraw_api,
]
