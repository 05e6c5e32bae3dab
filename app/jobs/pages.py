"""The pages of jobs: all of them, one of them, and the bar that says on every page what runs now."""

from typing import Literal

from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect, Template

from app.accounts.viewer import Viewer
from app.database import Db
from app.jobs import queries
from app.jobs.queue import cancel, retry
from app.jobs.words import rate_text, time_span

PAGE = 50
Ended = Literal["done", "failed", "cancelled"]


def render(request: Request, name: str, **context: object) -> Template:
    """The page, or its part where htmx asks for the part alone, which no cache may take for the page."""
    is_part = "hx-request" in request.headers and request.headers.get("hx-request-type") != "full"
    context |= {"time_span": time_span, "rate_text": rate_text}
    headers = {"Cache-Control": "no-store"}
    return Template(f"jobs/{'_' if is_part else ''}{name}.html", context=context, headers=headers)


@get("/jobs", include_in_schema=False, sync_to_thread=True)
def show_jobs(
    request: Request,
    db: NamedDependency[Db],
    viewer: NamedDependency[Viewer],
    status: FromQuery[Ended | None] = None,
    before: FromQuery[int | None] = None,
) -> Template:
    ended = queries.list_ended(db, viewer, status, before, PAGE + 1)
    return render(
        request,
        "list",
        active=[] if before else queries.list_active(db, viewer),
        ended=ended[:PAGE],
        older=ended[PAGE - 1].id if len(ended) > PAGE else None,
        status=status,
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
