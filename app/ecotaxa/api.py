"""The link to EcoTaxa for programs: say it, pull, compare, push, look at what differs, and decide."""

from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from litestar import delete, get, post, put
from litestar.datastructures import State as AppState
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody

from app.accounts.viewer import Viewer
from app.database import Db
from app.ecotaxa import differences, taxa, visits
from app.ecotaxa.differences import Difference, Keep, Kind, Unmapped
from app.ecotaxa.visits import Action, Link, Report, Visit
from app.labels.pages import actor
from app.openapi import refusals
from app.projects.access import MANAGER, Project

HERE = "/projects/{project_id:int}/ecotaxa"
TALKS = MANAGER | {"does": "pull, compare or push"}


@dataclass(frozen=True)
class LinkRequest:
    """`address`: of the project's page there, or of the server; then `remote_id` is the project's number there."""

    address: str
    remote_id: int | None = None


@dataclass(frozen=True)
class VisitRequest:
    """`action`: pull, compare or push. `token`: as EcoTaxa gave it; it goes with the visit's end. `fields`: a pull also
    takes over what differs in the fields of objects that are here, as edits that can be taken back."""

    action: Action
    token: str
    fields: bool = False


@dataclass(frozen=True)
class VisitAnswer:
    """A visit. `status`: of its job: queued, running, done, failed (then `error` says why) or cancelled."""

    id: int
    action: Action
    by: str | None
    job_id: int | None
    status: str
    error: str
    report: Report
    created_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True)
class LinkAnswer:
    """What the project goes with, and the last visits, newest first."""

    address: str
    remote_id: int
    remote_title: str
    read_at: datetime | None
    pulled_at: datetime | None
    pushed_at: datetime | None
    visits: list[VisitAnswer] = field(default_factory=list)


@dataclass(frozen=True)
class Decision:
    """`keep`: whose word stands, ours or theirs. `remote_ids`: of these objects alone, by EcoTaxa's numbers; nothing:
    of all conflicts."""

    keep: Keep
    remote_ids: list[int] | None = None


@dataclass(frozen=True)
class Decided:
    """How many conflicts were decided."""

    n: int


@dataclass(frozen=True)
class Mapping:
    """Numbers of taxa here, as text, and EcoTaxa's number of the category that stands for each; nothing takes it
    back."""

    taxa: dict[str, int | None]


def visit_answer(visit: Visit) -> VisitAnswer:
    return VisitAnswer(**{name: getattr(visit, name) for name in VisitAnswer.__dataclass_fields__})


def link_answer(db: Db, link: Link) -> LinkAnswer:
    told: dict[str, Any] = asdict(link)
    del told["project_id"]
    return LinkAnswer(**told, visits=[visit_answer(one) for one in visits.list_visits(db, link.project_id)])


@get(
    HERE, opt=TALKS, sync_to_thread=True, tags=["ecotaxa"], summary="What of EcoTaxa's a project goes with",
    responses=refusals(401, 403, 404),
)  # fmt: skip
def read_link(db: NamedDependency[Db], project: NamedDependency[Project]) -> LinkAnswer:
    return link_answer(db, visits.the_link(db, project.id))


@put(
    HERE, opt=TALKS, sync_to_thread=True, tags=["ecotaxa"], summary="Link a project to one of EcoTaxa's",
    responses=refusals(401, 403, 404, 409, 422),
)  # fmt: skip
def set_link(
    db: NamedDependency[Db], project: NamedDependency[Project], state: AppState, data: JSONBody[LinkRequest]
) -> LinkAnswer:
    servers = state.settings.ecotaxa_servers
    return link_answer(db, visits.set_link(db, project.id, data.address, data.remote_id, servers))


@delete(
    HERE, opt=TALKS, sync_to_thread=True, status_code=204, tags=["ecotaxa"], summary="End the link to EcoTaxa",
    responses=refusals(401, 403, 404, 409),
)  # fmt: skip
def end_link(db: NamedDependency[Db], project: NamedDependency[Project]) -> None:
    """Objects and labels stay, on both sides."""
    visits.end_link(db, project.id)


@post(
    f"{HERE}/visits", opt=TALKS, sync_to_thread=True, status_code=202, tags=["ecotaxa"],
    summary="Pull, compare or push, as a job", responses=refusals(401, 403, 404, 409, 422),
)  # fmt: skip
def ask(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    state: AppState,
    data: JSONBody[VisitRequest],
) -> VisitAnswer:
    """A push sends what the last pull or comparison told to be sent, and stands in both as it stood then."""
    account_id = actor(viewer).id
    return visit_answer(
        visits.ask(
            db, state.settings, project.id, project.title, account_id, data.action, data.token, data.fields
        )
    )  # fmt: skip


@get(
    f"{HERE}/visits/{{visit_id:int}}", opt=TALKS, sync_to_thread=True, tags=["ecotaxa"], summary="One visit",
    responses=refusals(401, 403, 404),
)  # fmt: skip
def read_visit(db: NamedDependency[Db], project: NamedDependency[Project], visit_id: FromPath[int]) -> VisitAnswer:
    return visit_answer(visits.find_visit(db, project.id, visit_id))


@get(
    f"{HERE}/differences", opt=TALKS, sync_to_thread=True, tags=["ecotaxa"],
    summary="Objects that differ, as the last visit told", responses=refusals(401, 403, 404),
)  # fmt: skip
def read_differences(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    kind: FromQuery[Kind] = "send",
    after: FromQuery[int] = 0,
) -> list[Difference]:
    """A hundred at a time; `after`: the last `remote_id` of the page before."""
    return differences.page(db, project.id, kind, after)


@post(
    f"{HERE}/conflicts", opt=TALKS, sync_to_thread=True, status_code=200, tags=["ecotaxa"],
    summary="Decide whose word stands", responses=refusals(401, 403, 404, 409, 422),
)  # fmt: skip
def decide(db: NamedDependency[Db], project: NamedDependency[Project], data: JSONBody[Decision]) -> Decided:
    """Theirs is taken in by the next pull; ours is to be sent after the next comparison."""
    return Decided(differences.decide(db, project.id, data.keep, data.remote_ids))


@get(
    f"{HERE}/taxa", opt=TALKS, sync_to_thread=True, tags=["ecotaxa"], summary="Taxa that cannot be sent yet",
    responses=refusals(401, 403, 404),
)  # fmt: skip
def read_unmapped(db: NamedDependency[Db], project: NamedDependency[Project]) -> list[Unmapped]:
    return differences.unmapped(db, project.id)


@put(
    f"{HERE}/taxa", opt=TALKS, sync_to_thread=True, tags=["ecotaxa"], summary="Say which categories stand for taxa",
    responses=refusals(401, 403, 404, 422),
)  # fmt: skip
def map_taxa(db: NamedDependency[Db], project: NamedDependency[Project], data: JSONBody[Mapping]) -> list[Unmapped]:
    """Holds from the next comparison on, which looks whether EcoTaxa has them."""
    visits.the_link(db, project.id)
    taxa.say(db, project.id, taxa.read_numbers(data.taxa))
    return differences.unmapped(db, project.id)


routes = [read_link, set_link, end_link, ask, read_visit, read_differences, decide, read_unmapped, map_taxa]
