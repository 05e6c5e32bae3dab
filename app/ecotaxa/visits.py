"""The link of a project to one of EcoTaxa's, and the visits there: asked for here, done by the job, told afterwards."""

from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Literal

from psycopg.types.json import Jsonb

from app.database import Db
from app.ecotaxa import tokens
from app.ecotaxa.client import read_address
from app.errors import Conflict, NotFound, Refused
from app.jobs.queue import enqueue
from app.nouns import counted
from app.settings import Settings

Action = Literal["pull", "compare", "push"]
TITLES = {"pull": "Pull from EcoTaxa", "compare": "Compare with EcoTaxa", "push": "Send labels to EcoTaxa"}
TOKEN_HOURS = 24
LARGEST_ID = 2**31
NO_LINK = "This project is not linked to one of EcoTaxa's: say which one first."


@dataclass(frozen=True)
class Link:
    """The project of EcoTaxa's that this one goes with."""

    project_id: int
    address: str
    remote_id: int
    remote_title: str
    read_at: datetime | None
    pulled_at: datetime | None
    pushed_at: datetime | None

    @property
    def page(self) -> str:
        return f"{self.address}/prj/{self.remote_id}"


@dataclass
class Report:
    """What came of a visit. `n_values`: how many values of fields were taken over. `n_take` to `n_gone`: how many
    objects differ after it, and how. `acts`: that took labels in. `notes`: what somebody should know."""

    n_objects: int = 0
    n_new: int = 0
    n_taken: int = 0
    n_values: int = 0
    n_sent: int = 0
    n_take: int = 0
    n_conflict: int = 0
    n_send: int = 0
    n_unmapped: int = 0
    n_blocked: int = 0
    n_withdrawn: int = 0
    n_gone: int = 0
    acts: list[int] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Visit:
    """A visit as one sees it; `status` is its job's."""

    id: int
    project_id: int
    account_id: int | None
    by: str | None
    action: Action
    report: Report
    job_id: int | None
    status: str
    error: str
    created_at: datetime
    ended_at: datetime | None

    @property
    def is_active(self) -> bool:
        return self.status in ("queued", "running")


def find_link(db: Db, project_id: int) -> Link | None:
    row = db.execute(
        """
        select project_id, address, remote_id, remote_title, read_at, pulled_at, pushed_at
        from ecotaxa_link
        where project_id = %s
        """,
        [project_id],
    ).fetchone()
    return Link(*row) if row else None


def the_link(db: Db, project_id: int) -> Link:
    link = find_link(db, project_id)
    if link is None:
        raise NotFound(NO_LINK)
    return link


def set_link(db: Db, project_id: int, address: str, remote_id: int | None, servers: str | None = None) -> Link:
    """Link a project, or say again what it is linked with. `servers`: those that are allowed; nothing where whoever
    asks is at the machine itself."""
    server, number = read_address(address)
    remote_id = remote_id or number
    if not remote_id or not 0 < remote_id < LARGEST_ID:
        raise Refused("Say which project of EcoTaxa's: its number, or its page's whole address.", status=422)
    known = find_link(db, project_id)
    if known and (known.address, known.remote_id) == (server, remote_id):
        return known
    if known:
        raise Conflict(
            f"This project goes with {known.page}: end that link first. What was agreed with one project of EcoTaxa's"
            " says nothing of another."
        )
    if servers is not None and server not in [one.strip().rstrip("/") for one in servers.split(",")]:
        raise Refused(
            f"This server talks to {servers or 'no EcoTaxa'}: whoever runs it may add {server} to"
            " SHOAL_ECOTAXA_SERVERS, or link the project by `shoal ecotaxa pull`.",
            status=422,
        )
    db.execute(
        "insert into ecotaxa_link (project_id, address, remote_id) values (%s, %s, %s)",
        [project_id, server, remote_id],
    )
    return the_link(db, project_id)


def end_link(db: Db, project_id: int) -> None:
    """Forget what was agreed. Objects and labels stay on both sides."""
    if active(db, project_id):
        raise Conflict("A visit to EcoTaxa is under way: wait for it, or stop its job, and end the link then.")
    db.execute("delete from ecotaxa_link where project_id = %s", [project_id])


