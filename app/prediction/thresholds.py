"""For each taxon that the current run predicts: how much of it is to be worked, and what a threshold on its score buys.

The precision is that of held-out objects with such a score: true where the project is like what the classifier learned
from. What is unlike that (novelty) is left out unless asked for, and where there is much of it, that is told. So is a
taxon that is much rarer here: more of what is called so is then something else. On PlanktonSet, of taxa made 20 times
as rare 87 to 94 % were right where 97 % were promised; weighing the held-out objects by how common their taxa seem to
be here (EM, Saerens et al., Neural Computation 2002) made that worse: 78 to 87 % of 98 % promised.
"""

from dataclasses import dataclass, replace

import numpy as np

from app.accounts.viewer import Viewer
from app.batches import refusals
from app.classifiers.held_out import read_held_out
from app.classifiers.shown import is_closed
from app.database import Db
from app.prediction.shown import ShownRun, is_carried, is_known, shown_run
from app.search.codes import PREDICTED
from app.search.graph import parents
from app.search.kept import Kept
from app.search.mirror import Mirror, open_mirror
from app.search.run_columns import novelties
from app.taxonomy.names import is_italic
from indexer.suspects import Kinship
from indexer.thresholds import FEWEST_HELD_OUT, STEPS, Curves, at_least, curves, lower_bound, suggested

RARER = 4.0  # times, from which on it is told that a taxon is rarer here
LEAST_STRANGE = 0.01  # of the objects, as which fewer novel held-out ones count
_kept = Kept(8)


@dataclass(frozen=True)
class Working:
    """All of a run that nobody has labelled nor refused, by predicted taxon (taxa int32, ascending).

    Attributes by taxon: n, n_novel, n_carried (as another classifier or an import said before), n_strange (novel, and
    not carried over), mean_score, right (the sum of scores), n_held_out. By taxon and step of the threshold: taken
    (neither novel nor carried over), taken_right (their scores' sum), novel (the others). held: the curves of held-out
    objects, the novel ones left out.
    """

    run: ShownRun
    taxa: np.ndarray
    n: np.ndarray
    n_novel: np.ndarray
    n_carried: np.ndarray
    n_strange: np.ndarray
    mean_score: np.ndarray
    right: np.ndarray
    n_held_out: np.ndarray
    taken: np.ndarray
    taken_right: np.ndarray
    novel: np.ndarray
    held: Curves
    share_novel_held_out: float
    n_held_out_in_all: int
    has_novelty: bool
    is_closed: bool = False  # nothing of held-out objects is told

    @property
    def share_novel(self) -> float:
        """Of what the run's own classifier has predicted."""
        return float(self.n_strange.sum() / max(self.n_own, 1))

    @property
    def n_own(self) -> int:
        """How many the run's own classifier has predicted."""
        return int(self.n.sum() - self.n_carried.sum())

    @property
    def is_strange(self) -> bool:
        """Whether so much is unlike the learning set that held-out figures promise too much."""
        return self.has_novelty and is_much(int(self.n_strange.sum()), self.n_own, self.share_novel_held_out)

    @property
    def nbytes(self) -> int:
        return int(self.taken.nbytes * 6)


def is_much(n_novel: int, n: int, share_held_out: float) -> bool:
    """Whether it is certain that more than twice as many are novel as were of the held-out objects."""
    return bool(lower_bound(np.array(n_novel), np.array(n)) > 2 * max(share_held_out, LEAST_STRANGE))


def working(db: Db, project_id: int) -> Working | None:
    """None where the project shows no run."""
    run = shown_run(db, project_id)
    if run is None:
        return None
    mirror = open_mirror(db, project_id)
    acts = db.execute("select max(id) as latest from act where project_id = %s", [project_id]).fetchone()
    key = (db.info.host, db.info.port, db.info.dbname, project_id, mirror.version, run, acts and acts.latest)
    made: Working = _kept.made(key, lambda: _working(db, mirror, run))
    return made


def working_for(db: Db, viewer: Viewer, project_id: int) -> Working | None:
    """The same as a viewer may know it: nothing of held-out objects where one may not read all that they are of."""
    found = working(db, project_id)
    if found is None or not is_closed(db, viewer, found.run.classifier_id):
        return found
    none, size = np.empty(0, np.int64), len(found.taxa)
    return replace(
        found, n_held_out=np.zeros(size, np.int64), held=curves(none.astype(np.float32), none, none == 0, size),
        share_novel_held_out=0.0, n_held_out_in_all=0, is_closed=True,
    )  # fmt: skip


