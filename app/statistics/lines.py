"""What a project's statistics say, line by line: of taxa, people, samples, days of work and days of sampling."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

from app.database import Db
from app.labels.activity import Activity, report
from app.projects.access import Project
from app.samples.listing import ListedSample, SamplePage, list_samples, listed
from app.samples.sheet import NO_DAY, Sheet, day_text, open_sheet, tally
from app.search.codes import DUBIOUS, STATUSES, VALIDATED
from app.search.mirror import Mirror, open_mirror
from app.taxonomy.tree import project_tree

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
NOBODY = "nobody named (imported)"


@dataclass(frozen=True)
class TaxonLine:
    """Objects of one taxon; `counts` by status: V validated, P predicted, D dubious, U unclassified; taxon 0: none.

    `n_with_children`: with all that stands below it.
    """

    taxon_id: int
    display_name: str
    italic: bool
    n: int
    counts: dict[str, int]
    n_with_children: int


@dataclass(frozen=True)
class PersonLine:
    """What stands of one person's labels; account null: of nobody that is known.

    What was done here in all, undone acts too, is told of oneself, and of others to managers; else it is null.
    """

    account_id: int | None
    name: str
    validated: int
    dubious: int
    last_at: datetime | None
    n_images: int | None
    n_undone: int | None
    n_acts: int | None
    hours: float | None
    n_timed: int | None  # images that were labelled within these hours
    images_per_hour: float | None


@dataclass(frozen=True)
class SampleLine:
    """A sample with its objects by status, and how many taxa are validated in it."""

    sample: ListedSample
    n_taxa: int


@dataclass(frozen=True)
class DayLine:
    """What was done on one day (UTC): images labelled by acts that stand, and of acts undone since."""

    day: str
    n_images: int
    n_undone: int
    n_unseen: int
    n_acts: int
    hours: float
    n_timed: int  # images that were labelled within these hours
    images_per_hour: float | None


@dataclass(frozen=True)
class TakenLine:
    """Objects that were taken on one day, by status; an empty day: it is not known."""

    day: str
    n: int
    counts: dict[str, int]


def by_taxon(db: Db, project: Project) -> list[TaxonLine]:
    """From the count table; taxa with most objects first, and those that have only some below them left out."""
    tree = project_tree(db, project.id, validated_only=project.validated_only)
    lines = [
        TaxonLine(
            row.taxon_id, row.display_name, row.italic, sum(row.n.values()), {"U": 0} | row.n,
            sum(row.n_with_children.values()),
        )
        for row in tree.rows
        if any(row.n.values())
    ]  # fmt: skip
    n_none = tree.unclassified["n"]
    if n_none and not project.validated_only:
        lines.append(TaxonLine(0, "unclassified", False, n_none, {"U": n_none, "P": 0, "D": 0, "V": 0}, n_none))
    return sorted(lines, key=lambda line: (-line.n, line.display_name))


def by_person(db: Db, project: Project, account_id: int) -> list[PersonLine]:
    """Standing labels from the mirror, what was done from the activity table."""
    mirror = open_mirror(db, project.id)
    people, n, last = _standing(mirror)
    done: dict[int | None, Activity] = {
        one.account_id: one for one in report(db, project.id, BEGINNING, datetime.now(UTC)).people
    }
    seen = done if project.may("manager") else {account_id: done[account_id]} if account_id in done else {}
    ids = sorted({*people.tolist(), *(one for one in seen if one is not None)} - {0})
    rows = db.execute("select id, name from account where id = any(%s)", [ids])
    names = {row.id: row.name for row in rows} | {0: NOBODY}
    places = {person: at for at, person in enumerate(people.tolist())}
    lines = [
        _person(person, names.get(person, "someone who left"), n, last, places.get(person), seen.get(person))
        for person in ([0] if 0 in places else []) + ids
    ]
    return sorted(lines, key=lambda line: (-line.validated - line.dubious, line.name))


def _standing(mirror: Mirror) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """People (0: nobody) whose labels stand, how many by status [k, 4], and when the last one was given."""
    said = np.flatnonzero((mirror.status == VALIDATED) | (mirror.status == DUBIOUS))
    people, places = np.unique(mirror.account[said], return_inverse=True)
    n = np.bincount(places * 4 + mirror.status[said], minlength=4 * len(people)).reshape(-1, 4)
    last = np.zeros(len(people), np.uint32)
    np.maximum.at(last, places, mirror.at[said])
    return people, n, last


def _person(
    person: int, name: str, n: np.ndarray, last: np.ndarray, at: int | None, done: Activity | None
) -> PersonLine:
    return PersonLine(
        account_id=person or None,
        name=name,
        validated=int(n[at, VALIDATED]) if at is not None else 0,
        dubious=int(n[at, DUBIOUS]) if at is not None else 0,
        last_at=datetime.fromtimestamp(int(last[at]), UTC) if at is not None and last[at] else None,
        n_images=done.n_images if done else None,
        n_undone=done.n_undone if done else None,
        n_acts=done.n_acts if done else None,
        hours=_hours(done) if done else None,
        n_timed=done.n_timed if done else None,
        images_per_hour=done.images_per_hour if done else None,
    )


def _hours(done: Activity) -> float:
    return round(done.seconds / 3600, 4)


def by_sample(db: Db, project: Project) -> Iterator[SampleLine]:
    """Every sample that the caller may see, by name."""
    mirror = open_mirror(db, project.id)
    sheet = open_sheet(db, mirror)
    counted = tally(sheet, mirror, project.validated_only)
    n_taxa = _validated_taxa(mirror, sheet)
    for at in np.argsort(sheet.rank).tolist():
        if not project.validated_only or counted.n[at, VALIDATED]:
            yield SampleLine(listed(sheet, counted, at), int(n_taxa[at]))


def sample_page(db: Db, project: Project, order: str, cursor: str | None) -> tuple[SamplePage, list[SampleLine]]:
    """A page of the list of samples, and the same as lines."""
    page = list_samples(db, project, "", order, cursor)
    mirror = open_mirror(db, project.id)
    sheet = open_sheet(db, mirror)
    n_taxa = _validated_taxa(mirror, sheet)
    return page, [SampleLine(one, int(n_taxa[at])) for one in page.samples if (at := sheet.find(one.id)) is not None]


def _validated_taxa(mirror: Mirror, sheet: Sheet) -> np.ndarray:
    """By a sample's place, how many taxa are validated in it."""
    validated = np.flatnonzero(mirror.status == VALIDATED)
    pairs = np.unique(sheet.place[validated].astype(np.int64) << 32 | mirror.taxon[validated])
    return np.bincount(pairs >> 32, minlength=len(sheet.ids))


