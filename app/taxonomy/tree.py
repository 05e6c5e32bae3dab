"""A project's tree of taxa with how many objects stand in each branch."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from app.database import Db
from app.labels.counts import project_counts, status_totals
from app.taxonomy.names import is_italic
from app.taxonomy.queries import lineages

# A tree of more rows opens with its first levels only, and with what is selected.
MOST_OPEN_ROWS = 60
OPEN_DEPTH = 1


@dataclass
class TreeRow:
    """One taxon of the tree; `n` counts its own objects by status, `n_with_children` those of its whole branch."""

    taxon_id: int
    name: str
    display_name: str
    italic: bool
    deprecated: bool
    depth: int
    url: str
    selected: bool
    n: dict[str, int]
    n_with_children: dict[str, int]
    has_children: bool = False
    open: bool = True


@dataclass
class TaxonTree:
    """Rows depth first, the objects without a taxon, and all objects by status."""

    rows: list[TreeRow]
    unclassified: dict[str, Any]
    total: dict[str, int] = field(default_factory=dict)


def project_tree(
    db: Db,
    project_id: int,
    selected: frozenset[int] = frozenset(),
    url_of: Callable[[int], str] = str,
    validated_only: bool = False,
) -> TaxonTree:
    """The tree of all taxa that the project's objects have, or that are selected, with their ancestors."""
    counts = project_counts(db, project_id)
    if validated_only:
        counts = {key: n for key, n in counts.items() if key[1] == "V"}
    own: dict[int, dict[str, int]] = defaultdict(_zero)
    for (taxon_id, status), n in counts.items():
        if taxon_id and status in "VPD":
            own[taxon_id][status] += n
    taxa = lineages(db, sorted({*own, *selected} - {0}))
    rows = _depth_first(taxa, own, selected, url_of)
    _open_some(rows)
    unclassified = {"n": counts.get((0, "U"), 0), "selected": 0 in selected, "url": url_of(0)}
    return TaxonTree(rows, unclassified, status_totals(counts))


def _zero() -> dict[str, int]:
    return {"V": 0, "P": 0, "D": 0}


def _depth_first(
    taxa: list[Any], own: dict[int, dict[str, int]], selected: frozenset[int], url_of: Callable[[int], str]
) -> list[TreeRow]:
    known = {taxon.id for taxon in taxa}
    children = defaultdict(list)
    for taxon in taxa:
        children[taxon.parent_id if taxon.parent_id in known else None].append(taxon)
    rows: list[TreeRow] = []
    branch: list[TreeRow] = []
    waiting = [(taxon, 0) for taxon in reversed(children[None])]
    while waiting:
        taxon, depth = waiting.pop()
        n = dict(own[taxon.id]) if taxon.id in own else _zero()
        row = TreeRow(
            taxon.id, taxon.name, taxon.display_name, is_italic(taxon.name, taxon.rank, taxon.type),
            taxon.status == "D", depth, url_of(taxon.id), taxon.id in selected, n, dict(n), taxon.id in children,
        )  # fmt: skip
        rows.append(row)
        del branch[depth:]
        for above in branch:
            for status, count in n.items():
                above.n_with_children[status] += count
        branch.append(row)
        waiting += [(child, depth + 1) for child in reversed(children[taxon.id])] if row.has_children else []
    return rows


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
