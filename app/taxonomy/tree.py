"""A project's tree of taxa with how many objects stand in each branch, and how many of them a filter keeps."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec
import numpy as np

from app.database import Db
from app.labels.counts import status_totals
from app.search.arrays import fetch_arrays
from app.search.kept import Kept
from app.taxonomy.names import is_italic

# A tree of more rows opens with its first levels only, and with what is selected.
MOST_OPEN_ROWS = 60
OPEN_DEPTH = 1
MOST_KEPT = 16  # trees
ITALIC, DEPRECATED, OPEN = 1, 2, 4
UNIT, RECORD = "\x1f", "\x1e"  # between what is told of a taxon, and between taxa

Counts = Mapping[tuple[int, str], int]  # by taxon (0: none) and status

STATUSES = "VPD"  # of objects that have a taxon, in the order of a row's counts


@dataclass(frozen=True, slots=True)
class TreeRow:
    """A taxon of the tree; `n` counts its objects by status, `n_with_children` those of all that stands below too."""

    taxon_id: int
    name: str
    display_name: str
    italic: bool
    depth: int
    n: dict[str, int]
    n_with_children: dict[str, int]
    n_kept: int  # of the whole branch, what the filter keeps
    open: bool


@dataclass
class TaxonTree:
    """Taxa depth first, the objects without a taxon, and all objects by status; `kept`: those that a filter keeps.

    By columns, a row each, since thousands of taxa are told after every act: own and branch are int64 [n, 3] by
    STATUSES, n_kept int64 [n], open bool [n]. `is_counted` says whether the rows too have counts of the filter's own.
    """

    branches: "Branches"
    own: np.ndarray
    branch: np.ndarray
    n_kept: np.ndarray
    open: np.ndarray
    unclassified: dict[str, Any]
    total: dict[str, int] = field(default_factory=dict)
    kept: dict[str, int] | None = None
    is_counted: bool = False

    @property
    def rows(self) -> Iterator[TreeRow]:
        columns = zip(self.own.tolist(), self.branch.tolist(), self.n_kept.tolist(), self.open.tolist(), strict=True)
        for taxon, (own, branch, n_kept, is_open) in zip(self.branches.taxa, columns, strict=True):
            yield TreeRow(
                taxon.id, taxon.name, taxon.display_name, taxon.italic, taxon.depth,
                dict(zip(STATUSES, own, strict=True)), dict(zip(STATUSES, branch, strict=True)), n_kept, is_open,
            )  # fmt: skip


def project_tree(
    db: Db,
    project_id: int,
    selected: frozenset[int] = frozenset(),
    validated_only: bool = False,
    presets: Iterable[int] = (),
    kept: Counts | None = None,
    taxa: frozenset[int] | None = None,
) -> TaxonTree:
    """The tree of all taxa that the project's objects have, or that are preset or selected, with their ancestors.

    `kept` counts what a filter keeps of all taxa, and `taxa` says which of these it keeps; None where it says nothing.
    """
    total, taxon_ids, counts = _counts(db, project_id, validated_only)
    branches = _branches(db, frozenset(taxon_ids.tolist()).union(selected, presets) - {0})
    own = np.zeros((len(branches), len(STATUSES)), np.int64)
    own[branches.places(taxon_ids)] = counts[branches.known(taxon_ids)]
    own_kept = np.zeros((len(branches), 1), np.int64)
    named = [(taxon_id, n) for (taxon_id, _), n in (kept or {}).items() if taxon_id]
    if named:
        kept_ids, kept_ns = np.array(named, np.int64).T
        np.add.at(own_kept[:, 0], branches.places(kept_ids), kept_ns[branches.known(kept_ids)])
    unclassified = {
        "n": total["U"],
        "selected": 0 in selected,
        "kept": sum(n for (taxon_id, _), n in (kept or {}).items() if not taxon_id),
    }
    filtered = None if kept is None and taxa is None else _of_taxa(taxa, kept, taxon_ids, counts, total["U"])
    return TaxonTree(
        branches, own, branches.summed(own), branches.summed(own_kept)[:, 0], branches.opened(selected),
        unclassified, total, filtered, kept is not None,
    )  # fmt: skip


def _of_taxa(
    taxa: frozenset[int] | None, kept: Counts | None, taxon_ids: np.ndarray, counts: np.ndarray, n_unclassified: int
) -> dict[str, int]:
    """By status, what a filter keeps: of its own counts, or of the project's where it asks for nothing but taxa."""
    if kept is not None:
        return status_totals({key: n for key, n in kept.items() if taxa is None or key[0] in taxa})
    wanted = np.isin(taxon_ids, list(taxa or ()))
    totals = dict(zip(STATUSES, counts[wanted].sum(axis=0).tolist(), strict=True))
    return status_totals({}) | totals | {"U": n_unclassified if taxa is None or 0 in taxa else 0}


