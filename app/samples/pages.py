"""The pages of a project's samples: the list with its map, and one sample."""

from typing import Any

from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Template

from app.database import Db
from app.objects.filters import address
from app.projects.access import VISITOR, Project
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
def show_sample(db: NamedDependency[Db], project: NamedDependency[Project], sample_id: FromPath[int]) -> Template:
    whole = read_sample(db, project, sample_id)
    board = f"/projects/{project.id}"

    def board_url(*more: tuple[str, Any]) -> str:
        return address(board, [("sample", str(sample_id))], [(key, str(value)) for key, value in more])

    context = {"project": project, "whole": whole, "sample": whole.sample, "board_url": board_url,
               "short": SHORT_LIST}  # fmt: skip
    return Template("samples/sample.html", context=context)


routes = [show_samples, show_sample]
