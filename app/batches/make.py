"""Making a batch: what a source finds is frozen, in an order, with the reason why it is together."""

from typing import Any

import numpy as np
from psycopg.types.json import Jsonb

from app.batches import places
from app.batches.batch import Batch, find_batch
from app.batches.lineages import names_of_taxa
from app.batches.ordering import ORDERS, first_turns, keep_together
from app.batches.page_making import USUAL_PAGE, check_size, prepare_next
from app.batches.places import Places
from app.batches.sources import Batched, Found, Source, find_kind
from app.database import Db
from app.errors import NotFound, Refused
from app.labels.acts import Labeller, check_open
from app.spaces.current import space_of
from app.taxonomy.names import UNKNOWN_TAXON

MOST = 10_000
USUAL = 1000


def make_batch(
    db: Db,
    project: Batched,
    account: Labeller,
    source: Source,
    order: str = "neighbours",
    limit: int = USUAL,
    taxon_id: int | None = None,
    page: int = USUAL_PAGE,
) -> Batch:
    """A batch of at most `limit` objects, with its first page of `page` objects made already.

    A source that finds none gives an empty batch, which says so.
    """
    check_open(project)
    check_order(order)
    if not 1 <= limit <= MOST:
        raise Refused(f"A batch has between 1 and {MOST:,} objects, not {limit:,}.")
    check_size(page)
    if taxon_id is not None and taxon_id not in names_of_taxa(db, [taxon_id]):
        raise NotFound(UNKNOWN_TAXON)
    kind = find_kind(source.kind)
    found = kind.find(db, project, account, _with_target(source, taxon_id), limit)
    batch, listed = freeze(db, project, account, source, found, order, limit, taxon_id)
    prepare_next(db, project, batch, listed, page)
    return batch


def check_order(order: str) -> None:
    if order not in ORDERS:
        raise Refused(f"There is no order {order[:40]!r}. A batch is ordered by {', '.join(ORDERS)}.")


def _with_target(source: Source, taxon_id: int | None) -> dict[str, Any]:
    """What is like examples is looked for without what was refused for the target."""
    if taxon_id is None or source.kind != "examples":
        return source.args
    return {"taxon_id": taxon_id} | source.args


def freeze(
    db: Db,
    project: Batched,
    account: Labeller,
    source: Source,
    found: Found,
    order: str,
    limit: int = MOST,
    taxon_id: int | None = None,
) -> tuple[Batch, Places]:
    """Keep what was found as a batch, and where its objects stand."""
    ids = np.asarray(found.ids, np.int64)[:limit]
    distances = None if found.distances is None else np.asarray(found.distances, np.float32)[:limit]
    turns, n_without = first_turns(db, project, ids, distances, order, found.is_ranked)
    batch_id: int = db.execute(
        """
        insert into batch (project_id, account_id, source, title, query, taxon_id, ordering, ranked, opens_marked, n,
                           n_without_vector, embedder_id, space_id)
        values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
        returning id
        """,
        [
            project.id, account.id, source.kind, found.title or find_kind(source.kind).words,
            Jsonb({"kind": source.kind, **source.args}), taxon_id or found.taxon_id, order, found.is_ranked,
            found.opens_marked, len(ids), found.n_without_vector + n_without,
            project.embedder_id, space_of(project),
        ],
    ).fetchone()[0]  # fmt: skip
    made = places.fresh(ids, distances, turns, None if found.stacks is None else found.stacks[:limit])
    made.turns = keep_together(made.turns, made.stacks)
    places.insert(db, batch_id, made)
    return find_batch(db, project.id, batch_id), made
