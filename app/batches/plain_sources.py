"""Batches of what is like examples, of any filter, and of what the machine predicted."""

from typing import Any

import numpy as np

from app.batches.lineages import branch_of, names_of_taxa
from app.batches.refusals import refused_ids
from app.batches.sources import Batched, Found, ids_in, known_args, number_in, source
from app.database import Db
from app.errors import NotFound, Refused
from app.labels.acts import Labeller
from app.objects.fields import project_fields
from app.objects.filters import Chip, Filter, pairs_in, read_filter
from app.objects.orders import read_order
from app.objects.sorting import sorted_by
from app.prediction.orders import BOUNDS, asked_order, first_of, order_words, sureness, within_bounds
from app.prediction.shown import is_known, shown_run
from app.search import likeness
from app.search.codes import PREDICTED, VALIDATED
from app.search.elsewhere import of_others, visible_examples
from app.search.mirror import Mirror, open_mirror
from app.search.query_image import query_vector, title_of
from app.taxonomy.names import UNKNOWN_TAXON

UNSETTLED = Filter(statuses=frozenset("UP"))
ONE, FEW = "1 example", "{} examples"


@source("examples", "what is like examples")
def find_like(db: Db, project: Batched, account: Labeller, args: dict[str, Any], limit: int) -> Found:
    """The unclassified and predicted objects (or those of a filter) most alike to examples, an image or a text.

    Examples may be of any project that the person may read. What was refused for their label is not offered. `far` asks
    for the least alike instead, unmarked.
    """
    known_args(args, "ids", "not_ids", "image", "query", "taxon_id", "far")
    ids, not_ids = ids_in(args, "ids"), ids_in(args, "not_ids")
    target = None if args.get("taxon_id") is None else named_taxon(db, args)[0]
    mirror = open_mirror(db, project.id)
    if args.get("image"):
        image = str(args["image"])
        vectors, taxon_id, words = query_vector(db, project, image), None, title_of(db, project, image)
    elif ids:
        vectors = visible_examples(db, project, account.id, ids, mirror)
        taxon_id = shared_taxon(db, project, account, mirror, ids)
        words = ONE if len(ids) == 1 else FEW.format(len(ids))
    else:
        raise Refused("The source's ids are missing: name at least one example.")
    taxon_id = target or taxon_id
    mask = mirror.mask(db, asked_filter(db, project, account, args) or UNSETTLED).copy()
    mask[mirror.ordinals(np.array(ids + not_ids, np.int64))] = False
    if taxon_id:
        mask[mirror.ordinals(refused_ids(db, mirror, taxon_id))] = False
        words += f" of {names_of_taxa(db, [taxon_id]).get(taxon_id, 'a taxon that is gone')}"
    far = bool(args.get("far"))
    found = likeness.most_alike(db, project, vectors, mask, limit, least=far, mirror=mirror)
    title = f"{'Unlike' if far else 'Like'} {words}"
    return Found(found.ids, found.distances, found.n_without_vector, title, taxon_id, opens_marked=not far)


@source("filter", "any filter")
def find_filtered(db: Db, project: Batched, account: Labeller, args: dict[str, Any], limit: int) -> Found:
    """The first objects of a filter, in its order, both as in the address of a board."""
    known_args(args, "query")
    pairs = pairs_in(str(args.get("query", "")))
    filter = asked_filter(db, project, account, args) or Filter(validated_only=project.validated_only)
    order = read_order(project_fields(db, project.id), pairs, project.validated_only)
    if order.invalid:
        raise Refused(order.invalid.partition(":")[0])
    mirror = open_mirror(db, project.id)
    mask = mirror.mask(db, filter)
    title = f"Filter: {', '.join(map(_said, filter.chips)) or 'all objects'}"
    target = _predicted_as(filter, mirror, mask)
    if target:
        mask = mask.copy()
        mask[mirror.ordinals(refused_ids(db, mirror, target))] = False
    if order.key == "like":
        vectors = (
            query_vector(db, project, order.query)
            if order.query
            else visible_examples(db, project, account.id, order.examples, mirror)
        )
        found = likeness.most_alike(db, project, vectors, mask, limit, order.direction == "desc", mirror)
        return Found(found.ids, found.distances, found.n_without_vector, title, target)
    pieces: list[np.ndarray] = []
    for piece in sorted_by(db, mirror, order).after(order.direction, None):
        pieces.append(piece[mask[piece]])
        if sum(map(len, pieces)) >= limit:
            break
    chosen = np.concatenate(pieces)[:limit] if pieces else np.empty(0, np.int64)
    return Found(mirror.ids[chosen], title=title, taxon_id=target, ranked="order" in dict(pairs))


