"""The columns of a project in memory, by ordinal (rank of the object's id), so that filters and orders need no SQL.

Copied once by whole columns, then followed: every call reads what the transactions did that the last call could not see
(by PostgreSQL's own snapshots, since a counter would lose late commits). A new `data_version` of the project, that is
new objects, fields or another current run, means a new copy.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from app.database.connections import Db
from app.errors import NotFound
from app.search import masks, settings
from app.search.arrays import fetch_arrays
from app.search.codes import PREDICTED, PROVENANCES, STATUSES, UNCLASSIFIED
from app.search.columns import ColumnCache, TextColumn

if TYPE_CHECKING:
    from app.objects.filters import Filter

GONE = "The project does not exist any more."
BY_MACHINE = PROVENANCES.index("predicted")
CODE_OF_LETTER = np.zeros(128, np.uint8)
_versions = count(1)
CODE_OF_LETTER[[ord(letter) for letter in STATUSES]] = range(4)


@dataclass(frozen=True)
class Mirror:
    """One project as the caller's last statement saw it. Arrays are never changed: a newer state is a new Mirror."""

    project_id: int
    data_version: int
    version: int  # of the labels, never given twice: a key for what is derived from them
    ids: np.ndarray  # int64, ascending
    sample: np.ndarray  # int64
    taxon: np.ndarray  # int32: what one sees, the label's, else the current run's; 0: none
    status: np.ndarray  # uint8: place in STATUSES
    account: np.ndarray  # int32: who labelled last; 0: nobody
    provenance: np.ndarray  # uint8: place in PROVENANCES of what one sees
    at: np.ndarray  # uint32: seconds since 1970 of the label; 0: none
    score: np.ndarray  # float32: the current run's; NaN: none
    predicted: np.ndarray  # int32: the current run's taxon; 0: none
    snapshot: str  # what had been committed when this was read; the caller's own transaction had not
    unsettled: np.ndarray  # int64: ids changed by the caller's own transaction, which may yet be rolled back
    columns: ColumnCache

    def __len__(self) -> int:
        return len(self.ids)

    def column(self, db: Db, level: str, name: str) -> np.ndarray | TextColumn:
        """A free or predefined column: float64 (NaN: missing), or a TextColumn; KeyError where there is none."""
        return self.columns.get(db, self.ids, self.sample, level, name)

    def head(self, db: Db, name: str) -> np.ndarray:
        """A column of HEADS of every object, as app/search/heads.py says."""
        return self.columns.head(db, self.ids, name)

    def ordinals(self, ids: np.ndarray) -> np.ndarray:
        """Places of those of `ids` that are in the project."""
        return ordinals(self.ids, np.asarray(ids, np.int64))

    def mask(self, db: Db, filter: Filter) -> np.ndarray:
        """Which objects a filter keeps. Not to be changed: it is kept for the next call."""
        return masks.mask(db, self, filter)

    def count(self, db: Db, filter: Filter) -> int:
        """How many objects a filter keeps, where nobody will ask for which."""
        return int(np.count_nonzero(masks.fresh_mask(db, self, filter)))

    @property
    def n_bytes(self) -> int:
        """Memory held, without the columns."""
        labels = (self.taxon, self.status, self.account, self.provenance, self.at)
        return sum(array.nbytes for array in (self.ids, self.sample, self.score, self.predicted, *labels))


def ordinals(sorted_ids: np.ndarray, ids: np.ndarray) -> np.ndarray:
    """Places of `ids` in `sorted_ids`; those that are not there are left out."""
    return _places(sorted_ids, ids)[0]


class _Shelf:
    """The mirrors of this process, the least lately used dropped when they take too much memory."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.locks: dict[Any, threading.Lock] = {}
        self.mirrors: OrderedDict[Any, Mirror] = OrderedDict()

    def lock_of(self, key: Any) -> threading.Lock:
        with self.lock:
            return self.locks.setdefault(key, threading.Lock())

    def put(self, key: Any, mirror: Mirror) -> None:
        limit = settings().mirror_mb * 1_000_000
        with self.lock:
            self.mirrors[key] = mirror
            self.mirrors.move_to_end(key)
            while len(self.mirrors) > 1 and sum(m.n_bytes + m.columns.n_bytes for m in self.mirrors.values()) > limit:
                self.mirrors.popitem(last=False)


_shelf = _Shelf()


def open_mirror(db: Db, project_id: int) -> Mirror:
    """The project as it is now, seen from the caller's transaction."""
    key = (db.info.host, db.info.port, db.info.dbname, project_id)
    with _shelf.lock_of(key):
        mirror = _shelf.mirrors.get(key)
        mirror = _copied(db, project_id) if mirror is None else _followed(db, mirror)
        _shelf.put(key, mirror)
        return mirror