def _working(db: Db, mirror: Mirror, run: ShownRun) -> Working:
    places = np.flatnonzero(mirror.status == PREDICTED)
    places = places[~is_refused(db, mirror)[places]]
    taxa, groups = _grouped(mirror.taxon[places])
    strange, known = novelties(db, mirror), is_known(db, mirror, run)[places]
    is_novel = strange[places] >= np.float32(run.novel_from)
    scores, size = mirror.score[places], len(taxa)
    n = np.bincount(groups, minlength=size)
    right = np.bincount(groups, np.nan_to_num(scores, nan=0.0), size)
    taken = scores[known], groups[known], size
    held, n_held_out, share_novel, n_in_all = _held(db, run, taxa)
    has_novelty = not np.isnan(strange).all()
    foreign = is_carried(db, mirror)[places]
    return Working(
        run, taxa, n, np.bincount(groups[is_novel], minlength=size), np.bincount(groups[foreign], minlength=size),
        np.bincount(groups[is_novel & ~foreign], minlength=size), right / np.maximum(n, 1), right, n_held_out,
        at_least(*taken), at_least(*taken, sums=True), at_least(scores[~known], groups[~known], size),
        held, share_novel, n_in_all, has_novelty,
    )  # fmt: skip


def _grouped(taxa: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The taxa, int32 ascending, and the place of each object's among them: by a table, since sorting takes longer."""
    table = np.bincount(taxa)
    present = np.flatnonzero(table)
    table[present] = np.arange(len(present))
    return present.astype(np.int32), table[taxa]


def is_refused(db: Db, mirror: Mirror) -> np.ndarray:
    """bool by ordinal: what a person refused for what the run predicts it as, or for a taxon above that."""
    found = np.zeros(len(mirror), bool)
    objects, taxa = refusals.standing(db, mirror.project_id)
    here = np.isin(objects, mirror.ids)
    objects, taxa = objects[here], taxa[here]
    if len(objects):
        places = np.searchsorted(mirror.ids, objects)
        seen = mirror.taxon[places]
        every = np.unique(np.append(seen, taxa))
        kin = Kinship(every, parents(db, every[every > 0]))
        found[places[(seen == taxa) | kin.above[kin.codes(seen), kin.codes(taxa)]]] = True
    return found


def _held(db: Db, run: ShownRun, taxa: np.ndarray) -> tuple[Curves, np.ndarray, float, int]:
    """The curves of these taxa, how many were held out that were called each, the share of novel ones, and how many
    were held out in all."""
    told = read_held_out(db, run.classifier_id or 0)
    place = np.searchsorted(taxa, told.firsts)
    here = place < len(taxa)
    here[here] = taxa[place[here]] == told.firsts[here]
    n_held_out = np.bincount(place[here], minlength=len(taxa))
    is_novel = told.novelties >= np.float32(run.novel_from)
    kept = here & ~is_novel
    right = is_of(db, told.truths, told.firsts)
    found = curves(told.scores[kept], place[kept], right[kept], len(taxa))
    return found, n_held_out, float(is_novel.mean()) if len(is_novel) else 0.0, len(told)


def is_of(db: Db, truths: np.ndarray, taxa: np.ndarray) -> np.ndarray:
    """Whether each truth is the taxon, or one below it: what is called so is then right, as in an audit."""
    every = np.unique(np.append(truths, taxa))
    if not len(every):
        return np.zeros(0, bool)
    kin = Kinship(every, parents(db, every[every > 0]))
    found: np.ndarray = (truths == taxa) | kin.above[kin.codes(truths), kin.codes(taxa)]
    return found


@dataclass(frozen=True)
class TaxonAtWork:
    """A predicted taxon. `n` objects that nobody labelled nor refused, `n_novel` of them unlike the learning set,
    `n_carried` as another classifier or an import said before; `expected_right` by their scores. `threshold`: the
    lowest score from which on held-out objects were right as often as wished, null where none is, or too few were held
    out to tell. Of what has at least such a score and is neither: `n_taken`, `by_score` of it right by its scores; of
    held-out objects `n_above` with `precision`, which is at least `precision_at_least` (at 95 % confidence).
    `is_strange`, `times_rarer`: why it will be right less often here: much of it is novel; it is so many times as rare
    as among the held-out objects (null: not much rarer). Of held-out objects nothing is told to who may not read all
    that they are of."""

    taxon_id: int
    taxon: str
    italic: bool
    n: int
    n_novel: int
    n_carried: int
    mean_score: float
    expected_right: float
    n_held_out: int
    is_strange: bool
    times_rarer: float | None
    threshold: float | None
    n_taken: int
    by_score: float | None
    n_above: int
    precision: float | None
    precision_at_least: float | None


@dataclass(frozen=True)
class Curve:
    """One taxon's curve in steps of a hundredth of the score, from 0 to 1: how many objects have at least such a score
    (`taken`; and `novel` of what is unlike the learning set or was carried over), what their scores promise
    (`by_score`), how many held-out ones (`held_out`), their precision and what it is at least. In percent; null where
    there is nothing."""

    taxon_id: int
    taken: list[int]
    novel: list[int]
    by_score: list[float | None]
    held_out: list[int]
    precision: list[float | None]
    at_least: list[float | None]
    fewest: int = FEWEST_HELD_OUT


def taxa_at_work(db: Db, found: Working, wished: float) -> list[TaxonAtWork]:
    """Those with the most objects first, without deprecated ones: nothing can be accepted as these."""
    rows = db.execute(
        "select id, display_name, name, rank, type from taxon where id = any(%s) and status <> 'D'",
        [found.taxa.tolist()],
    )
    names = {row.id: (row.display_name, is_italic(row.name, row.rank or "", row.type or "")) for row in rows}
    steps = suggested(found.held, wished)
    order = np.lexsort((found.taxa, -found.n))
    return [
        _at_work(found, place, int(steps[place]), names) for place in order.tolist() if int(found.taxa[place]) in names
    ]


def _at_work(found: Working, place: int, step: int, names: dict[int, tuple[str, bool]]) -> TaxonAtWork:
    taxon_id, at = int(found.taxa[place]), step if step >= 0 else STEPS - 1
    n, n_carried, n_above = int(found.n[place]), int(found.n_carried[place]), int(found.held.n[place, at])
    return TaxonAtWork(
        taxon_id, *names[taxon_id], n, int(found.n_novel[place]), n_carried, float(found.mean_score[place]),
        float(found.right[place]), int(found.n_held_out[place]),
        found.has_novelty and is_much(int(found.n_strange[place]), n - n_carried, found.share_novel_held_out),
        _times_rarer(found, place),
        step / 100 if step >= 0 else None, int(found.taken[place, at]),
        _share(found.taken_right[place, at], found.taken[place, at]), n_above,
        float(found.held.precision[place, at]) if n_above else None,
        float(found.held.lower[place, at]) if n_above else None,
    )  # fmt: skip


def _times_rarer(found: Working, place: int) -> float | None:
    n = int(found.n[place] - found.n_carried[place])
    if not n or found.n_held_out[place] < FEWEST_HELD_OUT:
        return None
    times = float(found.n_held_out[place] / max(found.n_held_out_in_all, 1) / (n / found.n_own))
    return round(times, 1) if times >= RARER else None


def _share(part: float, whole: int) -> float | None:
    return float(part / whole) if whole else None


def curve_of(found: Working, taxon_id: int) -> Curve | None:
    """None where the run predicts nothing as this taxon that is left to work."""
    place = int(np.searchsorted(found.taxa, taxon_id))
    if place == len(found.taxa) or found.taxa[place] != taxon_id:
        return None
    n, taken = found.held.n[place], found.taken[place]
    by_score = found.taken_right[place] / np.maximum(taken, 1)
    return Curve(
        taxon_id, taken.tolist(), found.novel[place].tolist(), _percent(by_score, taken), n.tolist(),
        _percent(found.held.precision[place], n), _percent(found.held.lower[place], n),
    )  # fmt: skip


def _percent(shares: np.ndarray, n: np.ndarray) -> list[float | None]:
    return [round(100 * share, 1) if some else None for share, some in zip(shares.tolist(), n.tolist(), strict=True)]
