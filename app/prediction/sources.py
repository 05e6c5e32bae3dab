"""Batches that a run of predictions tells of: what is unlike the learning set, and what would teach most."""

from typing import Any

import numpy as np

from app.batches.plain_sources import asked_filter, named_taxon
from app.batches.sources import Batched, Found, known_args, number_in, source
from app.database import Db
from app.errors import Refused
from app.labels.acts import Labeller
from app.prediction.orders import first_of
from app.prediction.shown import shown_run
from app.prediction.useful import useful_next
from app.search.codes import PREDICTED, UNCLASSIFIED
from app.search.mirror import open_mirror
from app.search.run_columns import novelties

USUAL_USEFUL = 300  # after so many labels it is worth learning again, and asking anew
NO_NOVELTY = (
    "The predictions shown here say nothing of novelty: train a classifier here and predict with it, or make a batch of"
    " “Unlike anything known”."
)


@source("unlike", "what is unlike the learning set")
def find_unlike(db: Db, project: Batched, account: Labeller, args: dict[str, Any], limit: int) -> Found:
    """What the shown run predicts, nobody has labelled, and is unlike what the classifier learned from, the strangest
    first: of a filter, or of one predicted taxon."""
    known_args(args, "query", "taxon_id", "from")
    run, mirror = shown_run(db, project.id), open_mirror(db, project.id)
    strange = novelties(db, mirror)
    if run is None or np.isnan(strange).all():
        raise Refused(NO_NOVELTY)
    least = number_in(args, "from", run.novel_from)
    if not 0 <= least <= 1:
        raise Refused(f"A novelty is a share from 0 to 1: nothing is as strange as `from` {least:g}.")
    kept = (mirror.status == PREDICTED) & (strange >= np.float32(least))
    title = "Unlike the learning set"
    if args.get("taxon_id") is not None:
        taxon_id, name = named_taxon(db, args)
        kept &= mirror.taxon == taxon_id
        title += f", predicted {name}"
    filter = asked_filter(db, project, account, args)
    if filter is not None:
        kept &= mirror.mask(db, filter)
    places = np.flatnonzero(kept)
    first = first_of(strange[places], limit, unsure_first=False)
    return Found(mirror.ids[places[first]], title=title, opens_marked=False)


@source("useful", "what would teach most")
def find_useful(db: Db, project: Batched, account: Labeller, args: dict[str, Any], limit: int) -> Found:
    """Objects without a label, or those of a filter, that would teach a classifier most if they were labelled now: of
    which it is least sure, and which are unlike each other."""
    known_args(args, "query", "n")
    asked = number_in(args, "n", USUAL_USEFUL)
    if not asked >= 1:
        raise Refused(f"`n` is {asked:g}: ask for at least one object.")
    n = int(min(limit, asked))
    mirror = open_mirror(db, project.id)
    kept = (mirror.status == PREDICTED) | (mirror.status == UNCLASSIFIED)
    filter = asked_filter(db, project, account, args)
    if filter is not None:
        kept &= mirror.mask(db, filter)
    found = useful_next(db, project, mirror, np.flatnonzero(kept), n)
    return Found(found.ids, title=found.title, n_without_vector=found.n_without_vector, opens_marked=False)