def standing_mirror(db: Db, project_id: int) -> Mirror:
    """The same for whom labels are all one: its objects and columns are as they are now, its labels may be older."""
    mirror = _shelf.mirrors.get((db.info.host, db.info.port, db.info.dbname, project_id))
    project = db.execute("select data_version from project where id = %s", [project_id]).fetchone()
    if mirror is None or project is None or project.data_version != mirror.data_version:
        return open_mirror(db, project_id)
    return mirror


def forget() -> None:
    """Drop every mirror of this process; the next call copies anew."""
    with _shelf.lock:
        _shelf.mirrors.clear()


def _copied(db: Db, project_id: int) -> Mirror:
    """A first copy. What is committed between its statements is read again at the next call: the snapshot is older."""
    head = db.execute(
        """
        select data_version, coalesce(current_run_id, 0) as run_id, pg_current_snapshot()::text as snapshot,
               pg_current_xact_id_if_assigned()::text as own
        from project
        where id = %s
        """,
        [project_id],
    ).fetchone()
    if head is None:
        raise NotFound(GONE)
    ids, sample = _objects(db, project_id)
    predicted, score = _predictions(db, project_id, head.run_id, ids)
    labels, unsettled = _labels(db, project_id, ids)
    _show_predictions(labels, predicted)
    columns = ColumnCache(project_id, settings().mirror_mb * 500_000)
    return Mirror(
        project_id, head.data_version, next(_versions), ids, sample, *labels, score, predicted,
        _before_own(head.snapshot, head.own), unsettled, columns,
    )  # fmt: skip


def _before_own(snapshot: str, own: str | None) -> str:
    """A snapshot in which the caller's own transaction still runs: PostgreSQL does not name it among those that do, so
    that it would pass for ended, and what it does later for known, as soon as one that began after it has ended."""
    first, end, others = snapshot.split(":")
    if own is None or int(own) >= int(end):
        return snapshot
    running = {own, *filter(None, others.split(","))}
    return f"{first}:{end}:{','.join(sorted(running, key=int))}"


class Labels(NamedTuple):
    """What labels change, by ordinal, as the mirror's columns of the same names."""

    taxon: np.ndarray
    status: np.ndarray
    account: np.ndarray
    provenance: np.ndarray
    at: np.ndarray


KINDS = Labels(np.int32, np.uint8, np.int32, np.uint8, np.uint32)


def _show_predictions(labels: Labels, predicted: np.ndarray) -> None:
    """Where no person has spoken, one sees what the run said."""
    places = np.flatnonzero((labels.status == UNCLASSIFIED) & (predicted != 0))
    labels.taxon[places] = predicted[places]
    labels.status[places] = PREDICTED
    labels.provenance[places] = BY_MACHINE


def _objects(db: Db, project_id: int) -> tuple[np.ndarray, np.ndarray]:
    ids, sample = fetch_arrays(
        db,
        """
        select array_agg(id), array_agg(sample_id)
        from object
        where project_id = %s
        """,
        [project_id],
    )
    if ids is None:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    if np.all(ids[1:] > ids[:-1]):
        return ids, sample
    order = np.argsort(ids)
    return ids[order], sample[order]


