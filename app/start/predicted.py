"""Ways through what the current run predicts: by its scores, as far as people bore these out, without what they
refused."""

from dataclasses import dataclass

import numpy as np

from app.batches.lineages import branch_of, names_in_use
from app.prediction.shown import has_scores
from app.search.arrays import fetch_arrays
from app.search.codes import PREDICTED
from app.start.judged import GUESS_WEIGHT, MOST, Judged, judged
from app.start.way import MOST_AT_ONCE, Look, Way, spread

MOST_WAYS = 3
MOST_WEIGHED = 12  # taxa that would bring most by their scores alone
UNKNOWN = 0.5  # a score
UNSCORED = "imported, without a score"


@dataclass(frozen=True)
class Predicted:
    """What the current run predicts and nobody has labelled: ids int64, taxa int32, scores float32."""

    ids: np.ndarray
    taxa: np.ndarray
    scores: np.ndarray

    def only(self, kept: np.ndarray) -> "Predicted":
        return Predicted(self.ids[kept], self.taxa[kept], self.scores[kept])


def predicted_ways(look: Look) -> list[Way]:
    """The predicted taxa that would bring most; a batch of one holds what is predicted below it too."""
    places = np.flatnonzero(look.mirror.status == PREDICTED)
    if not len(places):
        return []
    is_scored = has_scores(look.db, look.project.id)
    scores = np.nan_to_num(look.mirror.score[places], nan=UNKNOWN) if is_scored else np.full(len(places), UNKNOWN)
    every = Predicted(look.mirror.ids[places], look.mirror.taxon[places], scores)
    likely = _likely(look, every)
    names, said = names_in_use(look.db, likely), judged(look, likely, "predicted")
    looked = np.unique(np.concatenate([np.empty(0, np.int64), *(one.looked for one in said.values())]))
    scored = _scores(look, looked) if is_scored else dict.fromkeys(looked.tolist(), UNKNOWN)
    ways = [
        _way(look, every, taxon_id, names[taxon_id], said[taxon_id], scored, is_scored)
        for taxon_id in likely
        if taxon_id in names
    ]
    return sorted((way for way in ways if way), key=lambda way: -(way.per_hour or 0))[:MOST_WAYS]


def _likely(look: Look, every: Predicted) -> list[int]:
    taxa, group, n = np.unique(every.taxa, return_inverse=True, return_counts=True)
    means = np.bincount(group, every.scores, len(taxa)) / np.maximum(n, 1)
    gains = np.array([look.per_hour("predicted", *pair) for pair in zip(n.tolist(), means.tolist(), strict=True)])
    return taxa[np.argsort(-gains, kind="stable")[:MOST_WEIGHED]].tolist()


def _way(
    look: Look, every: Predicted, taxon_id: int, name: str, said: Judged, scored: dict[int, float], is_scored: bool
) -> Way | None:  # fmt: skip
    """None where everything was refused."""
    left = every.only(np.isin(every.taxa, branch_of(look.db, taxon_id)))
    left = left.only(~np.isin(left.ids, said.refused))
    n = len(left.ids)
    if not n:
        return None
    expected = sum(scored.get(object_id, 0.0) for object_id in said.looked.tolist())
    surest = np.argsort(-left.scores, kind="stable")
    first = surest[:MOST_AT_ONCE]  # what a batch takes
    purity = borne_out(float(left.scores[first].mean()), said.n_right, expected)
    which = f"of the {MOST_AT_ONCE:,} surest " if n > MOST_AT_ONCE else ""
    says = f"{which}{100 * purity:.0f} % right by their scores" if is_scored else UNSCORED
    if said.n:
        says += f"; {said.n_right:,} of {said.n:,} looked at so far were it"
    return Way(
        "predicted", f"Predicted {name}", says, n, look.per_hour("predicted", n, purity), purity,
        source={"kind": "predicted", "taxon_id": taxon_id}, taxon_id=taxon_id, taxon=name,
        ids=spread(left.ids[surest[:100]]),
    )  # fmt: skip


def borne_out(score: float, n_right: int, expected: float) -> float:
    """A mean score, as far as the scores of what was looked at came true: so many were right of so many expected."""
    usual = GUESS_WEIGHT * score
    return min(score * (n_right + usual) / (expected + usual), MOST) if usual else 0.0


def _scores(look: Look, ids: np.ndarray) -> dict[int, float]:
    """The current run's scores of objects that may be labelled by now."""
    found, scores = fetch_arrays(
        look.db,
        """
        select array_agg(prediction.object_id), array_agg(prediction.score)
          from prediction
          join project on project.id = prediction.project_id
                      and project.current_run_id = prediction.run_id
         where prediction.project_id = %s
           and prediction.object_id = any(%s::bigint[])
        """,
        [look.project.id, ids.tolist()],
    )
    return {} if found is None else dict(zip(found.tolist(), scores.tolist(), strict=True))
