"""Which objects an export is of, as ids in memory: what is said of them is read some at a time."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from app.database import Db
from app.errors import Refused
from app.objects.filters import NO_CONDITION, Filter, pairs_in, read_filter
from app.search.arrays import fetch_arrays
from app.search.mirror import open_mirror

PAGE = 200_000
PIECE = 10_000  # objects that one statement reads: far from the 30 s that a transaction may last
UNNAMED = "__DUMMY_ID__%"  # what imports call parents that have no name
UNCLASSIFIED = "unclassified"


@dataclass(frozen=True)
class Selection:
    """Objects by id ascending, 24 bytes each."""

    ids: np.ndarray  # int64
    samples: np.ndarray  # int64
    acquisitions: np.ndarray  # int64

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True)
class Part:
    """The objects that go into one table, and what that is called."""

    name: str
    ids: np.ndarray

    def pieces(self) -> Iterator[list[int]]:
        for first in range(0, len(self.ids), PIECE):
            yield self.ids[first : first + PIECE].tolist()


def select(db: Db, project_id: int, filters: str, account_id: int | None) -> Selection:
    """All objects of a project, or those that meet the conditions of a board's address."""
    pages = list(_pages(db, project_id))
    columns = [np.concatenate([page[k] for page in pages] or [np.empty(0, np.int64)]) for k in range(3)]
    if filters:
        kept = np.isin(columns[0], _kept(db, project_id, filters, account_id))
        columns = [column[kept] for column in columns]
    return Selection(*columns)


def _pages(db: Db, project_id: int) -> Iterator[tuple[np.ndarray, ...]]:
    last = 0
    while True:
        page = fetch_arrays(
            db,
            """
            select array_agg(id order by id), array_agg(sample_id order by id), array_agg(acquisition_id order by id)
            from (
                select id, sample_id, acquisition_id
                from object
                where project_id = %s
                  and id > %s
                order by id
                limit %s
            ) as page
            """,
            [project_id, last, PAGE],
        )
        if page[0] is None:
            return
        yield page
        last = int(page[0][-1])


def _kept(db: Db, project_id: int, filters: str, account_id: int | None) -> np.ndarray:
    filter = check_filters(db, project_id, filters, account_id)
    mirror = open_mirror(db, project_id)
    return mirror.ids[mirror.mask(db, filter)]


def check_filters(db: Db, project_id: int, filters: str, account_id: int | None) -> Filter:
    """The filter of an address, or Refused where a condition cannot be obeyed, or where there is none."""
    filter = read_filter(db, project_id, pairs_in(filters), account_id=account_id).obeyed(status=422)
    if not filter.chips:
        raise Refused(f"The filter {filters[:80]!r} holds no condition. {NO_CONDITION}.", status=422)
    return filter


def by_sample(db: Db, project_id: int, chosen: Selection) -> list[Part]:
    """A part for each sample, in the order of their names, which is the same in any Shoal."""
    return _split(chosen, chosen.samples, _names(db, "sample", project_id))


def by_acquisition(db: Db, project_id: int, chosen: Selection) -> list[Part]:
    return _split(chosen, chosen.acquisitions, _names(db, "acquisition", project_id))


def by_taxon(db: Db, project_id: int, run_id: int | None, chosen: Selection) -> list[Part]:
    """A part for each taxon that objects are seen as now; those without one come under their own name."""
    whole = Part("", chosen.ids)
    taxa = np.concatenate([_taxa(db, project_id, run_id, ids) for ids in whole.pieces()] or [np.empty(0, np.int32)])
    rows = db.execute("select id, display_name as name from taxon where id = any(%s)", [np.unique(taxa).tolist()])
    return _split(chosen, taxa, {row.id: row.name for row in rows} | {0: UNCLASSIFIED})


def _taxa(db: Db, project_id: int, run_id: int | None, ids: list[int]) -> np.ndarray:
    (taxa,) = fetch_arrays(
        db,
        """
        select array_agg(coalesce(label.taxon_id, prediction.taxon_id, 0) order by given.id)
        from unnest(%(ids)s::bigint[]) as given (id)
        left join label on label.project_id = %(project_id)s
                       and label.object_id = given.id
                       and label.status in ('D', 'V')
        left join prediction on prediction.project_id = %(project_id)s
                            and prediction.run_id = %(run_id)s
                            and prediction.object_id = given.id
        """,
        {"ids": ids, "project_id": project_id, "run_id": run_id},
    )
    return np.asarray(taxa, np.int64)


def _names(db: Db, level: str, project_id: int) -> dict[int, str]:
    rows = db.execute(
        f"select id, orig_id as name from {level} where project_id = %s",  # noqa: S608 - one of two words
        [project_id],
    )
    return {row.id: row.name for row in rows}


def _split(chosen: Selection, keys: np.ndarray, names: dict[int, str]) -> list[Part]:
    found, rows, sizes = np.unique(keys, return_inverse=True, return_counts=True)
    ids = chosen.ids[np.argsort(rows, kind="stable")]
    ends = np.cumsum(sizes)
    parts = [
        Part(_said(names.get(key, "")), ids[end - size : end])
        for key, end, size in zip(found.tolist(), ends.tolist(), sizes.tolist(), strict=True)
    ]
    return sorted(parts, key=lambda part: (part.name, part.ids[0]))


def _said(name: str) -> str:
    return "without_a_name" if name.startswith(UNNAMED[:-1]) else name