def by_day(db: Db, project: Project) -> list[DayLine]:
    """Every day on which somebody labelled, the first one first."""
    found = report(db, project.id, BEGINNING, datetime.now(UTC))
    return [_day(one) for one in found.days]


def _day(one: Activity) -> DayLine:
    return DayLine(
        one.what, one.n_images, one.n_undone, one.n_unseen, one.n_acts, _hours(one), one.n_timed, one.images_per_hour
    )


def by_taken(db: Db, project: Project) -> list[TakenLine]:
    """Every day on which objects were taken, the first one first; those of no known day last."""
    mirror = open_mirror(db, project.id)
    day = mirror.head(db, "day")
    status = mirror.status
    if project.validated_only:
        kept = status == VALIDATED
        day, status = day[kept], status[kept]
    days, places = np.unique(day, return_inverse=True)
    n = np.bincount(places * 4 + status, minlength=4 * len(days)).reshape(-1, 4).tolist()
    lines = [_taken(int(one), counts) for one, counts in zip(days.tolist(), n, strict=True)]
    return sorted(lines, key=lambda line: (not line.day, line.day))


def _taken(day: int, counts: list[int]) -> TakenLine:
    return TakenLine(day_text(day) or "", sum(counts), dict(zip(STATUSES, counts, strict=True)))


def days_of(lines: list[Any]) -> np.ndarray:
    """The days of lines as numbers since 1970, for a chart; NO_DAY where one has none."""
    return np.array([np.datetime64(line.day).astype(int) if line.day else NO_DAY for line in lines], np.int64)
