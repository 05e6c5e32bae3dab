"""What people have said already of what the neighbours speak for: the evidence that a promise has to stand up to."""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from app.batches import refusals
from app.search.arrays import fetch_arrays
from app.search.codes import VALIDATED
from app.search.graph import parents
from app.start.way import Look
from indexer.suspects import Kinship

NONE = np.empty(0, np.int64)
PRIOR, PRIOR_WEIGHT = 0.5, 6.0  # of neighbours of whom nothing is known
GUESS_WEIGHT = 10.0  # objects that were looked at, as much as which the guess weighs
ONE_SIDED_90 = 1.28
MOST = 0.95  # nobody has seen them


@dataclass(frozen=True)
class Judged:
    """Of one taxon. `n_right` of `n` that were looked at in batches of one kind are labelled with it now.

    Attributes: looked, int64, these objects; gone, int64, what any batch of the taxon has shown, or was refused for it;
    refused, int64, of these what is not it.
    """

    n_right: int = 0
    looked: np.ndarray = field(default_factory=lambda: NONE)
    gone: np.ndarray = field(default_factory=lambda: NONE)
    refused: np.ndarray = field(default_factory=lambda: NONE)

    @property
    def n(self) -> int:
        return len(self.looked)


def judged(look: Look, taxa: list[int], kind: Literal["stragglers", "predicted"]) -> dict[int, Judged]:
    """Passed over is as good as refused here: it was looked at, and was not labelled so."""
    if not taxa:
        return {}
    of, ids, told = _shown(look, taxa, kind)
    places = look.mirror.ordinals(ids)
    is_labelled = look.mirror.status[places] == VALIDATED
    labels = np.where(is_labelled, look.mirror.taxon[places], 0)
    every = np.unique(np.append(labels, taxa))
    above = parents(look.db, every[every > 0])
    kin = Kinship(every, above)
    is_right = (labels == of) | kin.above[kin.codes(labels), kin.codes(of)]
    refused = _refused(look, taxa, above)
    found = {}
    for taxon_id in taxa:
        mine, no = of == taxon_id, refused[taxon_id]
        counted = mine & told
        gone = np.union1d(ids[mine], no)
        found[taxon_id] = Judged(int(np.count_nonzero(is_right & counted)), ids[counted], gone, no)
    return found


def purity_of(n_right: int, n_known: int, agreement: float, said: Judged) -> float:
    """How many of what the neighbours speak for are right: rather too few than too many.

    `n_right` of `n_known`: how the neighbours speak of what is known. That is what people chose to label, so it counts
    only as far as the neighbours of the others agree (`agreement`), and less than what was looked at itself.
    """
    guess = lower_bound(n_right + PRIOR * PRIOR_WEIGHT, n_known + PRIOR_WEIGHT) * agreement
    return min((said.n_right + GUESS_WEIGHT * guess) / (said.n + GUESS_WEIGHT), MOST)


def lower_bound(n_right: float, n: float) -> float:
    """Wilson's, that holds nine times in ten."""
    share, z2 = n_right / n, ONE_SIDED_90**2
    spread = ONE_SIDED_90 * np.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    return float((share + z2 / (2 * n) - spread) / (1 + z2 / n))


def _shown(look: Look, taxa: list[int], kind: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What was seen in batches of these taxa: taxon, object, and whether it was judged in one of the kind; what an
    earlier run predicted says nothing of the present one."""
    of, ids, told = fetch_arrays(
        look.db,
        """
        select array_agg(taxon_id), array_agg(id), array_agg(told)
          from (select batch.taxon_id, tile.id,
                       max((batch.source = %(kind)s
                            and batch_page.done_at is not null
                            and (batch.source <> 'predicted' or batch.made_at >= shows.since))::int) as told
                  from batch
                  join batch_page on batch_page.batch_id = batch.id
                 cross join (select coalesce(run.published_at, run.created_at, '-infinity') as since
                               from project
                               left join run on run.id = project.current_run_id
                              where project.id = %(project_id)s) as shows,
                       unnest(batch_page.object_ids, batch_page.seen) as tile (id, seen)
                 where batch.project_id = %(project_id)s
                   and batch.taxon_id = any(%(taxa)s::int[])
                   and tile.seen = 1
                 group by batch.taxon_id, tile.id) as shown
        """,
        {"project_id": look.project.id, "kind": kind, "taxa": taxa},
    )
    if of is None:
        return np.empty(0, np.int32), NONE, np.empty(0, bool)
    there = np.isin(ids, look.mirror.ids)
    return of[there], ids[there], told[there] > 0


def _refused(look: Look, taxa: list[int], above: dict[int, int | None]) -> dict[int, np.ndarray]:
    """What was refused for each of the taxa, or for one above it."""
    lineages = {taxon_id: _lineage(taxon_id, above) for taxon_id in taxa}
    asked = sorted({one for lineage in lineages.values() for one in lineage})
    objects, refused = refusals.standing(look.db, look.project.id, asked)
    return {taxon_id: np.unique(objects[np.isin(refused, lineages[taxon_id])]) for taxon_id in taxa}


def _lineage(taxon_id: int, above: dict[int, int | None]) -> list[int]:
    lineage = [taxon_id]
    while (higher := above.get(lineage[-1])) and higher not in lineage:
        lineage.append(higher)
    return lineage
