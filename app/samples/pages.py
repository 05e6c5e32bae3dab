"""The pages of a project's samples and acquisitions: the lists, and one of each."""

from typing import Any

from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Template

from app.database import Db
from app.objects.filters import address
from app.projects.access import VISITOR, Project
from app.samples import acquisitions, editing
from app.samples.listing import ORDERS, list_samples, page_address
from app.samples.map import draw
from app.samples.one import read_sample

SHORT_LIST = 12


@get("/projects/{project_id:int}/samples", opt=VISITOR, include_in_schema=False, sync_to_thread=True)
def show_samples(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    q: FromQuery[str] = "",
    order: FromQuery[str] = "name",
    after: FromQuery[str | None] = None,
) -> Template:
    order = order if order in ORDERS else "name"
    page = list_samples(db, project, q, order, after)
    context = {
        "project": project,
        "page": page,
        "map": draw(page.positions),
        "q": q,
        "order": order,
        "orders": ORDERS,
        "first_url": page_address(project.id, q, order) if after else None,
        "next_url": page_address(project.id, q, order, page.next_cursor) if page.next_cursor else None,
    }
    return Template("samples/list.html", context=context)


@get("/projects/{project_id:int}/samples/{sample_id:int}", opt=VISITOR, include_in_schema=False, sync_to_thread=True)
def show_sample(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    sample_id: FromPath[int],
    changed: FromQuery[int | None] = None,
) -> Template:
    whole = read_sample(db, project, sample_id)
    board = f"/projects/{project.id}"

    def board_url(*more: tuple[str, Any]) -> str:
        return address(board, [("sample", str(sample_id))], [(key, str(value)) for key, value in more])

    context = {"project": project, "whole": whole, "sample": whole.sample, "board_url": board_url,
               "short": SHORT_LIST, "changed": changed,
               "changes": _changes(db, project, sample_id, ["sample"])}  # fmt: skip
    return Template("samples/sample.html", context=context)


@get("/projects/{project_id:int}/acquisitions", opt=VISITOR, include_in_schema=False, sync_to_thread=True)
def show_acquisitions(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    q: FromQuery[str] = "",
    sample: FromQuery[int | None] = None,
    after: FromQuery[str | None] = None,
) -> Template:
    of_sample = read_sample(db, project, sample).sample if sample is not None else None
    page = acquisitions.list_acquisitions(db, project, q, sample, after)
    context = {
        "project": project,
        "page": page,
        "q": q,
        "of_sample": of_sample,
        "first_url": acquisitions.page_address(project.id, q, sample) if after else None,
        "next_url": acquisitions.page_address(project.id, q, sample, page.next_cursor) if page.next_cursor else None,
    }
    return Template("samples/acquisitions.html", context=context)


@get(
    "/projects/{project_id:int}/acquisitions/{acquisition_id:int}", opt=VISITOR, include_in_schema=False,
    sync_to_thread=True,
)  # fmt: skip
def show_acquisition(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    acquisition_id: FromPath[int],
    changed: FromQuery[int | None] = None,
) -> Template:
    whole = acquisitions.read_acquisition(db, project, acquisition_id)

    def board_url(*more: tuple[str, Any]) -> str:
        asked = [("acquisition", str(acquisition_id))]
        return address(f"/projects/{project.id}", asked, [(key, str(value)) for key, value in more])

    context = {
        "project": project,
        "whole": whole,
        "one": whole.acquisition,
        "board_url": board_url,
        "changed": changed,
        "changes": _changes(db, project, acquisition_id, ["acquisition", "process"]),
    }
    return Template("samples/acquisition.html", context=context)


def _changes(db: Db, project: Project, thing_id: int, levels: list[str]) -> list[editing.Changed]:
    """Who changed what is not for who is not logged in."""
    return editing.changes(db, project.id, [thing_id], levels) if project.logged_in else []


routes = [show_samples, show_sample, show_acquisitions, show_acquisition]
