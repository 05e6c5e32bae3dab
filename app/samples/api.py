"""Samples and acquisitions for programs."""

from dataclasses import dataclass

from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery

from app.database import Db
from app.openapi import refusals
from app.projects.access import VISITOR, Project
from app.samples.acquisitions import AcquisitionPage, WholeAcquisition, list_acquisitions, read_acquisition
from app.samples.listing import PAGE, ListedSample, list_samples
from app.samples.one import WholeSample, read_sample


@dataclass(frozen=True)
class SampleList:
    """Samples of one page; `next_cursor` is the `after` of the next one, and null at the end."""

    samples: list[ListedSample]
    next_cursor: str | None
    n_found: int


@get(
    "/projects/{project_id:int}/samples",
    opt=VISITOR,
    sync_to_thread=True,
    tags=["samples"],
    summary="A project's samples with their objects by status, a hundred at a time",
    responses=refusals(400, 404),
)
def list_samples_api(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    q: FromQuery[str] = "",
    order: FromQuery[str] = "name",
    after: FromQuery[str | None] = None,
    limit: FromQuery[int] = PAGE,
) -> SampleList:
    """`q` are words in the name; `order` is name, date, objects or left (to validate); at most 1,000 at once."""
    page = list_samples(db, project, q, order, after, limit)
    return SampleList(page.samples, page.next_cursor, page.n_found)


@get(
    "/projects/{project_id:int}/samples/{sample_id:int}",
    opt=VISITOR,
    sync_to_thread=True,
    tags=["samples"],
    summary="One sample with its acquisitions and processes, their columns, and the taxa of its objects",
    responses=refusals(404),
)
def read_sample_api(
    db: NamedDependency[Db], project: NamedDependency[Project], sample_id: FromPath[int]
) -> WholeSample:
    return read_sample(db, project, sample_id)


@get(
    "/projects/{project_id:int}/acquisitions",
    opt=VISITOR,
    sync_to_thread=True,
    tags=["samples"],
    summary="A project's acquisitions with their objects by status, by name, a hundred at a time",
    responses=refusals(400, 404),
)
def list_acquisitions_api(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    q: FromQuery[str] = "",
    sample: FromQuery[int | None] = None,
    after: FromQuery[str | None] = None,
    limit: FromQuery[int] = PAGE,
) -> AcquisitionPage:
    """`q` are words in the name; `sample`: of this one only; at most 1,000 at once."""
    return list_acquisitions(db, project, q, sample, after, limit)


@get(
    "/projects/{project_id:int}/acquisitions/{acquisition_id:int}",
    opt=VISITOR,
    sync_to_thread=True,
    tags=["samples"],
    summary="One acquisition with its process, their columns, and the taxa of its objects",
    responses=refusals(404),
)
def read_acquisition_api(
    db: NamedDependency[Db], project: NamedDependency[Project], acquisition_id: FromPath[int]
) -> WholeAcquisition:
    return read_acquisition(db, project, acquisition_id)


routes = [list_samples_api, read_sample_api, list_acquisitions_api, read_acquisition_api]