def ask(
    db: Db, settings: Settings, project_id: int, title: str, account_id: int, action: Action, token: str,
    fields: bool = False,
) -> Visit:  # fmt: skip
    """A visit that a job does; one at a time. `fields`: a pull also takes over what differs in the fields of objects
    that are here."""
    the_link(db, project_id)
    if fields and action != "pull":
        raise Refused("Fields are taken over by a pull alone.", status=422)
    db.execute("select 1 from ecotaxa_link where project_id = %s for update", [project_id])
    running = active(db, project_id)
    if running:
        raise Conflict(f"Another visit to EcoTaxa is under way ({TITLES[running.action].lower()}): wait for its end.")
    if action == "push":
        _check_compared(db, project_id)
    db.execute(
        """
        update ecotaxa_visit
        set token = null
        where token is not null
          and (project_id = %s or created_at < now() - make_interval(hours => %s))
        """,
        [project_id, TOKEN_HOURS],
    )
    row: Any = db.execute(
        """
        insert into ecotaxa_visit (project_id, account_id, action, token, state)
        values (%s, %s, %s, %s, %s)
        returning id
        """,
        [project_id, account_id, action, tokens.seal(settings, token), Jsonb({"fields": True} if fields else {})],
    ).fetchone()
    args = {"visit_id": row.id}
    job_id = enqueue(db, "ecotaxa", f"{TITLES[action]}: {title}"[:200], project_id, account_id, args)
    db.execute("update ecotaxa_visit set job_id = %s where id = %s", [job_id, row.id])
    return find_visit(db, project_id, row.id)


def _check_compared(db: Db, project_id: int) -> None:
    """Nothing is sent that nobody was shown."""
    last = db.execute(
        "select 1 from ecotaxa_visit where project_id = %s and ended_at is not null and action <> 'push' limit 1",
        [project_id],
    ).fetchone()
    if last is None:
        raise Conflict("Compare with EcoTaxa first: labels are sent once somebody has seen what would change there.")


_VISIT = """
    select visit.id, visit.project_id, visit.account_id, account.name as by, visit.action, visit.report, visit.job_id,
           coalesce(job.status, 'done') as status, coalesce(job.error, '') as error, visit.created_at, visit.ended_at
    from ecotaxa_visit as visit
    left join account on account.id = visit.account_id
    left join job on job.id = visit.job_id
    where visit.project_id = %(project)s
"""


def _visit(row: Any) -> Visit:
    told = row._asdict() | {"report": Report(**row.report)}
    return Visit(**told)


def find_visit(db: Db, project_id: int, visit_id: int) -> Visit:
    row = None
    if 0 < visit_id < LARGEST_ID:
        row = db.execute(
            _VISIT + "and visit.id = %(id)s",
            {"project": project_id, "id": visit_id},
        ).fetchone()
    if row is None:
        raise NotFound("This project has no such visit to EcoTaxa.")
    return _visit(row)


def list_visits(db: Db, project_id: int, most: int = 10) -> list[Visit]:
    """The last ones, newest first."""
    rows = db.execute(_VISIT + "order by visit.id desc limit %(most)s", {"project": project_id, "most": most})
    return [_visit(row) for row in rows]


def active(db: Db, project_id: int) -> Visit | None:
    return next((visit for visit in list_visits(db, project_id, 1) if visit.is_active), None)


def keep_state(db: Db, visit_id: int, **state: Any) -> None:
    """What a killed visit goes on from."""
    db.execute("update ecotaxa_visit set state = state || %s where id = %s", [Jsonb(state), visit_id])


def end(db: Db, visit_id: int, report: Report) -> None:
    """Write down what came of it, and forget the token."""
    db.execute(
        "update ecotaxa_visit set report = %s, ended_at = now(), token = null where id = %s",
        [Jsonb(asdict(report)), visit_id],
    )


def forget_token(db: Db, visit_id: int) -> None:
    db.execute("update ecotaxa_visit set token = null where id = %s", [visit_id])


WORDS = {
    "take": ("label changed at EcoTaxa alone", "labels changed at EcoTaxa alone"),
    "conflict": ("label changed on both sides", "labels changed on both sides"),
    "send": ("label to send", "labels to send"),
    "unmapped": ("label without a category at EcoTaxa", "labels without a category at EcoTaxa"),
    "blocked": ("label of a category that is deprecated there", "labels of categories that are deprecated there"),
    "withdrawn": ("label taken back here", "labels taken back here"),
    "gone": ("object no longer at EcoTaxa", "objects no longer at EcoTaxa"),
}


def told(action: str, report: Report) -> list[str]:
    """A report in lines, the most important last."""
    n = report
    lines = [*n.notes]
    lines += [
        f"{counted(getattr(n, f'n_{kind}'), *words)}." for kind, words in WORDS.items() if getattr(n, f"n_{kind}")
    ]
    done = {
        "pull": f"{counted(n.n_new, 'object')} taken in, and {counted(n.n_taken, 'label')}"
        + (f"; {counted(n.n_values, 'value')} of fields taken over" if n.n_values else ""),
        "push": f"{counted(n.n_sent, 'label')} sent",
        "compare": "compared",
    }[action]
    return [*lines, f"{counted(n.n_objects, 'object')} at EcoTaxa: {done}."]