def _predictions(db: Db, project_id: int, run_id: int, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    predicted, score = np.zeros(len(ids), np.int32), np.full(len(ids), np.nan, np.float32)
    objects, taxa, scores = fetch_arrays(
        db,
        """
        select array_agg(object_id), array_agg(taxon_id), array_agg(score)
        from prediction
        where project_id = %s
          and run_id = %s
        """,
        [project_id, run_id],
    )
    if objects is not None:
        _put(ids, objects, (predicted, taxa), (score, scores))
    return predicted, score


# A label's columns as numbers, in the order of Labels.
_AS_NUMBERS = """
    case when label.status <> 'U' then label.taxon_id else 0 end as taxon,
    ascii(coalesce(label.status, 'U'))::int2 as letter,
    case when label.status <> 'U' then coalesce(label.account_id, 0) else 0 end as account,
    case when label.status <> 'U'
         then array_position('{predicted,single,batch,audit,imported,api}', label.provenance)
         else 0 end::int2 as provenance,
    case when label.status <> 'U'
         then greatest(1, least(4294967295, floor(date_part('epoch', label.at)))) else 0 end::bigint as at
"""


def _labels(db: Db, project_id: int, ids: np.ndarray) -> tuple[Labels, np.ndarray]:
    """Labels by ordinal, and the ids that the caller's own transaction has labelled."""
    labels = Labels(*(np.zeros(len(ids), kind) for kind in KINDS))
    objects, *values = fetch_arrays(
        db,
        f"""
        select array_agg(object_id), array_agg(taxon), array_agg(letter), array_agg(account), array_agg(provenance),
               array_agg(at)
        from (
            select object_id, {_AS_NUMBERS}
            from label
            where project_id = %s
              and status <> 'U'
        ) as label
        """,  # noqa: S608 - constants
        [project_id],
    )
    if objects is not None:
        _put(ids, objects, *zip(labels, _decoded(values), strict=True))
    own = db.execute(
        """
        select coalesce(array_agg(distinct object_id), '{}') as ids
        from history
        where project_id = %s
          and tx = pg_current_xact_id_if_assigned()
        """,
        [project_id],
    ).fetchone()
    return labels, np.array(own.ids, np.int64)


def _places(ids: np.ndarray, objects: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Places in `ids` of those of the objects, in any order, that are there; and which these are."""
    places = np.searchsorted(ids, objects)
    known = places < len(ids)
    known[known] = ids[places[known]] == objects[known]
    return places[known], known


def _put(ids: np.ndarray, objects: np.ndarray, *columns: tuple[np.ndarray, np.ndarray]) -> None:
    """Write values of objects, in any order, to their places; others than `ids` are passed over."""
    places, known = _places(ids, objects)
    for target, values in columns:
        target[places] = values[known]


def _decoded(values: Sequence[np.ndarray]) -> Labels:
    """What _AS_NUMBERS gave."""
    taxon, letter, account, provenance, at = values
    read = (taxon, CODE_OF_LETTER[letter], account, provenance, at)
    return Labels(*(column.astype(kind) for column, kind in zip(read, KINDS, strict=True)))


def _followed(db: Db, mirror: Mirror) -> Mirror:
    """The mirror brought up to what the caller's next statement sees."""
    snapshot, data_version, objects, own, *values = _changes(db, mirror)
    if data_version != mirror.data_version:
        return _copied(db, mirror.project_id)
    if objects is None:
        return replace(mirror, snapshot=snapshot, unsettled=np.empty(0, np.int64))
    unsettled = objects[own.astype(bool)]
    places, new = _labels_at(mirror, objects, values)
    if all(np.array_equal(getattr(mirror, name)[places], value) for name, value in new._asdict().items()):
        return replace(mirror, snapshot=snapshot, unsettled=unsettled)
    labels = Labels(*(getattr(mirror, name).copy() for name in Labels._fields))
    for column, value in zip(labels, new, strict=True):
        column[places] = value
    version = next(_versions)
    mirror.columns.log.note(mirror.version, version, places)
    return replace(mirror, version=version, snapshot=snapshot, unsettled=unsettled, **labels._asdict())


def _labels_at(mirror: Mirror, objects: np.ndarray, values: Sequence[np.ndarray]) -> tuple[np.ndarray, Labels]:
    """Places of those of `objects` that the mirror has, and what one sees of them now, from what _AS_NUMBERS gave."""
    places, known = _places(mirror.ids, objects)
    labels = Labels(*(column[known] for column in _decoded(values)))
    _show_predictions(labels, mirror.predicted[places])
    return places, labels


def _changes(db: Db, mirror: Mirror) -> tuple[Any, ...]:
    """Labels of the objects touched by transactions that the mirror's snapshot did not see: one statement."""
    row = fetch_arrays(
        db,
        f"""
        with touched as (
            select object_id, bool_or(tx is not distinct from pg_current_xact_id_if_assigned()) as own
            from history
            where project_id = %(project_id)s
              and tx >= pg_snapshot_xmin(%(snapshot)s::pg_snapshot)
              and not pg_visible_in_snapshot(tx, %(snapshot)s::pg_snapshot)
            group by object_id
            union all
            select unnest(%(unsettled)s::bigint[]), false
        ), seen as (
            select touched.object_id, own::int::int2 as own, {_AS_NUMBERS}
            from touched
            left join label on label.project_id = %(project_id)s
                           and label.object_id = touched.object_id
        ), changed as (
            select array_agg(object_id) as objects, array_agg(own) as own, array_agg(taxon) as taxa,
                   array_agg(letter) as letters, array_agg(account) as accounts,
                   array_agg(provenance) as provenances, array_agg(at) as ats
            from seen
        )
        select pg_current_snapshot()::text as snapshot, pg_current_xact_id_if_assigned()::text as caller, data_version,
               objects, own, taxa, letters, accounts, provenances, ats
        from project, changed
        where project.id = %(project_id)s
        """,  # noqa: S608 - constants
        {"project_id": mirror.project_id, "snapshot": mirror.snapshot, "unsettled": mirror.unsettled.tolist()},
    )
    if not row:
        raise NotFound(GONE)
    snapshot, caller, *rest = row
    return _before_own(snapshot, caller), *rest
