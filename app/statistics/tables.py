"""Statistics as CSV: a header that says what each column is, and no text that a spreadsheet takes for a formula."""

import csv
import io
from collections.abc import Iterable, Iterator
from typing import Any

from app.database import Db
from app.errors import Refused
from app.projects.access import Project
from app.statistics import lines

KINDS = {
    "taxa": "By taxon",
    "people": "By person",
    "samples": "By sample",
    "days": "By day of work",
    "taken": "By day of sampling",
}
FOR_ANONYMOUS = ("taxa", "samples", "taken")
FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")
PIECE = 500  # lines


def check_kind(by: str, project: Project) -> str:
    """Who worked when is not for who is not logged in."""
    may = KINDS if project.logged_in else FOR_ANONYMOUS
    if by not in may:
        raise Refused(f"There are statistics by {', '.join(may)}; not by {by[:40]!r}.")
    return by


def write(db: Db, project: Project, account_id: int | None, by: str) -> Iterator[str]:
    """The table, piece by piece."""
    out = io.StringIO()
    writer = csv.writer(out)
    for number, row in enumerate(_rows(db, project, account_id, by), 1):
        writer.writerow([_guarded(value) for value in row])
        if number % PIECE == 0:
            yield out.getvalue()
            out.seek(0)
            out.truncate()
    yield out.getvalue()


def _guarded(value: Any) -> Any:
    if isinstance(value, str) and value.startswith(FORMULA_SIGNS):
        return "'" + value
    return f"{value:.6f}".rstrip("0").rstrip(".") if isinstance(value, float) else value


def _rows(db: Db, project: Project, account_id: int | None, by: str) -> Iterable[Iterable[Any]]:
    if by == "taxa":
        yield ("taxon_id", "taxon", "objects", *STATUS_COLUMNS, "objects_with_children")
        for taxon in lines.by_taxon(db, project):
            yield (taxon.taxon_id or "", taxon.display_name, taxon.n, *_counts(taxon.counts), taxon.n_with_children)
    elif by == "people":
        yield ("person", "validated", "dubious", "last_label", "images", "images_undone", "acts", "hours",
               "images_timed", "images_per_hour")  # fmt: skip
        for one in lines.by_person(db, project, account_id or 0):
            last = one.last_at and one.last_at.isoformat(timespec="seconds")
            yield (one.name, one.validated, one.dubious, last, one.n_images, one.n_undone, one.n_acts, one.hours,
                   one.n_timed, one.images_per_hour)  # fmt: skip
    elif by == "samples":
        yield ("sample_id", "sample", "latitude", "longitude", "first_day", "last_day", "acquisitions", "objects",
               *STATUS_COLUMNS, "validated_taxa")  # fmt: skip
        for line in lines.by_sample(db, project):
            yield _sample(line)
    elif by == "days":
        yield ("day", "images", "images_undone", "images_unseen", "acts", "hours", "images_timed",
               "images_per_hour")  # fmt: skip
        for day in lines.by_day(db, project):
            yield (day.day, day.n_images, day.n_undone, day.n_unseen, day.n_acts, day.hours,
                   day.n_timed, day.images_per_hour)  # fmt: skip
    else:
        yield ("day", "objects", *STATUS_COLUMNS)
        for taken in lines.by_taken(db, project):
            yield (taken.day, taken.n, *_counts(taken.counts))


STATUS_COLUMNS = ("validated", "predicted", "dubious", "unclassified")


def _counts(counts: dict[str, int]) -> tuple[int, ...]:
    return tuple(counts[status] for status in "VPDU")


def _sample(line: lines.SampleLine) -> tuple[Any, ...]:
    one = line.sample
    return (one.id, one.name, one.latitude, one.longitude, one.first_day, one.last_day, one.n_acquisitions,
            one.n_objects, *_counts(one.counts), line.n_taxa)  # fmt: skip
