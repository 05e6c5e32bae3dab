"""Batches of what an object's neighbours tell of it: outliers, likely mistakes, novelties, stragglers, near-duplicates.

They all read the graph of neighbours, and open unmarked but for stragglers: a person is to look.
"""

from typing import Any

import numpy as np

from app.batches import mistakes
from app.batches.lineages import branch_of, names_of_taxa
from app.batches.plain_sources import UNSETTLED, asked_filter, named_taxon
from app.batches.refusals import refused_ids
from app.batches.sources import Batched, Found, ids_in, known_args, source
from app.database import Db
from app.labels.acts import Labeller
from app.projects.references import sources
from app.search import graph
from app.search.arrays import fetch_arrays
from app.search.codes import VALIDATED
from app.search.graph import Told
from app.search.mirror import Mirror, open_mirror
from app.search.voters import some_voters
from app.spaces.current import space_of

MOST_IN_STACK = 12
MOST_NOVELTIES = 10_000
MOST_KNOWN = 3000  # validated objects of reference projects that are looked at for novelties


@source("outliers", "the outliers of a taxon")
def find_outliers(db: Db, project: Batched, account: Labeller, args: dict[str, Any], limit: int) -> Found:
    """Validated objects of a taxon, or one below it, that are least like the others of it."""
    known_args(args, "taxon_id")
    taxon_id, name = named_taxon(db, args)
    mirror = open_mirror(db, project.id)
    members = (mirror.status == VALIDATED) & np.isin(mirror.taxon, branch_of(db, taxon_id))
    ids, _ = graph.outliers(db, project, mirror, members)
    return Found(ids[:limit], title=f"Least like other {name}", opens_marked=False)


@source("mistakes", "likely mistakes")
def find_mistakes(db: Db, project: Batched, account: Labeller, args: dict[str, Any], limit: int) -> Found:
    """Validated objects whose neighbours say something else, pair of taxa by pair. `pair` asks for one pair alone."""
    known_args(args, "pair")
    mirror = open_mirror(db, project.id)
    told = mistakes.find(db, project, mirror, "mistakes")
    return _by_pair(db, told, ids_in(args, "pair"), limit, "Likely mistakes")


@source("refine", "objects that may be named more closely")
def find_refinable(db: Db, project: Batched, account: Labeller, args: dict[str, Any], limit: int) -> Found:
    """Validated objects at a taxon whose neighbours have one below it, pair by pair."""
    known_args(args, "pair")
    mirror = open_mirror(db, project.id)
    told = mistakes.find(db, project, mirror, "refine")
    return _by_pair(db, told, ids_in(args, "pair"), limit, "To be named more closely")


@source("novelties", "what is unlike anything known")
def find_novelties(db: Db, project: Batched, account: Labeller, args: dict[str, Any], limit: int) -> Found:
    """Objects without a label (or those of a filter) that no label is near to, here or in a reference project, the
    strangest first."""
    known_args(args, "query")
    mirror = open_mirror(db, project.id)
    mask = mirror.mask(db, asked_filter(db, project, account, args) or UNSETTLED)
    ids = graph.unlike_anything(db, project, mirror, mask, MOST_NOVELTIES, known_elsewhere(db, project, account))
    return Found(ids[:limit], title="Unlike anything known", opens_marked=False)


def known_elsewhere(db: Db, project: Batched, account: Labeller) -> np.ndarray:
    """Vectors of validated objects of the reference projects that a person may read, float [k, d]."""
    others = sources(db, project.id, project.embedder_id, account.id, space_of(project))
    return some_voters(db, others, MOST_KNOWN)[1]


@source("stragglers", "the stragglers of a taxon")
def find_stragglers(db: Db, project: Batched, account: Labeller, args: dict[str, Any], limit: int) -> Found:
    """Objects without a label whose neighbours have a taxon, and that no batch of it has shown yet."""
    known_args(args, "taxon_id")
    taxon_id, name = named_taxon(db, args)
    mirror = open_mirror(db, project.id)
    mask = mirror.mask(db, UNSETTLED).copy()
    for known in (refused_ids(db, mirror, taxon_id), shown_ids(db, project.id, taxon_id)):
        mask[mirror.ordinals(known)] = False
    ids, _ = graph.left_over(db, project, mirror, branch_of(db, taxon_id), mask)
    return Found(ids[:limit], title=f"Stragglers of {name}", taxon_id=taxon_id, ranked=True)


@source("duplicates", "near-duplicates")
def find_duplicates(db: Db, project: Batched, account: Labeller, args: dict[str, Any], limit: int) -> Found:
    """Objects without a label (or those of a filter) that are nearly the same, the largest stack first.

    On a page a stack is one: as many as a tile can show all of, so that none is labelled unseen.
    """
    known_args(args, "query")
    mirror: Mirror = open_mirror(db, project.id)
    mask = mirror.mask(db, asked_filter(db, project, account, args) or UNSETTLED)
    stacks = graph.stacks(db, project, mirror, mask)
    ids = np.concatenate(stacks) if stacks else np.empty(0, np.int64)
    return Found(ids[:limit], title="Near-duplicates", opens_marked=False, stacks=_stacks(stacks))


def _stacks(found: list[np.ndarray]) -> np.ndarray:
    """For each object the first of those that one tile shows with it, int64; 0 for one that is left over."""
    pieces = [ids[start : start + MOST_IN_STACK] for ids in found for start in range(0, len(ids), MOST_IN_STACK)]
    numbers = [np.full(len(piece), piece[0] if len(piece) > 1 else 0, np.int64) for piece in pieces]
    return np.concatenate(numbers) if numbers else np.empty(0, np.int64)


def _by_pair(db: Db, told: Told, pair: list[int], limit: int, title: str) -> Found:
    """Suspects grouped by what they are and what their neighbours say, the pair with the likeliest one first."""
    taxa, others = np.asarray(told.suspects.taxa), np.asarray(told.suspects.others)
    ids = told.ids
    if len(pair) == 2:
        kept = (taxa == pair[0]) & (others == pair[1])
        ids, taxa, others = ids[kept], taxa[kept], others[kept]
        names = names_of_taxa(db, pair)
        title = f"{title}: {names.get(pair[0], '?')} that may be {names.get(pair[1], '?')}"
    first: dict[tuple[int, int], int] = {}
    groups = [first.setdefault(one, len(first)) for one in zip(taxa.tolist(), others.tolist(), strict=True)]
    order = np.argsort(np.array(groups, np.int64), kind="stable")
    return Found(ids[order][:limit], title=title, opens_marked=False)


def shown_ids(db: Db, project_id: int, taxon_id: int) -> np.ndarray:
    """Objects that somebody saw in a batch which expected the taxon."""
    (ids,) = fetch_arrays(
        db,
        """
        select array_agg(distinct tile.object_id)
          from batch
          join batch_page on batch_page.batch_id = batch.id,
               unnest(batch_page.object_ids, batch_page.seen) as tile (object_id, seen)
         where batch.project_id = %s
           and batch.taxon_id = %s
           and tile.seen = 1
        """,
        [project_id, taxon_id],
    )
    return np.empty(0, np.int64) if ids is None else ids