def _counts(db: Db, project_id: int, validated_only: bool) -> tuple[dict[str, int], np.ndarray, np.ndarray]:
    """All objects by status; the taxa that have any, and how many of each, int64 [n, 3] by STATUSES."""
    taxon_ids, *columns = fetch_arrays(
        db,
        """
        select array_agg(taxon_id), array_agg(v), array_agg(p), array_agg(d), array_agg(u)
          from (select taxon_id,
                       coalesce(sum(n) filter (where status = 'V'), 0)::bigint as v,
                       coalesce(sum(n) filter (where status = 'P'), 0)::bigint as p,
                       coalesce(sum(n) filter (where status = 'D'), 0)::bigint as d,
                       coalesce(sum(n) filter (where status = 'U'), 0)::bigint as u
                  from count_delta
                 where project_id = %s
                   and (status = 'V' or not %s)
                 group by taxon_id) as taxon
        """,
        [project_id, validated_only],
    )
    if taxon_ids is None:
        return status_totals({}), np.empty(0, np.int64), np.empty((0, len(STATUSES)), np.int64)
    total = {status: int(column.sum()) for status, column in zip("VPDU", columns, strict=True)}
    counts = np.stack(columns[:3], axis=1)
    has_any = (taxon_ids != 0) & counts.any(axis=1)
    return total, taxon_ids[has_any].astype(np.int64), counts[has_any]


class Taxon(NamedTuple):
    """What the tree says of a taxon."""

    id: int
    parent_id: int  # 0: none
    name: str
    display_name: str
    rank: str
    type: str
    status: str


class Branch(NamedTuple):
    """Where a taxon stands in a tree that is read from the top."""

    id: int
    name: str
    display_name: str
    italic: bool
    deprecated: bool
    depth: int


class Branches:
    """Taxa depth first, as the tree tells them, and how to sum over what stands below each."""

    def __init__(self, taxa: list[Branch]) -> None:
        self.taxa = taxa
        self.depths = np.array([taxon.depth for taxon in taxa], np.int64)
        self.parents = np.full(len(taxa), -1)
        last_at: dict[int, int] = {}
        for place, taxon in enumerate(taxa):
            self.parents[place] = last_at.get(taxon.depth - 1, -1)
            last_at[taxon.depth] = place
        ids = np.array([taxon.id for taxon in taxa], np.int64)
        self._order = np.argsort(ids)
        self._sorted = ids[self._order]
        self._deepest_first = [
            np.flatnonzero(self.depths == depth) for depth in range(self.depths.max(initial=0), 0, -1)
        ]
        self.ids, self.names = ids.tolist(), [taxon.name for taxon in taxa]
        self.display_names = [taxon.display_name if taxon.display_name != taxon.name else 0 for taxon in taxa]
        self.flags = np.array([taxon.italic * ITALIC | taxon.deprecated * DEPRECATED for taxon in taxa], np.int64)

    def __len__(self) -> int:
        return len(self.taxa)

    def known(self, ids: np.ndarray) -> np.ndarray:
        """bool [n]: which of these taxa the tree holds."""
        return np.isin(ids, self._sorted)

    def places(self, ids: np.ndarray) -> np.ndarray:
        """Rows of those of these taxa that the tree holds."""
        return self._order[np.searchsorted(self._sorted, ids[self.known(ids)])]

    def summed(self, own: np.ndarray) -> np.ndarray:
        """Each row's sums over its whole branch: every level is added to the one above it."""
        sums = own.copy()
        for level in self._deepest_first:
            np.add.at(sums, self.parents[level], sums[level])
        return sums

    def opened(self, selected: Iterable[int]) -> np.ndarray:
        """bool [n]. In a long tree, what lies deep and holds no selection is closed."""
        if len(self) <= MOST_OPEN_ROWS:
            return np.ones(len(self), bool)
        is_open = self.depths < OPEN_DEPTH
        for place in self.places(np.fromiter(selected, np.int64)).tolist():
            while (place := int(self.parents[place])) >= 0:
                is_open[place] = True
        return is_open


