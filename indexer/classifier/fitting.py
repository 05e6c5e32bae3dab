"""From a learning set to a classifier and its report: several ways are tried on held-out objects, the best is taken."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from indexer.classifier import calibration, folds, novelty, reporting
from indexer.classifier.base import METHODS, HeldOut, Learnt, NotTrainable, Report, Settings
from indexer.classifier.choosing import Trial, choose, held_out
from indexer.classifier.folds import Plan
from indexer.classifier.frame import learn_columns, learn_frame
from indexer.classifier.methods import recipes
from indexer.classifier.model import Model, first_choices
from indexer.classifier.progress import STRANGENESS, Told

# The larger the learning set, the fewer of the five folds are held out: about so many objects in all.
ENOUGH_HELD_OUT, ENOUGH_BY_FOREST = 10_000, 2000


@dataclass(frozen=True)
class Fitted:
    """A classifier, what to expect of it (plain numbers and words, for JSON), and what it said of held-out objects."""

    model: Model
    report: dict[str, Any]
    held_out: HeldOut


def fit(
    vectors: np.ndarray,
    taxa: np.ndarray,
    groups: np.ndarray,
    settings: Settings = Settings(),  # noqa: B008 - frozen
    fields: np.ndarray | None = None,
    report: Report | None = None,
    taught: np.ndarray | None = None,
) -> Fitted:
    """Fit a classifier, and hold objects out to say what to expect of it.

    vectors: float [n, d]; taxa: int [n]; groups: int [n], what is held out together (samples); fields: float
    [n, len(settings.columns)], NaN or infinite where missing; report: called with (steps done, steps in all, what is
    done); taught: bool [n], what the embedder itself was trained on, which the classifier learns from too, but which
    says nothing of new objects: figures, scores and novelty are by the others. Raises NotTrainable.
    """
    begun = time.monotonic()
    tell = Told(report)
    known, y = _checked(vectors, taxa, settings, fields)
    columns = learn_columns(settings.columns, fields)
    kept = None if fields is None else fields[:, [settings.columns.index(name) for name in columns.names]]
    frame = learn_frame(vectors, columns)
    data = Learnt(frame.apply(vectors, kept), y, len(known), frame.n_plain)
    plan = folds.plan(y, np.asarray(groups), settings.seed, taught)
    chosen = choose(data, plan, recipes(settings, data, tell.beat), tell)
    rows, logits, strange = _held_out(data, plan, chosen.best, tell)
    knots = novelty.knots(strange)
    tell.begin(f"fitting the {chosen.best.recipe.method} on all", chosen.best.recipe.weight * len(y))
    member = chosen.best.recipe.fit(data, chosen.best.member)
    scores = calibration.fit_calibration(logits, y[rows])
    tell.begin("learning what is unlike all of it", STRANGENESS * len(y))
    strangeness = novelty.learn_strangeness(data)
    model = Model(known, chosen.best.recipe.method, frame, member, scores, strangeness, knots)
    chances = calibration.crossed(logits, y[rows], settings.seed)
    held = _told(known, y, rows, chances, novelty.share_below(strange, knots))
    told = reporting.told(held, data, known, plan) | chosen.told() | reporting.novelty(held)
    told |= {"dropped_columns": [list(each) for each in columns.dropped], "columns": list(columns.names)}
    return Fitted(model, told | {"seconds": round(time.monotonic() - begun, 1)}, held)


def _held_out(data: Learnt, plan: Plan, best: Trial, tell: Told) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows that were held out, what was said of them, float32 [m, k], and how strange they were, float32 [m]."""
    enough = ENOUGH_BY_FOREST if best.recipe.method == "forest" else ENOUGH_HELD_OUT
    n_folds = int(np.clip(enough * folds.N_FOLDS // max(plan.n_asked, 1), 1, folds.N_FOLDS))
    numbers = [number for number in range(n_folds) if len(plan.rows(number)[1])]
    said, strange = dict(best.said), []
    n_more, n, words = len(set(numbers) - said.keys()), len(data.y), "holding objects out"
    more = (n_more + 1) * best.recipe.weight + (n_more + len(said) + 1) * STRANGENESS
    tell.expect(more * n)
    for number in numbers:
        if number not in said:
            said |= held_out(data, plan, best.recipe, [number], tell, words).said
    for learn, held in (plan.rows(number) for number in said):
        tell.begin(words, STRANGENESS * n)
        strange.append(novelty.learn_strangeness(data.part(learn))(data.x[held]))
    whole = Trial(best.recipe, said, None, 0.0, 0.0, 0.0)
    return whole.rows, whole.logits(data.n_taxa), np.concatenate([np.empty(0, np.float32), *strange])


def _told(known: np.ndarray, y: np.ndarray, rows: np.ndarray, chances: np.ndarray, strange: np.ndarray) -> HeldOut:
    if not len(rows):
        none = np.empty(0, np.int32)
        return HeldOut(rows, none, none, strange, none, strange, strange)
    places, scores = first_choices(chances)
    return HeldOut(
        rows,
        known[y[rows]],
        known[places[:, 0]],
        scores[:, 0].astype(np.float32),
        known[places[:, 1]],
        scores[:, 1].astype(np.float32),
        strange,
    )


def _checked(
    vectors: np.ndarray, taxa: np.ndarray, settings: Settings, fields: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """The taxa, int32 [k], and each object's place among them; or the reason why nothing can be learnt."""
    if settings.method not in METHODS:
        raise NotTrainable(f"There is no method {settings.method!r}: say one of {', '.join(METHODS)}.")
    if not len(vectors):
        raise NotTrainable("The learning set holds no object with a vector: embed its projects first.")
    if n_broken := int((~np.isfinite(vectors).all(axis=1)).sum()):
        raise NotTrainable(
            f"{n_broken:,} of {len(vectors):,} vectors are no finite numbers: embed those objects again."
        )
    if settings.columns and (fields is None or fields.shape != (len(vectors), len(settings.columns))):
        raise NotTrainable("The values of the chosen columns are not there for every object of the learning set.")
    known, y = np.unique(np.asarray(taxa), return_inverse=True)
    if len(known) < 2:
        raise NotTrainable(
            f"All {len(y):,} objects teach the same taxon: a classifier tells taxa apart, so choose at least two."
        )
    return known.astype(np.int32), y.astype(np.int64)
