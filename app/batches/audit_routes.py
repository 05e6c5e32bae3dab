"""Audits: their list with the project's limit, one to be judged, and all of it for programs."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from litestar import Request, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody
from litestar.response import Template

from app.accounts.viewer import Account, Viewer
from app.batches import audit_end, audit_state, audits
from app.batches.audit_standing import may_leave
from app.batches.audit_state import Audit, Verdict, Wish
from app.batches.audited import n_found
from app.database import Db
from app.errors import Forbidden
from app.labels.acts import Outcome
from app.labels.pages import actor
from app.labels.undo_state import undo_state
from app.objects.atlas import atlas_url
from app.objects.board import tiles_of
from app.objects.filters import Filter
from app.openapi import refusals
from app.projects.access import ANNOTATOR, AUDIT_LIMIT, VISITOR, Project

STATES = ("open", "asked", "accepting", "accepted", "dropped")


@dataclass(frozen=True)
class Verdicts:
    """Of objects of the sample; what is left out stays as it is."""

    verdicts: list[Verdict]


@dataclass(frozen=True)
class SeenSample:
    """Of the sample: tiles that were painted in the window for 300 ms."""

    ids: list[int]


@dataclass(frozen=True)
class Acceptance:
    """`client_id` makes it happen once. `ask`: over the limit, what the manager who is to decide is told."""

    client_id: UUID
    ask: str | None = None


@dataclass(frozen=True)
class Waiver:
    """An acceptance without a sample, and why."""

    wish: Wish
    reason: str = ""


@dataclass(frozen=True)
class Accepted:
    """The act's outcome; null where a manager was asked to decide, or where a job accepts them: over 10,000."""

    outcome: Outcome | None
    audit: Audit


@dataclass(frozen=True)
class Sample:
    """An audit, the tiles of its sample as they are now, and where their pictures are had at once."""

    audit: Audit
    tiles: list[dict[str, Any]]
    atlas: str | None


@dataclass(frozen=True)
class Limit:
    """The share of wrong labels that an annotator may accept: 0.05 is 5 %. `waiving`: whether programs of annotators
    may accept without any sample; null leaves that as it is."""

    share: float
    waiving: bool | None = None


def sample_of(db: Db, project: Project, audit: Audit) -> Sample:
    ids = [one.id for one in audit.sample]
    tiles = tiles_of(db, project, Filter(), ids, [0.0] * len(ids))
    for tile in tiles:
        tile["distance"] = None
    return Sample(audit, tiles, atlas_url(project.id, tiles))


@post(
    "/projects/{project_id:int}/audits", opt=ANNOTATOR, sync_to_thread=True, tags=["audits"],
    summary="Draw a sample from what nobody saw of a batch, a pile or anything that is found",
    responses=refusals(400, 401, 403, 404, 409),
)  # fmt: skip
def draw_api(
    db: NamedDependency[Db], project: NamedDependency[Project], viewer: NamedDependency[Viewer], data: JSONBody[Wish]
) -> Sample:
    """As many random draws as the project's limit needs, or `n`; `upto`: of so many only, the likeliest. One of the
    same pile that was drawn before and is not judged yet goes on, a colleague's too (its `account` says whose). Another
    one of a colleague's, or one that waits for a manager, is a conflict."""
    return sample_of(db, project, audits.draw(db, project, actor(viewer), data))


@get(
    "/projects/{project_id:int}/audits", opt=VISITOR, sync_to_thread=True, tags=["audits"],
    summary="Audits of a project, the latest first", responses=refusals(401, 404),
)  # fmt: skip
def list_audits_api(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    only: FromQuery[str] = "",
) -> list[Audit]:
    """At most 100. `only`: those that are open, asked (a manager is to decide), accepting, accepted or dropped."""
    actor(viewer)
    return audit_state.read(db, project.id, state=only if only in STATES else "")