# By database, state of the taxonomy and taxa: asked for after every act, while taxa change seldom.
_kept_branches = Kept(MOST_KEPT)


def _branches(db: Db, taxon_ids: frozenset[int]) -> Branches:
    """These taxa and all that stand above them, depth first."""
    version = db.execute("select version from taxonomy_version").fetchone()[0]
    key = (db.info.host, db.info.port, db.info.dbname, version, taxon_ids)
    return _kept_branches.made(key, lambda: Branches(_depth_first(_lineages(db, sorted(taxon_ids)))))


def _lineages(db: Db, taxon_ids: list[int]) -> list[Taxon]:
    """These taxa and all that stand above them, by name. By whole columns: row by row took twice as long."""
    ids, parents, texts = fetch_arrays(
        db,
        """
        with recursive branch as (
            select id, parent_id from taxon where id = any(%(ids)s::int[])
            union
            select taxon.id, taxon.parent_id from branch join taxon on taxon.id = branch.parent_id
        )
        select array_agg(taxon.id), array_agg(coalesce(taxon.parent_id, 0)),
               string_agg(concat_ws(%(unit)s, name, display_name, rank, type, status), %(record)s)
          from branch
          join taxon on taxon.id = branch.id
        """,
        {"ids": taxon_ids, "unit": UNIT, "record": RECORD},
    )
    if ids is None:
        return []
    told = (text.split(UNIT) for text in texts.split(RECORD))
    taxa = [Taxon(*pair, *more) for *pair, more in zip(ids.tolist(), parents.tolist(), told, strict=True)]
    taxa.sort(key=lambda taxon: (taxon.name.casefold(), taxon.id))
    return taxa


def packed(tree: TaxonTree, n_objects: int | None = None) -> bytes:
    """The tree as static/js/tree.js reads it: small, and safe inside of a script element. `n_objects`: on the board."""
    taxa = tree.branches
    flags = taxa.flags | tree.open * OPEN
    counts = [*tree.branch.T.tolist(), tree.n_kept.tolist()]
    rows = list(
        zip(taxa.ids, taxa.depths.tolist(), taxa.names, taxa.display_names, flags.tolist(), *counts, strict=True)
    )
    none = [tree.unclassified["n"], tree.unclassified["kept"]]
    told: dict[str, Any] = {
        "rows": rows,
        "unclassified": none,
        "total": tree.total,
        "kept": tree.kept,
        "counted": tree.is_counted,
    }
    if n_objects is not None:
        told["n"] = n_objects
    return msgspec.json.encode(told).replace(b"<", rb"\u003c")


def _depth_first(taxa: list[Taxon]) -> list[Branch]:
    children = defaultdict(list)
    for taxon in taxa:
        children[taxon.parent_id].append(taxon)
    branches: list[Branch] = []
    waiting = [(taxon, 0) for taxon in reversed(children[0])]
    while waiting:
        (id, _, name, display_name, rank, type, status), depth = waiting.pop()
        branches.append(Branch(id, name, display_name, is_italic(name, rank, type), status == "D", depth))
        if id in children:
            waiting += [(child, depth + 1) for child in reversed(children[id])]
    return branches
