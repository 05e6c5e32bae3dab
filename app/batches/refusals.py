"""What is *not this*: objects that a person refused for a taxon, and that are not offered again for it.

A refusal covers the taxon's children and says nothing of its parents. It is in force while its act is not undone,
nobody has reset it, and the object does not carry the taxon or one below it: so what undoes an act restores it too.
"""

from dataclasses import dataclass
from datetime import datetime

import numpy as np

from app.batches.lineages import lineage_of
from app.database import Db
from app.labels.changes import array
from app.search.arrays import fetch_arrays
from app.search.codes import DUBIOUS, VALIDATED
from app.search.graph import parents
from app.search.mirror import Mirror
from app.taxonomy.names import is_italic
from indexer.suspects import Kinship


@dataclass(frozen=True)
class Refusal:
    """One refusal of an object, as its page shows it."""

    taxon_id: int
    taxon: str
    by: str | None
    at: datetime
    in_force: bool


def add(db: Db, project_id: int, act_id: int, account_id: int, pairs: list[tuple[int, int]]) -> None:
    """Write refusals (object, taxon) of an act."""
    if not pairs:
        return
    db.execute(
        """
        insert into refusal (project_id, object_id, taxon_id, act_id, account_id)
        select %s, object_id, taxon_id, %s, %s
          from unnest(%s::bigint[], %s::int[]) as given (object_id, taxon_id)
         order by object_id
        on conflict do nothing
        """,
        [project_id, act_id, account_id, array(id for id, _ in pairs), array(taxon_id for _, taxon_id in pairs)],
    )


def standing(db: Db, project_id: int, taxa: list[int] | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Objects, int64, and the taxa, int32, that they were refused for, as far as that is neither undone nor reset: of
    some taxa, or of all."""
    of_these = "" if taxa is None else "and refusal.taxon_id = any(%(taxa)s::int[])"
    objects, refused_for = fetch_arrays(
        db,
        f"""
        select array_agg(refusal.object_id), array_agg(refusal.taxon_id)
          from refusal
          join act on act.id = refusal.act_id
         where refusal.project_id = %(project_id)s
           {of_these}
           and refusal.lapsed_at is null
           and act.reversed_by is null
        """,  # noqa: S608 (a constant)
        {"project_id": project_id, "taxa": taxa},
    )
    if objects is None:
        return np.empty(0, np.int64), np.empty(0, np.int32)
    return objects, refused_for


@dataclass(frozen=True)
class Refused:
    """A taxon with how many objects are not offered for it."""

    taxon_id: int
    taxon: str
    italic: bool
    n: int


@dataclass(frozen=True)
class RefusedObject:
    """One object that is not offered for a taxon: who said so last, and when."""

    id: int
    by: str | None
    at: datetime


def by_taxon(db: Db, mirror: Mirror) -> list[Refused]:
    """Every taxon that something was refused for and is not offered for now, by name."""
    objects, taxa = standing(db, mirror.project_id)
    kept = np.isin(objects, mirror.ids) & ~_carried(db, mirror, objects, taxa)
    pairs = np.unique(np.stack([taxa[kept].astype(np.int64), objects[kept]]), axis=1)
    n = dict(zip(*(part.tolist() for part in np.unique(pairs[0], return_counts=True)), strict=True))
    rows = db.execute(
        "select id, display_name, name, rank, type from taxon where id = any(%s) order by lower(display_name)",
        [list(n)],
    )
    return [
        Refused(row.id, row.display_name, is_italic(row.name, row.rank or "", row.type or ""), n[row.id])
        for row in rows
    ]


def of_taxon(db: Db, mirror: Mirror, taxon_id: int, after: int = 0, limit: int = 200) -> list[RefusedObject]:
    """Objects that are not offered for the taxon since they were refused for it, by id, after the one of `after`."""
    rows = db.execute(
        """
        select distinct on (refusal.object_id) refusal.object_id as id, account.name as by, refusal.at
          from refusal
          join act on act.id = refusal.act_id
          left join account on account.id = refusal.account_id
         where refusal.project_id = %s
           and refusal.taxon_id = %s
           and refusal.lapsed_at is null
           and act.reversed_by is null
           and refusal.object_id > %s
         order by refusal.object_id, refusal.at desc
        """,
        [mirror.project_id, taxon_id, after],
    ).fetchall()
    ids = np.array([row.id for row in rows], np.int64)
    kept = np.isin(ids, mirror.ids) & ~_carried(db, mirror, ids, np.full(len(ids), taxon_id, np.int32))
    return [RefusedObject(row.id, row.by, row.at) for row, is_kept in zip(rows, kept, strict=True) if is_kept][:limit]


def refused_ids(db: Db, mirror: Mirror, taxon_id: int) -> np.ndarray:
    """Objects that are not to be offered for a taxon, int64 ascending: refused for it or for one above it."""
    objects, taxa = standing(db, mirror.project_id, lineage_of(db, taxon_id).tolist())
    return np.unique(objects[~_carried(db, mirror, objects, taxa)])


def _carried(db: Db, mirror: Mirror, objects: np.ndarray, taxa: np.ndarray) -> np.ndarray:
    """Which of the objects a person has given the taxon that each was refused for, or one below it: bool."""
    if not len(objects):
        return np.zeros(0, bool)
    places = np.searchsorted(mirror.ids, objects)
    known = places < len(mirror)
    known[known] = mirror.ids[places[known]] == objects[known]
    labels = np.zeros(len(objects), np.int32)
    is_labelled = np.isin(mirror.status[places[known]], (VALIDATED, DUBIOUS))
    labels[known] = np.where(is_labelled, mirror.taxon[places[known]], 0)
    every = np.unique(np.append(labels, taxa))
    kin = Kinship(every, parents(db, every[every > 0]))
    return (labels == taxa) | kin.above[kin.codes(labels), kin.codes(taxa)]


def of_object(db: Db, project_id: int, object_id: int) -> list[Refusal]:
    """Every refusal of an object whose act stands, newest first."""
    rows = db.execute(
        """
        select refusal.taxon_id, taxon.display_name as taxon, account.name as by, refusal.at, refusal.lapsed_at,
               label.taxon_id as label_taxon_id, label.status
          from refusal
          join act on act.id = refusal.act_id
          join taxon on taxon.id = refusal.taxon_id
          left join account on account.id = refusal.account_id
          left join label on label.project_id = refusal.project_id and label.object_id = refusal.object_id
         where refusal.project_id = %s
           and refusal.object_id = %s
           and act.reversed_by is null
         order by refusal.at desc, refusal.taxon_id
        """,
        [project_id, object_id],
    ).fetchall()
    labelled = next((row.label_taxon_id for row in rows if row.status in ("V", "D")), None)
    carried = lineage_of(db, labelled) if labelled else []
    return [
        Refusal(row.taxon_id, row.taxon, row.by, row.at, row.lapsed_at is None and row.taxon_id not in carried)
        for row in rows
    ]


def reset(db: Db, project_id: int, taxon_id: int, object_ids: list[int] | None = None) -> int:
    """Forget refusals of a taxon, of these objects or of all; returns how many."""
    return db.execute(
        """
        update refusal
           set lapsed_at = now()
         where project_id = %s
           and taxon_id = %s
           and lapsed_at is null
           and (%s::bigint[] is null or object_id = any(%s::bigint[]))
        """,
        [project_id, taxon_id, object_ids, object_ids],
    ).rowcount
