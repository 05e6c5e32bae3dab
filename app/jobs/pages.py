"""The pages of jobs: all of them, one of them, and the bar that says on every page what runs now."""

from typing import Literal

from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect, Template

from app.accounts.viewer import Viewer
from app.answers import wants_part
from app.database import Db
from app.jobs import queries
from app.jobs.bodies import KINDS
from app.jobs.queue import cancel, retry
from app.jobs.words import rate_text, time_span
from app.objects.filters import address

PAGE = 50
ENDED = ("done", "failed", "cancelled")
Status = Literal["queued", "running", "done", "failed", "cancelled", ""]


def number(text: str | None) -> int | None:
    """A choice's value; its first entry, all of them, is empty."""
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) < 10 else None


def render(request: Request, name: str, **context: object) -> Template:
    """The page, or its changing part."""
    context |= {"time_span": time_span, "rate_text": rate_text}
    headers = {"Cache-Control": "no-store"}
    return Template(f"jobs/{'_' if wants_part(request) else ''}{name}.html", context=context, headers=headers)


@get("/jobs", include_in_schema=False, sync_to_thread=True)
def show_jobs(
    request: Request,
    db: NamedDependency[Db],
    viewer: NamedDependency[Viewer],
    status: FromQuery[Status | None] = None,
    kind: FromQuery[str | None] = None,
    project_id: FromQuery[str | None] = None,
    before: FromQuery[int | None] = None,
) -> Template:
    """Running ones first; `status`, `kind` and `project_id` narrow both what is active and what has ended."""
    wanted = queries.Wanted(status or None, kind or None, number(project_id))
    ended = [] if status in queries.ACTIVE else queries.list_ended(db, viewer, wanted, before, PAGE + 1)
    chosen = [(key, str(value)) for key, value in vars(wanted).items() if value is not None]
    older = [("before", str(ended[PAGE - 1].id))] if len(ended) > PAGE else []
    return render(
        request,
        "list",
        active=None if before or status in ENDED else queries.list_active(db, viewer, wanted),
        ended=None if status in queries.ACTIVE else ended[:PAGE],
        self_url=address("/jobs", chosen),
        older_url=address("/jobs", chosen, older) if older else None,
        wanted=wanted,
        kinds={name: kind.label for name, kind in KINDS.items()},
        projects=queries.list_projects(db, viewer),
        before=before,
    )


@get("/jobs/bar", include_in_schema=False, sync_to_thread=True)
def show_bar(db: NamedDependency[Db], viewer: NamedDependency[Viewer]) -> Template:
    """What runs now, in a few words. It asks again by itself: soon while something runs, seldom otherwise."""
    active = queries.list_active(db, viewer)
    context = {"active": active, "job": active[0] if active else None, "time_span": time_span}
    return Template("jobs/_bar.html", context=context, headers={"Cache-Control": "no-store"})


@get("/jobs/{job_id:int}", include_in_schema=False, sync_to_thread=True)
def show_job(
    request: Request, db: NamedDependency[Db], viewer: NamedDependency[Viewer], job_id: FromPath[int]
) -> Template:
    job = queries.find_job(db, viewer, job_id)
    return render(request, "job", job=job, log=queries.list_log(db, job_id))


@post("/jobs/{job_id:int}/cancel", include_in_schema=False, sync_to_thread=True)
def cancel_job(db: NamedDependency[Db], viewer: NamedDependency[Viewer], job_id: FromPath[int]) -> Redirect:
    cancel(db, queries.steerable_job(db, viewer, job_id).id)
    return Redirect(f"/jobs/{job_id}", status_code=303)


@post("/jobs/{job_id:int}/retry", include_in_schema=False, sync_to_thread=True)
def retry_job(db: NamedDependency[Db], viewer: NamedDependency[Viewer], job_id: FromPath[int]) -> Redirect:
    again = retry(db, queries.steerable_job(db, viewer, job_id).id, viewer.account_id)
    return Redirect(f"/jobs/{again}", status_code=303)


routes = [show_jobs, show_bar, show_job, cancel_job, retry_job]
