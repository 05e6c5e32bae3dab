"""The columns of a project in memory, by ordinal (rank of the object's id), so that filters and orders need no SQL.

Copied once by whole columns, then followed: every call reads what the transactions did that the last call could not see
(by PostgreSQL's own snapshots, since a counter would lose late commits). A new `data_version` of the project, that is
new objects, fields or another current run, means a new copy.
"""

import threading
from collections import OrderedDict
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

import numpy as np

from app.database.connections import Db
from app.errors import NotFound
from app.objects.filters import Filter
from app.search import settings
from app.search.arrays import fetch_arrays
from app.search.columns import ColumnCache, TextColumn

GONE = "The project does not exist any more."
STATUSES = "UPDV"  # a status is stored as its place here
UNCLASSIFIED, PREDICTED, DUBIOUS, VALIDATED = range(4)
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
    score: np.ndarray  # float32: the current run's; NaN: none
    predicted: np.ndarray  # int32: the current run's taxon; 0: none
    snapshot: str  # what had been committed when this was read
    unsettled: np.ndarray  # int64: ids changed by the caller's own transaction, which may yet be rolled back
    columns: ColumnCache

    def __len__(self) -> int:
        return len(self.ids)

    def column(self, db: Db, level: str, name: str) -> np.ndarray | TextColumn:
        """A free or predefined column: float64 (NaN: missing), or a TextColumn; KeyError where there is none."""
        return self.columns.get(db, self.ids, self.sample, level, name)

    def ordinals(self, ids: np.ndarray) -> np.ndarray:
        """Places of those of `ids` that are in the project."""
        return ordinals(self.ids, np.asarray(ids, np.int64))

    def mask(self, db: Db, filter: Filter) -> np.ndarray:
        """Which objects a filter keeps."""
        kept = np.ones(len(self.ids), bool)
        if filter.validated_only:
            kept &= self.status == VALIDATED
        if filter.statuses:
            kept &= _among(self.status, [STATUSES.index(letter) for letter in filter.statuses])
        if filter.taxa is not None:
            kept &= _among(self.taxon, filter.taxa)
        if filter.samples:
            kept &= np.isin(self.sample, np.fromiter(filter.samples, np.int64))
        if filter.accounts:
            kept &= _among(self.account, filter.accounts)
        for level, name, low, high in filter.ranges:
            kept &= _between(self.column(db, level, name), low, high)
        for level, name, operator, value in filter.texts:
            kept &= _matching(self.column(db, level, name), operator, value)
        return kept

    @property
    def n_bytes(self) -> int:
        """Memory held, without the columns."""
        own = (self.ids, self.sample, self.taxon, self.status, self.account, self.score, self.predicted)
        return sum(array.nbytes for array in own)


def _among(values: np.ndarray, wanted: Any) -> np.ndarray:
    """A look-up table serves small whole numbers many times faster than comparing with each."""
    chosen = [value for value in wanted if value >= 0]
    table = np.zeros(int(max([values.max(initial=0), *chosen])) + 1, bool)
    table[chosen] = True
    return table[values]


def _between(values: np.ndarray | TextColumn, low: float | None, high: float | None) -> np.ndarray:
    if isinstance(values, TextColumn):
        return np.zeros(len(values.texts), bool)
    kept = ~np.isnan(values)
    if low is not None:
        kept &= values >= low
    if high is not None:
        kept &= values <= high
    return kept


def _matching(values: np.ndarray | TextColumn, operator: str, text: str) -> np.ndarray:
    """`~` contains, without regard to case; `=` equals."""
    if not isinstance(values, TextColumn):
        return np.zeros(len(values), bool)
    return values.equal(text) if operator == "=" else values.containing(text)


def ordinals(sorted_ids: np.ndarray, ids: np.ndarray) -> np.ndarray:
    """Places of `ids` in `sorted_ids`; those that are not there are left out."""
    places = np.searchsorted(sorted_ids, ids)
    inside = places < len(sorted_ids)
    places = places[inside]
    return places[sorted_ids[places] == ids[inside]]


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


def forget() -> None:
    """Drop every mirror of this process; the next call copies anew."""
    with _shelf.lock:
        _shelf.mirrors.clear()


def _copied(db: Db, project_id: int) -> Mirror:
    """A first copy. What is committed between its statements is read again at the next call: the snapshot is older."""
    head = db.execute(
        """
        select data_version, coalesce(current_run_id, 0) as run_id, pg_current_snapshot()::text as snapshot
        from project
        where id = %s
        """,
        [project_id],
    ).fetchone()
    if head is None:
        raise NotFound(GONE)
    ids, sample = _objects(db, project_id)
    predicted, score = _predictions(db, project_id, head.run_id, ids)
    taxon, status, account, unsettled = _labels(db, project_id, ids)
    _show_predictions(taxon, status, predicted)
    columns = ColumnCache(project_id, settings().mirror_mb * 500_000)
    return Mirror(
        project_id, head.data_version, next(_versions), ids, sample, taxon, status, account, score, predicted,
        head.snapshot, unsettled, columns,
    )  # fmt: skip


