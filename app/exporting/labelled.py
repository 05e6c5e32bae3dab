"""What the objects of an export are called when it begins, and which of them learn, validate and test."""

import hashlib
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from app.database import Db
from app.errors import Refused
from app.exporting.choices import Choices
from app.exporting.names import unique
from app.exporting.selection import UNCLASSIFIED
from app.search.arrays import fetch_arrays
from app.search.heads import place

if TYPE_CHECKING:
    from app.exporting.job import Work

STATUSES = "UPDV"
SPLITS = ("train", "validation", "test")
AT_ONCE = 50_000


@dataclass(frozen=True)
class Seen:
    """Objects by id ascending."""

    ids: np.ndarray  # int64
    samples: np.ndarray  # int64
    statuses: np.ndarray  # int16: places in STATUSES
    taxa: np.ndarray  # int32; 0: none
    splits: np.ndarray  # int8: places in SPLITS

    def __len__(self) -> int:
        return len(self.ids)

    def take(self, rows: np.ndarray | slice) -> "Seen":
        """Some of them."""
        return Seen(*(getattr(self, one.name)[rows] for one in fields(self)))

    def counts(self) -> dict[int, list[int]]:
        """By taxon, how many are in each split."""
        found = {}
        for taxon in np.unique(self.taxa).tolist():
            found[taxon] = np.bincount(self.splits[self.taxa == taxon], minlength=len(SPLITS)).tolist()
        return found


def see(work: "Work") -> Seen:
    """The objects that the choices ask for, with what they are called now; each sample in one split."""
    choices, chosen = work.export.choices, work.selection
    parts = [
        labels_of(work.db, work.project, chosen.ids[first : first + AT_ONCE])
        for first in range(0, len(chosen), AT_ONCE)
    ]
    statuses, taxa, unseen = (np.concatenate([part[k] for part in parts]) for k in range(3))
    kept = np.ones(len(chosen), bool)
    if choices.statuses:
        kept = np.isin(statuses, [STATUSES.index(letter) for letter in choices.statuses])
    if not choices.with_unseen and choices.statuses:
        kept &= unseen == 0
    if not kept.any():
        raise Refused("No object has one of these statuses: choose others, or label first.", status=409)
    samples = chosen.samples[kept]
    splits = _splits(work, samples)
    return Seen(chosen.ids[kept], samples, statuses[kept], taxa[kept], splits)


def labels_of(db: Db, project: Any, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of objects by id ascending: places in STATUSES, taxa (0: none), and 1 where the label was accepted unseen."""
    between = {"project": project.id, "run": project.current_run_id, "first": int(ids[0]), "last": int(ids[-1])}
    predicted, guesses = fetch_arrays(
        db,
        """
        select array_agg(object_id), array_agg(taxon_id)
        from prediction
        where project_id = %(project)s
          and run_id = %(run)s
          and object_id between %(first)s and %(last)s
        """,
        between,
    )
    labelled, said, named, unseen = fetch_arrays(
        db,
        """
        select array_agg(object_id), array_agg(case status when 'V' then 3 else 2 end::int2), array_agg(taxon_id),
               array_agg((provenance = 'audit')::int::int2)
        from label
        where project_id = %(project)s
          and object_id between %(first)s and %(last)s
          and status in ('D', 'V')
        """,
        between,
    )
    statuses, taxa = np.zeros(len(ids), np.int16), np.zeros(len(ids), np.int32)
    if predicted is not None:
        taxa = place(ids, predicted, guesses, 0)
        statuses[taxa > 0] = STATUSES.index("P")
    if labelled is None:
        return statuses, taxa, np.zeros(len(ids), np.int16)
    own = place(ids, labelled, said, 0)
    statuses, taxa = np.where(own > 0, own, statuses), np.where(own > 0, place(ids, labelled, named, 0), taxa)
    return statuses, taxa, place(ids, labelled, unseen, 0)


def _splits(work: "Work", samples: np.ndarray) -> np.ndarray:
    rows = work.db.execute("select id, orig_id from sample where project_id = %s", [work.project.id])
    names = {row.id: row.orig_id for row in rows}
    found, places, sizes = np.unique(samples, return_inverse=True, return_counts=True)
    chosen = split_samples([names.get(id, str(id)) for id in found.tolist()], sizes.tolist(), work.export.choices)
    wanted = {"validation": work.export.choices.validation, "test": work.export.choices.test}
    if empty := [name for name, percent in wanted.items() if percent and SPLITS.index(name) not in chosen]:
        work.note(
            f"There are too few samples ({len(found):,}) to fill {' and '.join(empty)}: objects of one sample stay"
            " together, or what is measured would be too good."
        )
    return np.array(chosen, np.int8)[places]


def split_samples(names: list[str], sizes: list[int], choices: Choices) -> list[int]:
    """For each sample a place in SPLITS: in an order drawn by the seed, each goes where most is missing.

    The same names and seed give the same splits in any Shoal; what cannot be parted learns.
    """
    wanted = [100 - choices.validation - choices.test, choices.validation, choices.test]
    total, filled = sum(sizes), [0, 0, 0]
    drawn = [hashlib.sha256(f"{choices.seed}:{name}".encode()).digest() for name in names]
    chosen = [0] * len(names)
    for row in sorted(range(len(names)), key=drawn.__getitem__):
        missing = [percent * total / 100 - done for percent, done in zip(wanted, filled, strict=True)]
        split = max(range(3), key=lambda k: (missing[k], -k))
        chosen[row] = split
        filled[split] += sizes[row]
    return chosen


@dataclass(frozen=True)
class Taxon:
    """A taxon of an export: `folder` is its name as one of a file, of which no other is the same."""

    id: int
    name: str
    lineage: str
    parent: str
    type: str
    rank: str
    ecotaxa_id: int | None
    aphia_id: int | None
    folder: str


def find_taxa(db: Db, ids: list[int]) -> dict[int, Taxon]:
    """The taxa of these ids, with their lineages, by name; 0 stands for objects without one."""
    rows = db.execute(
        """
        with recursive above as (
            select id as taxon_id, id, parent_id, name, 0 as depth
            from taxon
            where id = any(%(ids)s)
            union all
            select above.taxon_id, upper.id, upper.parent_id, upper.name, depth + 1
            from above
            join taxon as upper on upper.id = above.parent_id
            where depth < 100
        )
        select taxon.id, taxon.display_name as name, lineage.said as lineage,
               coalesce(parent.display_name, '') as parent, taxon.type, taxon.rank, taxon.ecotaxa_id, taxon.aphia_id
        from taxon
        join (
            select taxon_id, string_agg(name, '>' order by depth desc) as said
            from above
            group by taxon_id
        ) as lineage on lineage.taxon_id = taxon.id
        left join taxon as parent on parent.id = taxon.parent_id
        order by taxon.display_name
        """,
        {"ids": ids},
    ).fetchall()
    folders = unique([*(row.name for row in rows), UNCLASSIFIED])
    found = {row.id: Taxon(*row, folder=folder) for row, folder in zip(rows, folders, strict=False)}
    return found | {0: Taxon(0, UNCLASSIFIED, "", "", "", "", None, None, folders[-1])}