@get(
    "/projects/{project_id:int}/audits/{audit_id:int}", opt=VISITOR, sync_to_thread=True, tags=["audits"],
    summary="One audit with the tiles of its sample", responses=refusals(401, 404),
)  # fmt: skip
def audit_api(
    db: NamedDependency[Db], project: NamedDependency[Project], viewer: NamedDependency[Viewer], audit_id: FromPath[int]
) -> Sample:
    actor(viewer)
    return sample_of(db, project, audit_state.find(db, project.id, audit_id))


@post(
    "/projects/{project_id:int}/audits/{audit_id:int}/seen", opt=ANNOTATOR, sync_to_thread=True, status_code=204,
    tags=["audits"], summary="Report what was seen of the sample", responses=refusals(400, 403, 404),
)  # fmt: skip
def seen_sample_api(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    audit_id: FromPath[int],
    data: JSONBody[SeenSample],
) -> None:
    """What one has not seen oneself one does not judge."""
    audits.note_seen(db, project.id, actor(viewer), audit_id, data.ids)


@post(
    "/projects/{project_id:int}/audits/{audit_id:int}/judge", opt=ANNOTATOR, sync_to_thread=True, status_code=200,
    tags=["audits"], summary="Say which of the sample are right", responses=refusals(400, 403, 404, 409),
)  # fmt: skip
def judge_api(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    audit_id: FromPath[int],
    data: JSONBody[Verdicts],
) -> Audit:
    """A stranger is labelled at once where `taxon_id` says what it is, and refused for the taxon of the audit."""
    return audits.judge(db, project, actor(viewer), audit_id, data.verdicts)


@post(
    "/projects/{project_id:int}/audits/{audit_id:int}/accept", opt=ANNOTATOR, sync_to_thread=True, status_code=200,
    tags=["audits"], summary="Label what nobody saw, under the audit", responses=refusals(400, 403, 404, 409),
)  # fmt: skip
def accept_api(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    audit_id: FromPath[int],
    data: JSONBody[Acceptance],
) -> Accepted:
    """Over the project's limit a manager decides: by accepting it, or asked with `ask`."""
    outcome = audits.accept(
        db, project, actor(viewer), audit_id, data.client_id, project.may("manager"), data.ask
    )  # fmt: skip
    return Accepted(outcome, audit_state.find(db, project.id, audit_id))


@post(
    "/projects/{project_id:int}/audits/{audit_id:int}/drop", opt=ANNOTATOR, sync_to_thread=True, status_code=200,
    tags=["audits"], summary="Leave an audit: its verdicts count for the next one", responses=refusals(403, 404, 409),
)  # fmt: skip
def drop_api(
    db: NamedDependency[Db], project: NamedDependency[Project], viewer: NamedDependency[Viewer], audit_id: FromPath[int]
) -> Audit:
    """By who drew it, by who asked where a manager is asked, or by a manager."""
    return audits.drop(db, project, actor(viewer), audit_id, project.may("manager"))


@post(
    "/projects/{project_id:int}/audits/waive", opt=ANNOTATOR, sync_to_thread=True, status_code=200, tags=["audits"],
    summary="Label what nobody saw without an audit, as a program", responses=refusals(400, 401, 403, 404, 409),
)  # fmt: skip
def waive_api(
    request: Request,
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    data: JSONBody[Waiver],
) -> Outcome:
    """With a personal token only. The act says that its audit was waived, and why."""
    if not request.headers.get("authorization", "").lower().startswith("bearer "):
        raise Forbidden("Only programs, which come with a personal token, may waive an audit.")
    if not project.may("manager") and not audit_state.may_waive(db, project.id):
        raise Forbidden("This project's managers let nobody else waive an audit: draw a sample, or ask one of them.")
    return audits.waive(db, project, actor(viewer), data.wish, data.reason)


