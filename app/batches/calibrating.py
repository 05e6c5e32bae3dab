"""What distances mean in a project: the chance of the same label, from its validated objects, kept until these grow.

The pairs are made as batches are: some validated objects of a taxon are the examples, and the nearest others of a
sample are looked at. Their distance is that to the mean of the examples, so each number of examples has its own curve.
"""

import math
import time

import numpy as np

from app.batches.ordering import Compared
from app.batches.vectors import compared
from app.database import Db
from app.search.codes import VALIDATED
from app.search.kept import Kept
from app.search.mirror import Mirror, open_mirror
from app.search.sizes import weight_of
from app.search.voters import evenly
from app.spaces.current import space_of
from indexer.neighbours import Calibration, mean_direction

EXAMPLES = (1, 3, 10, 30)  # numbers of examples for which there is a curve
FEWEST, SAMPLE, QUERIES, NEAREST = 30, 4000, 250, 200
GROWTH = 1.2  # of the validated objects, after which a curve is made anew
MOST_KEPT = 64
NONE_FOR_S = 60.0  # where nothing could be told, vectors may still come

_kept = Kept(MOST_KEPT)


def calibration(db: Db, project: Compared, n_examples: int) -> Calibration | None:
    """The curve for so many examples; None where too little is validated to tell."""
    mirror = open_mirror(db, project.id)
    validated = np.flatnonzero(mirror.status == VALIDATED)
    if len(validated) < FEWEST:
        return None
    n = max(few for few in EXAMPLES if few <= max(1, n_examples))
    size = int(math.log(len(validated), GROWTH))
    where = (project.id, project.embedder_id, space_of(project), weight_of(project))
    key = (db.info.host, db.info.port, db.info.dbname, *where, n, size)
    curve, made_at = _kept.get(key) or (None, -NONE_FOR_S)
    if curve is None and time.monotonic() - made_at >= NONE_FOR_S:
        curve = _fitted(db, project, mirror, validated, n)
        _kept.put(key, (curve, time.monotonic()))
    return curve


def _fitted(db: Db, project: Compared, mirror: Mirror, validated: np.ndarray, n: int) -> Calibration | None:
    rng = np.random.default_rng(n)
    chosen = np.sort(rng.choice(validated, min(SAMPLE, len(validated)), replace=False))
    vectors, has = compared(db, project, mirror.ids[chosen])
    if 2 * np.count_nonzero(has) < len(chosen):
        # Of a reference with another embedder, only the first ones of each taxon have a vector in this space.
        chosen = np.sort(evenly(mirror, validated, SAMPLE))
        vectors, has = compared(db, project, mirror.ids[chosen])
    vectors, taxa = vectors[has], mirror.taxon[chosen[has]]
    if len(vectors) <= n:
        return None
    is_same = _same_label(db, np.unique(taxa))
    distances, same = [], []
    for row in rng.choice(len(vectors), min(QUERIES, len(vectors)), replace=False):
        kin = np.flatnonzero(taxa == taxa[row])
        if len(kin) <= n:
            continue
        examples = rng.choice(kin, n, replace=False)
        others = np.delete(np.arange(len(vectors)), examples)
        apart = 1 - vectors[others] @ mean_direction(vectors[examples])
        near = np.argpartition(apart, min(NEAREST, len(apart)) - 1)[:NEAREST]
        distances.append(apart[near])
        same.append(np.isin(taxa[others[near]], is_same[int(taxa[row])]))
    return Calibration.fit(np.concatenate(distances), np.concatenate(same)) if distances else None


def _same_label(db: Db, taxa: np.ndarray) -> dict[int, np.ndarray]:
    """For each taxon, itself and all that is below it."""
    rows = db.execute(
        """
        with recursive branch as (
            select id as top, id from unnest(%s::int[]) as id
            union
            select branch.top, taxon.id from branch join taxon on taxon.parent_id = branch.id
        )
        select top, array_agg(id) as ids from branch group by top
        """,
        [taxa.tolist()],
    )
    return {row.top: np.array(row.ids, np.int32) for row in rows}
