"""Named versions of a project's validated labels: frozen, listed, and read by who learns or compares."""

from collections import OrderedDict
from dataclasses import dataclass, replace
from datetime import datetime
from threading import Lock
from typing import Any

import numpy as np

from app.database import Db
from app.errors import Conflict, NotFound, Refused
from app.search.arrays import fetch_arrays
from app.search.codes import PROVENANCES, VALIDATED
from app.search.mirror import Mirror, open_mirror

LONGEST_TITLE, LONGEST_NOTE = 100, 2_000
MOST_KEPT = 8
NO_VERSION = "This project has no version of that number: its page of versions lists those that there are."
NOTHING = "Nothing is validated in this project yet: there is nothing to freeze."
AS_BEFORE = "Nothing was accepted since the last version: a new one would be the same."


@dataclass(frozen=True)
class Version:
    """A version as one sees it. Nothing changes it any more."""

    number: int
    title: str
    note: str
    n_objects: int
    n_taxa: int
    by: str | None
    frozen_at: datetime


def hold(db: Db, project_id: int) -> None:
    """Wait for whoever freezes, accepts or refuses in the project."""
    db.execute("select pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"frozen {project_id}"])


def last_number(db: Db, project_id: int) -> int:
    row: Any = db.execute(
        "select coalesce(max(number), 0) as n from frozen_version where project_id = %s", [project_id]
    ).fetchone()
    return int(row.n)


def check_title(db: Db, project_id: int, title: str) -> str:
    title = " ".join(title.replace("\0", " ").split())
    if not 1 <= len(title) <= LONGEST_TITLE:
        raise Refused(f"Give the version a title of 1 to {LONGEST_TITLE} letters.", status=422)
    taken = db.execute(
        "select number from frozen_version where project_id = %s and lower(title) = lower(%s)", [project_id, title]
    ).fetchone()
    if taken:
        raise Conflict(f"Version {taken.number} is called {title} already: choose another title.")
    return title


def freeze(db: Db, project_id: int, account_id: int | None, title: str, note: str = "") -> Version:
    """Name what is validated now, or after the first time the last version with what was accepted since."""
    hold(db, project_id)
    title = check_title(db, project_id, title)
    number = last_number(db, project_id) + 1
    if number == 1:
        _copy_labels(db, project_id)
    else:
        _check_changed(db, project_id, number)
    made = db.execute(
        """
        insert into frozen_version (project_id, number, title, note, n_objects, n_taxa, account_id)
        select %(project)s, %(number)s, %(title)s, %(note)s, count(*), count(distinct taxon_id), %(account)s
        from frozen_label
        where project_id = %(project)s
          and to_number is null
        having count(*) > 0
        returning number
        """,
        {
            "project": project_id, "number": number, "title": title, "note": note.strip()[:LONGEST_NOTE],
            "account": account_id,
        },
    ).fetchone()  # fmt: skip
    if made is None:
        raise Refused(NOTHING, status=409)
    return find(db, project_id, number)


def _copy_labels(db: Db, project_id: int) -> None:
    db.execute(
        """
        insert into frozen_label (project_id, object_id, from_number, taxon_id, account_id, at, provenance)
        select project_id, object_id, 1, taxon_id, account_id, at, provenance
        from label
        where project_id = %s
          and status = 'V'
        order by object_id
        """,
        [project_id],
    )
    db.execute("analyze frozen_label")


def _check_changed(db: Db, project_id: int, number: int) -> None:
    changed = db.execute(
        """
        select 1
        from frozen_label
        where project_id = %(project)s
          and (from_number = %(number)s or to_number = %(number)s - 1)
        limit 1
        """,
        {"project": project_id, "number": number},
    ).fetchone()
    if changed is None:
        raise Conflict(AS_BEFORE)


_VERSION = """
    select number, title, note, n_objects, n_taxa, account.name as by, frozen_at
    from frozen_version
    left join account on account.id = account_id
    where project_id = %(project)s
"""


def list_versions(db: Db, project_id: int) -> list[Version]:
    """Newest first."""
    return [Version(*row) for row in db.execute(_VERSION + "order by number desc", {"project": project_id})]


def find(db: Db, project_id: int, number: int) -> Version:
    row = None
    if 0 < number < 2**31:
        row = db.execute(_VERSION + "and number = %(number)s", {"project": project_id, "number": number}).fetchone()
    if row is None:
        raise NotFound(NO_VERSION)
    return Version(*row)


def labels_at(db: Db, mirror: Mirror, number: int) -> tuple[np.ndarray, np.ndarray]:
    """The taxon of each of the mirror's objects in a version, int32 with 0 where it is not in it, and the place in
    PROVENANCES of how it came, uint8."""
    ids, taxa, provenances = fetch_arrays(
        db,
        """
        select array_agg(object_id), array_agg(taxon_id), array_agg(array_position(%(provenances)s::text[], provenance))
        from frozen_label
        where project_id = %(project)s
          and from_number <= %(number)s
          and (to_number is null or to_number >= %(number)s)
        """,
        {"project": mirror.project_id, "number": number, "provenances": list(PROVENANCES)},
    )
    taxon, provenance = np.zeros(len(mirror), np.int32), np.zeros(len(mirror), np.uint8)
    if ids is None:
        return taxon, provenance
    order = np.argsort(ids)
    ids, taxa, provenances = ids[order], taxa[order], provenances[order]
    known = np.isin(ids, mirror.ids)
    places = np.searchsorted(mirror.ids, ids[known])
    taxon[places] = taxa[known]
    provenance[places] = provenances[known] - 1
    return taxon, provenance


_kept: OrderedDict[tuple[int, int, int, int], tuple[np.ndarray, np.ndarray]] = OrderedDict()
_lock = Lock()


def mirror_of(db: Db, source: Any, mirror: Mirror | None = None) -> Mirror:
    """What is compared with: a project as it is now, or as it stood in the version that a source names."""
    mirror = mirror or open_mirror(db, source.id)
    number = getattr(source, "number", None)
    if number is None:
        return mirror
    key = (source.id, number, mirror.data_version, len(mirror))
    with _lock:
        columns = _kept.get(key)
    if columns is None:
        columns = labels_at(db, mirror, number)
        with _lock:
            _kept[key] = columns
            while len(_kept) > MOST_KEPT:
                _kept.popitem(last=False)
    taxon, provenance = columns
    status = np.where(taxon != 0, VALIDATED, 0).astype(np.uint8)
    # No two states of a project share a number of their labels: negative ones are no project's own.
    version = -(mirror.version * 1_000 + number)
    return replace(mirror, version=version, taxon=taxon, status=status, provenance=provenance)
