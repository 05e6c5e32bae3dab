"""Which way of fitting is taken: the one that says most of the held-out objects rightly.

The forest takes longer than all else together, and on vectors it is rarely the best: it is first tried small, on some
of the objects and with fewer trees, and in full only where it comes near.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from indexer.classifier import calibration
from indexer.classifier.base import Learnt, softmax
from indexer.classifier.folds import N_FOLDS, Plan
from indexer.classifier.methods import Recipe
from indexer.classifier.model import Member
from indexer.classifier.progress import STRANGENESS, Told

TRIED_ON = 10_000  # objects that are fitted on and held out in all trials of one recipe, about
SMALL, SEED = 5000, 1
LIKELY = 0.1  # is it, before the small one has told, that the whole forest is tried
NEAR = 0.02  # a small forest that is so much worse than the best of the others is tried no further


@dataclass(frozen=True)
class Trial:
    """A recipe, and what it said of folds that were held out: by number of the fold, the rows and the logits, float32
    [m, k]; `member`: what was fitted beside the last of them."""

    recipe: Recipe
    said: dict[int, tuple[np.ndarray, np.ndarray]]
    member: Member | None
    accuracy: float
    loss: float
    seconds: float
    n_held_out: int = 0

    def forgotten(self) -> Trial:
        """With its figures only: of a thousand taxa, what was said takes as much as the vectors."""
        return replace(self, said={}, member=None)

    @property
    def rows(self) -> np.ndarray:
        return np.concatenate([np.empty(0, np.int64), *(rows for rows, _ in self.said.values())])

    def logits(self, n_taxa: int) -> np.ndarray:
        return np.concatenate([np.empty((0, n_taxa), np.float32), *(logits for _, logits in self.said.values())])


@dataclass(frozen=True)
class Chosen:
    """The best trial, all that were made in full, and the small forest's beside the best's on the same objects."""

    best: Trial
    trials: list[Trial]
    small: tuple[Trial, Trial] | None = None

    def told(self) -> dict[str, Any]:
        """For the report: the method, and the figures that it was chosen by."""
        small = {} if self.small is None else {"small": [_figures(trial) for trial in self.small]}
        return {
            "method": self.best.recipe.method,
            "settings": self.best.recipe.words,
            "chosen_because": {"candidates": {trial.recipe.name: _figures(trial) for trial in self.trials}, **small},
        }


def _figures(trial: Trial) -> dict[str, Any]:
    return {
        "name": trial.recipe.name,
        "method": trial.recipe.method,
        "accuracy": round(trial.accuracy, 4),
        "loss": round(trial.loss, 4),
        "n_held_out": trial.n_held_out,
        "seconds": round(trial.seconds, 2),
    }


def choose(data: Learnt, plan: Plan, ways: list[Recipe], tell: Told) -> Chosen:
    """Try recipes on the first folds that hold anything; where none does, nothing is tried and the first is taken."""
    folds = [number for number in range(N_FOLDS) if len(plan.rows(number)[1])]
    if not folds:
        return Chosen(Trial(ways[0], {}, None, 0.0, 0.0, 0.0), [])
    folds = folds[: int(np.clip(TRIED_ON // plan.n_asked, 1, len(folds)))]
    light = [way for way in ways if way.method != "forest"] or ways
    n, every = len(data.y), len(data.y) * len(folds)
    whole, small_one = (ways[-1], ways[-1].small or ways[-1]) if len(light) < len(ways) else (None, None)
    rest = (max(way.weight for way in light) + 2 * STRANGENESS) * n
    of_forest = small_one.weight * min(n, SMALL) + LIKELY * whole.weight * every if whole and small_one else 0.0
    tell.expect(sum(way.weight for way in light) * every + of_forest + rest)
    trials: list[Trial] = []
    for recipe in light:
        trials = _with(trials, held_out(data, plan, recipe, folds, tell, f"trying {recipe.name}"))
    best = _best(trials)
    if whole is None:
        return Chosen(best, trials)
    small = _small(data, plan, folds[0], whole, best.recipe, tell)
    if small[0].accuracy > small[1].accuracy - NEAR:
        tell.expect(whole.weight * every + rest)
        trials = _with(trials, held_out(data, plan, whole, folds, tell, f"trying {whole.name}"))
    return Chosen(_best(trials), trials, small)


def _with(trials: list[Trial], new: Trial) -> list[Trial]:
    """All of them, of which the best only keeps what it said."""
    best = _best([*trials, new])
    return [trial if trial is best else trial.forgotten() for trial in (*trials, new)]


def _best(trials: list[Trial]) -> Trial:
    return min(trials, key=lambda trial: (-trial.accuracy, trial.loss))


def _small(data: Learnt, plan: Plan, fold: int, forest: Recipe, rival: Recipe, tell: Told) -> tuple[Trial, Trial]:
    """A small forest and the best of the others, on the same objects of one fold."""
    learn, held = plan.rows(fold)
    if len(data.y) > SMALL:
        chance = np.random.default_rng(SEED)
        learn = np.sort(chance.choice(learn, 4 * SMALL // 5, replace=False))
        held = np.sort(chance.choice(held, min(len(held), SMALL // 5), replace=False))
    rows = np.concatenate([learn, held])
    there = Plan(np.repeat(np.array([-1, 0], np.int8), [len(learn), len(held)]), plan.by_group)
    part = data.part(rows)
    words = "trying a small forest"
    small = held_out(part, there, forest.small or forest, [0], tell, words)
    return small, held_out(part, there, rival, [0], tell, words)


def held_out(data: Learnt, plan: Plan, recipe: Recipe, folds: Iterable[int], tell: Told, words: str) -> Trial:
    """What a recipe says of folds that it is not fitted on; `words`: what that is, as people are told."""
    begun = time.monotonic()
    said, member = {}, None
    for number in folds:
        learn, held = plan.rows(number)
        tell.begin(words, recipe.weight * len(data.y))
        member = recipe.fit(data.part(learn), None)
        said[number] = (held, member.logits(data.x[held]))
    trial = Trial(recipe, said, member, 0.0, 0.0, 0.0)
    truth, logits = data.y[trial.rows], trial.logits(data.n_taxa)
    chances = softmax(logits * np.float32(calibration.temperature(logits, truth)))
    loss = float(-np.log(np.maximum(chances[np.arange(len(truth)), truth], 1e-12)).mean())
    accuracy = float((logits.argmax(axis=1) == truth).mean())
    return Trial(recipe, said, member, accuracy, loss, time.monotonic() - begun, len(truth))
