"""Ways through a run as a whole: what is sure enough to be accepted under an audit, what would teach the classifier
most, and what is unlike all that it learned from."""

import numpy as np

from app.accounts.viewer import Viewer
from app.batches.audit_state import CONFIDENCE, limit_of
from app.batches.lineages import names_in_use
from app.nouns import counted
from app.prediction.sources import USUAL_USEFUL
from app.prediction.thresholds import Working, working_for
from app.search.codes import PREDICTED
from app.search.run_columns import novelties
from app.start.way import HOUR_S, OPEN_S, Look, Way, spread
from indexer.audit import sample_size
from indexer.clusters import GLANCE_S, NAME_S
from indexer.thresholds import EDGES, suggested

WORTH = 2  # times as many as are judged, before an audit is less work than a batch
WORTH_TEACHING = 60  # objects left, before it is worth choosing the most useful of them


def sure_ways(look: Look) -> list[Way]:
    """None where the project shows no predictions that a classifier made here."""
    found = working_for(look.db, Viewer(look.account), look.project.id)
    if found is None or not len(found.taxa):
        return []
    ways = [_accepted(look, found), _useful(look, found), _unlike(look, found)]
    return [way for way in ways if way]


def _accepted(look: Look, found: Working) -> Way | None:
    """All taxa that are as precise from some threshold on as the project wants of an audit."""
    wrong = limit_of(look.db, look.project.id)
    steps = suggested(found.held, 1 - wrong)
    taxa = np.flatnonzero((steps >= 0) & np.isin(found.taxa, list(names_in_use(look.db, found.taxa.tolist()))))
    n = found.taken[taxa, steps[taxa]]
    judged = np.array([sample_size(int(one), wrong, CONFIDENCE) for one in n], np.int64)
    worth = n >= WORTH * judged
    taxa, n, judged = taxa[worth], n[worth], judged[worth]
    if not n.sum():
        return None
    precision = found.held.precision[taxa, steps[taxa]]
    seconds = len(taxa) * (OPEN_S + NAME_S) + look.tempo.of("predicted") * GLANCE_S * float(judged.sum())
    right = float(precision @ n)
    many = counted(len(taxa), "taxon")
    says = (
        f"sure enough from a threshold on, in {many}: {100 * right / n.sum():.0f} % of such held-out ones were right; "
        f"about {judged.sum():,} of them are looked at"
    )
    of_first = found.taxa[taxa[n.argmax()]]
    surest = (look.mirror.status == PREDICTED) & (look.mirror.taxon == of_first)
    surest &= look.mirror.score >= EDGES[steps[taxa[n.argmax()]]]
    return Way(
        "accept", "Accept what is sure, under audits", says, int(n.sum()), HOUR_S * right / seconds, right / n.sum(),
        url=f"/projects/{look.project.id}/predictions/work?precision={100 * (1 - wrong):g}",
        ids=spread(look.mirror.ids[surest]),
    )  # fmt: skip


def _useful(look: Look, found: Working) -> Way | None:
    """It stands with what makes labels better: what it brings is a better classifier."""
    n = int(found.n.sum())
    if n < WORTH_TEACHING or look.project.embedder_id is None:
        return None
    places = np.flatnonzero(look.mirror.status == PREDICTED)
    least = np.argsort(look.mirror.score[places], kind="stable")[:50]
    says = "labelled now, these teach the classifier most: it is sure of none, and they are unlike each other"
    return Way(
        "useful", "Most useful next", says, min(n, USUAL_USEFUL), source={"kind": "useful"},
        ids=spread(look.mirror.ids[places[least]]),
    )  # fmt: skip


def _unlike(look: Look, found: Working) -> Way | None:
    n = int(found.n_novel.sum())
    if not n:
        return None
    strange = np.where(look.mirror.status == PREDICTED, novelties(look.db, look.mirror), -1)
    first = np.argsort(-strange, kind="stable")[: min(n, 50)]
    says = "the classifier never learned anything like these: new classes and artefacts"
    return Way(
        "unlike", "Unlike the learning set", says, n, source={"kind": "unlike"}, ids=spread(look.mirror.ids[first])
    )
