"""Acquisitions: a page of a project's, found by name, and one with its process, its fields and its taxa."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from app.database import Db
from app.errors import NotFound
from app.objects.filters import address
from app.paging import cursor_of, id_and_key
from app.projects.access import Project
from app.samples.one import MOST_TAXA, SampleTaxon, filled, taxa_of
from app.samples.sheet import NO_DAY, Sheet, Tally, day_text, open_sheet, tally
from app.search.codes import STATUSES, VALIDATED
from app.search.mirror import open_mirror

PAGE = 100
MOST_A_PAGE = 1000
MOST_WORDS = 10
LARGEST_ID = 2**63
NO_SUCH = "This project has no such acquisition. It may have been removed."


@dataclass(frozen=True)
class ListedAcquisition:
    """An acquisition with its sample and process, and its objects that the caller may see by status."""

    id: int
    name: str
    sample_id: int
    sample: str
    instrument: str
    process: str | None
    n_objects: int
    counts: dict[str, int]


@dataclass(frozen=True)
class AcquisitionPage:
    """Acquisitions of one page; `next_cursor` is where the next one starts, and null at the end."""

    acquisitions: list[ListedAcquisition]
    next_cursor: str | None


@dataclass(frozen=True)
class WholeAcquisition:
    """An acquisition with everything known of it; `n_taxa` says how many taxa there are where the list ends earlier.

    `first_day` and `last_day` are its objects', as 2024-06-30.
    """

    acquisition: ListedAcquisition
    fields: dict[str, Any]
    process_fields: dict[str, Any]
    first_day: str | None
    last_day: str | None
    taxa: list[SampleTaxon]
    n_taxa: int

    @property
    def days(self) -> str:
        if not self.first_day:
            return ""
        return self.first_day if self.first_day == self.last_day else f"{self.first_day} – {self.last_day}"


def list_acquisitions(
    db: Db,
    project: Project,
    search: str = "",
    sample_id: int | None = None,
    cursor: str | None = None,
    limit: int = PAGE,
) -> AcquisitionPage:
    """The next ones after the cursor, by name; anonymous people see those alone that have validated objects."""
    mirror = open_mirror(db, project.id)
    sheet = open_sheet(db, mirror)
    counted = tally(sheet, mirror, project.validated_only)
    limit = min(max(limit, 1), MOST_A_PAGE)
    after_id, after_name = id_and_key(cursor or "")
    rows = db.execute(
        """
        select acquisition.id, acquisition.orig_id as name, lower(acquisition.orig_id) as key, sample.id as sample_id,
               sample.orig_id as sample, acquisition.instrument, process.orig_id as process
        from acquisition
        join sample on sample.id = acquisition.sample_id
        left join process on process.acquisition_id = acquisition.id
        where acquisition.project_id = %(project_id)s
          and (%(sample_id)s::bigint is null or acquisition.sample_id = %(sample_id)s)
          and (%(visible)s::bigint[] is null or acquisition.id = any(%(visible)s))
          and (%(after_id)s::bigint is null
               or (lower(acquisition.orig_id), acquisition.id) > (%(after_name)s, %(after_id)s))
          and not exists (
              select from unnest(%(words)s::text[]) as word
              where strpos(lower(acquisition.orig_id), word) = 0
          )
        order by lower(acquisition.orig_id), acquisition.id
        limit %(limit)s
        """,
        {
            "project_id": project.id, "sample_id": sample_id, "visible": _visible(sheet, counted, project),
            "after_id": after_id, "after_name": after_name, "limit": limit + 1,
            "words": search.replace("\0", " ").lower().split()[:MOST_WORDS],
        },
    ).fetchall()  # fmt: skip
    shown = rows[:limit]
    following = cursor_of(shown[-1].id, shown[-1].key) if len(rows) > limit else None
    return AcquisitionPage([_listed(sheet, counted, row) for row in shown], following)


def _visible(sheet: Sheet, counted: Tally, project: Project) -> list[int] | None:
    if not project.validated_only:
        return None
    return sheet.acquisition_ids[counted.n_of_acquisition[:, VALIDATED] > 0].tolist()


def _listed(sheet: Sheet, counted: Tally, row: Any) -> ListedAcquisition:
    at = int(np.searchsorted(sheet.acquisition_ids, row.id))
    has_objects = at < len(sheet.acquisition_ids) and sheet.acquisition_ids[at] == row.id
    n = counted.n_of_acquisition[at].tolist() if has_objects else [0] * len(STATUSES)
    return ListedAcquisition(
        row.id, row.name, row.sample_id, row.sample, row.instrument, row.process, sum(n),
        dict(zip(STATUSES, n, strict=True)),
    )  # fmt: skip


def read_acquisition(db: Db, project: Project, acquisition_id: int) -> WholeAcquisition:
    """The acquisition, or NotFound; to anonymous people exists what holds validated objects."""
    row = None
    if 0 < acquisition_id < LARGEST_ID:
        row = db.execute(
            """
            select acquisition.id, acquisition.orig_id as name, sample.id as sample_id, sample.orig_id as sample,
                   acquisition.instrument, acquisition.fields, process.orig_id as process,
                   coalesce(process.fields, '{}') as process_fields
            from acquisition
            join sample on sample.id = acquisition.sample_id
            left join process on process.acquisition_id = acquisition.id
            where acquisition.project_id = %s
              and acquisition.id = %s
            """,
            [project.id, acquisition_id],
        ).fetchone()
    mirror = open_mirror(db, project.id)
    sheet = open_sheet(db, mirror)
    one = row and _listed(sheet, tally(sheet, mirror, project.validated_only), row)
    if row is None or one is None or (project.validated_only and not one.n_objects):
        raise NotFound(NO_SUCH)
    own = mirror.head(db, "acquisition") == acquisition_id
    if project.validated_only:
        own &= mirror.status == VALIDATED
    places = np.flatnonzero(own)
    taxa = taxa_of(db, mirror, places)
    first, last = _days(sheet.day[places])
    return WholeAcquisition(
        one, filled(row.fields), filled(row.process_fields), first, last, taxa[:MOST_TAXA], len(taxa)
    )


def _days(days: np.ndarray) -> tuple[str | None, str | None]:
    """The first and the last of those that are known."""
    known = days[days != NO_DAY]
    return (day_text(int(known.min())), day_text(int(known.max()))) if len(known) else (None, None)


def page_address(project_id: int, search: str, sample_id: int | None, cursor: str | None = None) -> str:
    """The list's address with what is searched, the sample, and where it goes on."""
    said = [("q", search), ("sample", str(sample_id or "")), ("after", cursor or "")]
    return address(f"/projects/{project_id}/acquisitions", [(key, value) for key, value in said if value])