def _show_predictions(taxon: np.ndarray, status: np.ndarray, predicted: np.ndarray) -> None:
    """Where no person has spoken, one sees what the run said."""
    unlabelled = (status == UNCLASSIFIED) & (predicted != 0)
    taxon[unlabelled] = predicted[unlabelled]
    status[unlabelled] = PREDICTED


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


def _labels(db: Db, project_id: int, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Taxon, status and account by ordinal, and the ids that the caller's own transaction has labelled."""
    taxon, account = np.zeros(len(ids), np.int32), np.zeros(len(ids), np.int32)
    status = np.zeros(len(ids), np.uint8)
    objects, taxa, letters, accounts = fetch_arrays(
        db,
        """
        select array_agg(object_id), array_agg(taxon_id),
               array_agg(ascii(status)::int2), array_agg(coalesce(account_id, 0))
        from label
        where project_id = %s
          and status <> 'U'
        """,
        [project_id],
    )
    if objects is not None:
        _put(ids, objects, (taxon, taxa), (status, CODE_OF_LETTER[letters]), (account, accounts))
    own = db.execute(
        """
        select coalesce(array_agg(distinct object_id), '{}') as ids
        from history
        where project_id = %s
          and tx = pg_current_xact_id_if_assigned()
        """,
        [project_id],
    ).fetchone()
    return taxon, status, account, np.array(own.ids, np.int64)


def _put(ids: np.ndarray, objects: np.ndarray, *columns: tuple[np.ndarray, np.ndarray]) -> None:
    """Write values of objects, in any order, to their places; objects that are not among `ids` are passed over."""
    places = np.searchsorted(ids, objects)
    known = places < len(ids)
    known[known] = ids[places[known]] == objects[known]
    for target, values in columns:
        target[places[known]] = values[known]


def _followed(db: Db, mirror: Mirror) -> Mirror:
    """The mirror brought up to what the caller's next statement sees."""
    head = _changes(db, mirror)
    if head.data_version != mirror.data_version:
        return _copied(db, mirror.project_id)
    if head.objects is None:
        return replace(mirror, snapshot=head.snapshot, unsettled=np.empty(0, np.int64))
    taxon, status, account = mirror.taxon.copy(), mirror.status.copy(), mirror.account.copy()
    _put(
        mirror.ids, head.objects,
        (taxon, head.taxa), (status, CODE_OF_LETTER[head.letters]), (account, head.accounts),
    )  # fmt: skip
    _show_predictions_of(mirror, head.objects, taxon, status)
    return replace(
        mirror, version=next(_versions), taxon=taxon, status=status, account=account,
        snapshot=head.snapshot, unsettled=head.objects[head.own],
    )  # fmt: skip


def _show_predictions_of(mirror: Mirror, objects: np.ndarray, taxon: np.ndarray, status: np.ndarray) -> None:
    places = mirror.ordinals(objects)
    places = places[(status[places] == UNCLASSIFIED) & (mirror.predicted[places] != 0)]
    taxon[places] = mirror.predicted[places]
    status[places] = PREDICTED


@dataclass(frozen=True)
class _Changes:
    data_version: int
    snapshot: str
    objects: np.ndarray | None
    taxa: np.ndarray
    letters: np.ndarray
    accounts: np.ndarray
    own: np.ndarray


def _changes(db: Db, mirror: Mirror) -> _Changes:
    """Labels of the objects touched by transactions that the mirror's snapshot did not see: one statement."""
    row = fetch_arrays(
        db,
        """
        with touched as (
            select object_id, bool_or(tx is not distinct from pg_current_xact_id_if_assigned()) as own
            from history
            where project_id = %(project_id)s
              and tx >= pg_snapshot_xmin(%(snapshot)s::pg_snapshot)
              and not pg_visible_in_snapshot(tx, %(snapshot)s::pg_snapshot)
            group by object_id
            union all
            select unnest(%(unsettled)s::bigint[]), false
        ), changed as (
            select array_agg(touched.object_id) as objects,
                   array_agg(case when label.status <> 'U' then label.taxon_id else 0 end) as taxa,
                   array_agg(ascii(coalesce(label.status, 'U'))::int2) as letters,
                   array_agg(case when label.status <> 'U' then coalesce(label.account_id, 0) else 0 end) as accounts,
                   array_agg(own::int::int2) as own
            from touched
            left join label on label.project_id = %(project_id)s
                           and label.object_id = touched.object_id
        )
        select data_version, pg_current_snapshot()::text as snapshot, objects, taxa, letters, accounts, own
        from project, changed
        where project.id = %(project_id)s
        """,
        {"project_id": mirror.project_id, "snapshot": mirror.snapshot, "unsettled": mirror.unsettled.tolist()},
    )
    if not row:
        raise NotFound(GONE)
    data_version, snapshot, objects, taxa, letters, accounts, own = row
    if objects is None:
        own = np.empty(0, bool)
    return _Changes(data_version, snapshot, objects, taxa, letters, accounts, own.astype(bool))