def _said(chip: Chip) -> str:
    """A condition in a title: a taxon and a status say themselves what they are."""
    return chip.value if chip.key in ("taxon", "status") else f"{chip.label} {chip.value}"


def _predicted_as(filter: Filter, mirror: Mirror, mask: np.ndarray) -> int | None:
    """The one taxon that a filter of predicted objects names, where all of them are predicted as it itself: one that is
    predicted as a taxon below it is better validated as what is seen."""
    named = [int(chip.raw) for chip in filter.chips if chip.key == "taxon"]
    if filter.statuses != {"P"} or len(named) != 1:
        return None
    return named[0] or None if (mirror.taxon[mask] == named[0]).all() else None


@source("predicted", "a predicted taxon")
def find_predicted(db: Db, project: Batched, account: Labeller, args: dict[str, Any], limit: int) -> Found:
    """What the current run calls a taxon or one below it (`alone`: itself only; `known`: nothing that is unlike the
    learning set), within bounds that are both included, from sure to unsure by score, margin or novelty, or back."""
    known_args(args, "taxon_id", "alone", "known", "order", "unsure_first", *BOUNDS)
    order = asked_order(args)
    taxon_id, name = named_taxon(db, args)
    mirror = open_mirror(db, project.id)
    kept = mirror.status == PREDICTED
    kept &= mirror.taxon == taxon_id if args.get("alone") else np.isin(mirror.taxon, branch_of(db, taxon_id))
    kept &= within_bounds(db, mirror, args)
    if args.get("known"):
        kept &= is_known(db, mirror, shown_run(db, project.id))
    n_all = int(np.count_nonzero(kept))
    kept[mirror.ordinals(refused_ids(db, mirror, taxon_id))] = False
    places = np.flatnonzero(kept)
    without = f" without {n_all - len(places):,} that were refused" if len(places) < n_all else ""
    unsure_first = bool(args.get("unsure_first"))
    first = first_of(sureness(db, mirror, places, order), limit, unsure_first)
    return Found(
        mirror.ids[places[first]], title=f"Predicted {name}{order_words(order, unsure_first)}{without}",
        taxon_id=taxon_id, ranked=True, opens_marked=not (order == "novelty" and unsure_first),
    )  # fmt: skip


def asked_filter(db: Db, project: Batched, account: Labeller, args: dict[str, Any]) -> Filter | None:
    """The filter of the argument `query`; None where there is none."""
    if not args.get("query"):
        return None
    pairs = pairs_in(str(args["query"]))
    return read_filter(db, project.id, pairs, project.validated_only, account.id).obeyed()


def named_taxon(db: Db, args: dict[str, Any]) -> tuple[int, str]:
    """The argument `taxon_id`, and what that taxon is called."""
    taxon_id = int(number_in(args, "taxon_id"))
    name = names_of_taxa(db, [taxon_id]).get(taxon_id)
    if name is None:
        raise NotFound(UNKNOWN_TAXON)
    return taxon_id, name


def shared_taxon(db: Db, project: Batched, account: Labeller, mirror: Mirror, ids: list[int]) -> int | None:
    """The taxon that all of the examples are validated as."""
    places = mirror.ordinals(np.array(ids, np.int64))
    foreign = of_others(db, project, account.id, ids, mirror)
    taxa = np.where(mirror.status[places] == VALIDATED, mirror.taxon[places], 0)
    taxa = np.unique(taxa if foreign is None else np.concatenate([taxa, foreign.taxa]))
    return int(taxa[0]) or None if len(taxa) == 1 else None
