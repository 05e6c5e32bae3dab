"""A project's tree of taxa with how many objects stand in each branch, and how many of them a filter keeps."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec

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


NOTHING = [0, 0, 0]
STATUSES = "VPD"  # of objects that have a taxon, in the order of a row's counts


@dataclass(slots=True)
class TreeRow:
    """One taxon of the tree; `own` counts its objects by status, `branch` those of all that stands below it too."""

    taxon_id: int
    name: str
    display_name: str
    italic: bool
    deprecated: bool
    depth: int
    selected: bool
    own: list[int]
    branch: list[int]
    n_kept: int = 0  # of the whole branch, what the filter keeps
    open: bool = True

    @property
    def n(self) -> dict[str, int]:
        return dict(zip(STATUSES, self.own, strict=True))

    @property
    def n_with_children(self) -> dict[str, int]:
        return dict(zip(STATUSES, self.branch, strict=True))


@dataclass
class TaxonTree:
    """Rows depth first, the objects without a taxon, and all objects by status; `kept`: those that a filter keeps.

    `is_counted` says whether the rows too have counts of the filter's own.
    """

    rows: list[TreeRow]
    unclassified: dict[str, Any]
    total: dict[str, int] = field(default_factory=dict)
    kept: dict[str, int] | None = None
    is_counted: bool = False


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
    total, own = _counts(db, project_id, validated_only)
    branches = _branches(db, frozenset({*own, *selected, *presets} - {0}))
    rows = [
        TreeRow(
            id,
            name,
            display_name,
            italic,
            deprecated,
            depth,
            id in selected,
            n := own.get(id, NOTHING),
            n.copy(),
        )
        for id, name, display_name, italic, deprecated, depth in branches
    ]
    _add_up(rows, kept or {})
    _open_some(rows)
    unclassified = {
        "n": total["U"],
        "selected": 0 in selected,
        "kept": sum(n for (taxon_id, _), n in (kept or {}).items() if not taxon_id),
    }
    filtered = None if kept is None and taxa is None else _of_taxa(taxa, kept, own, total["U"])
    return TaxonTree(rows, unclassified, total, filtered, kept is not None)


def _of_taxa(
    taxa: frozenset[int] | None, kept: Counts | None, own: dict[int, list[int]], n_unclassified: int
) -> dict[str, int]:
    """By status, what a filter keeps: of its own counts, or of the project's where it asks for nothing but taxa."""
    if kept is None:
        kept = {(taxon_id, status): n for taxon_id, ns in own.items() for status, n in zip(STATUSES, ns, strict=True)}
        kept[0, "U"] = n_unclassified
    return status_totals({key: n for key, n in kept.items() if taxa is None or key[0] in taxa})


def _counts(db: Db, project_id: int, validated_only: bool) -> tuple[dict[str, int], dict[int, list[int]]]:
    """All objects by status, and those of each taxon that has any."""
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
        return status_totals({}), {}
    total = {status: int(column.sum()) for status, column in zip("VPDU", columns, strict=True)}
    numbers = zip(taxon_ids.tolist(), *(column.tolist() for column in columns[:3]), strict=True)
    return total, {taxon_id: [v, p, d] for taxon_id, v, p, d in numbers if taxon_id and (v or p or d)}


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


# By database, state of the taxonomy and taxa: asked for after every act, while taxa change seldom.
_kept_branches = Kept(MOST_KEPT)


def _branches(db: Db, taxon_ids: frozenset[int]) -> list[Branch]:
    """These taxa and all that stand above them, depth first."""
    version = db.execute("select version from taxonomy_version").fetchone()[0]
    key = (db.info.host, db.info.port, db.info.dbname, version, taxon_ids)
    return _kept_branches.made(key, lambda: _depth_first(_lineages(db, sorted(taxon_ids))))


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
    rows = [
        (
            row.taxon_id, row.depth, row.name, row.display_name if row.display_name != row.name else 0,
            row.italic * ITALIC | row.deprecated * DEPRECATED | row.open * OPEN,
            *row.branch, row.n_kept,
        )
        for row in tree.rows
    ]  # fmt: skip
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


def _add_up(rows: list[TreeRow], kept: Counts) -> None:
    """Each branch's sums, from its last row to its first: every row is added to its parent once."""
    own_kept: dict[int, int] = defaultdict(int)
    for (taxon_id, _), n in kept.items():
        own_kept[taxon_id] += n
    above: list[TreeRow] = []
    parents: list[TreeRow | None] = []
    for row in rows:
        del above[row.depth :]
        parents.append(above[-1] if above else None)
        above.append(row)
    for row, parent in zip(reversed(rows), reversed(parents), strict=True):
        row.n_kept += own_kept.get(row.taxon_id, 0)
        if parent is not None:
            parent.n_kept += row.n_kept
            v, p, d = row.branch
            sums = parent.branch
            sums[0] += v
            sums[1] += p
            sums[2] += d


def _open_some(rows: list[TreeRow]) -> None:
    """In a long tree, close what lies deep and holds no selection."""
    if len(rows) <= MOST_OPEN_ROWS:
        return
    wanted_parents: set[int] = set()
    above: list[TreeRow] = []
    for row in rows:
        del above[row.depth :]
        if row.selected:
            wanted_parents.update(parent.taxon_id for parent in above)
        above.append(row)
    for row in rows:
        row.open = row.depth < OPEN_DEPTH or row.taxon_id in wanted_parents