@put(
    "/projects/{project_id:int}/audit-limit", opt=AUDIT_LIMIT, sync_to_thread=True, tags=["audits"],
    summary="Set which share of wrong labels annotators may accept", responses=refusals(400, 403, 404),
)  # fmt: skip
def limit_api(db: NamedDependency[Db], project: NamedDependency[Project], data: JSONBody[Limit]) -> Limit:
    """Audits that were drawn before keep theirs."""
    audit_state.set_limit(db, project.id, data.share)
    if data.waiving is not None:
        audit_state.set_waiving(db, project.id, data.waiving)
    return Limit(data.share, audit_state.may_waive(db, project.id))


@get("/projects/{project_id:int}/audits", opt=VISITOR, include_in_schema=False, sync_to_thread=True)
def show_audits(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    only: FromQuery[str] = "",
) -> Template:
    actor(viewer)
    only = only if only in STATES else ""
    context = {
        "project": project,
        "audits": audit_state.read(db, project.id, state=only),
        "only": only,
        "limit": audit_state.limit_of(db, project.id),
        "waiving": audit_state.may_waive(db, project.id),
    }
    return Template("batches/audits.html", context=context)


@get("/projects/{project_id:int}/audits/{audit_id:int}", opt=VISITOR, include_in_schema=False, sync_to_thread=True)
def show_audit(
    db: NamedDependency[Db], project: NamedDependency[Project], viewer: NamedDependency[Viewer], audit_id: FromPath[int]
) -> Template:
    actor(viewer)
    sample = sample_of(db, project, audit_state.find(db, project.id, audit_id))
    drawn = {one.id: one for one in sample.audit.sample}
    is_over = sample.audit.state not in ("open", "asked")  # or a job is at it
    context: dict[str, Any] = {
        "project": project,
        "audit": sample.audit,
        "random": [(tile, drawn[tile["id"]]) for tile in sample.tiles if drawn[tile["id"]].is_random],
        "least": [(tile, drawn[tile["id"]]) for tile in sample.tiles if not drawn[tile["id"]].is_random],
        "may_judge": project.may("annotator") and project.status != "explore" and not is_over,
        "is_over": is_over,
        "n_unseen": sample.audit.n_labelled - audit_end.n_seen(db, sample.audit, actor(viewer).id),
        "may_leave": may_leave(sample.audit, actor(viewer), project.may("manager")),
        "is_colleagues": sample.audit.state == "open" and sample.audit.account_id not in (None, actor(viewer).id),
        "n_left_out": _n_left_out(db, project, actor(viewer), sample.audit),
        **_acceptance(db, project, actor(viewer).id, sample.audit),
    }
    return Template("batches/audit.html", context=context)


def _n_left_out(db: Db, project: Project, account: Account, audit: Audit) -> int:
    """Of cards, before anything is judged: what stands on them and is not of the audit."""
    is_of_cards = audit.query and audit.query.get("kind") == "cluster"
    if not is_of_cards or audit.state != "open" or any(one.is_right is not None for one in audit.sample):
        return 0
    return max(n_found(db, project, account, audit.query or {}) - audit.n, 0)


def _acceptance(db: Db, project: Project, account_id: int, audit: Audit) -> dict[str, Any]:
    """The acts that accepted, and how they may be undone: by the undo key where it is one's own latest act, else all of
    them at once."""
    acts = audit_end.acts_of(db, audit.id) if audit.act_id else []
    standing = [act for act in acts if not act.undone]
    own = all(act.account_id == account_id for act in standing)
    may = bool(standing) and project.status != "explore" and project.may("annotator" if own else "manager")
    step = undo_state(db, project.id, account_id).undo if may and len(standing) == 1 else None
    is_next = step is not None and step.act_id == standing[0].id
    return {"acts": acts, "may_undo": is_next, "may_take_back": may and not is_next}


routes = [show_audits, show_audit]
api_routes = [
    draw_api,
    list_audits_api,
    audit_api,
    seen_sample_api,
    judge_api,
    accept_api,
    drop_api,
    waive_api,
    limit_api,
]
