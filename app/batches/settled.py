"""Suspects on which somebody has decided: they do not come back while they carry the label that was decided on."""

import numpy as np

from app.database import Db
from app.labels.changes import array
from app.search.arrays import fetch_arrays
from app.search.codes import VALIDATED
from app.search.mirror import Mirror

KINDS = ("mistakes", "refine")


def note(db: Db, project_id: int, kind: str, act_id: int, object_ids: list[int]) -> None:
    """These were decided on by an act: each is what its label says now."""
    if kind not in KINDS or not object_ids:
        return
    db.execute(
        """
        insert into settled (project_id, object_id, kind, taxon_id, act_id)
        select project_id, object_id, %s, taxon_id, %s
          from label
         where project_id = %s
           and object_id = any(%s::bigint[])
           and status = 'V'
        on conflict do nothing
        """,
        [kind, act_id, project_id, array(object_ids)],
    )


def settled_ids(db: Db, mirror: Mirror, kind: str) -> np.ndarray:
    """Objects that are not to be suspected again, int64: decided on, or validated again by somebody else."""
    ids, taxa = fetch_arrays(
        db,
        """
        select array_agg(object_id), array_agg(taxon_id)
          from (select settled.object_id, settled.taxon_id
                  from settled
                  join act on act.id = settled.act_id
                 where settled.project_id = %(project_id)s
                   and settled.kind = %(kind)s
                   and act.reversed_by is null
                 union all
                select history.object_id, history.new_taxon_id
                  from history
                  join act on act.id = history.act_id
                 where %(kind)s = 'mistakes'
                   and history.project_id = %(project_id)s
                   and history.old_status = 'V'
                   and history.new_status = 'V'
                   and history.old_taxon_id = history.new_taxon_id
                   and act.kind in ('label', 'confirm')
                   and act.reversed_by is null) as decided
        """,
        {"project_id": mirror.project_id, "kind": kind},
    )
    if ids is None or not len(mirror):
        return np.empty(0, np.int64)
    places = np.minimum(np.searchsorted(mirror.ids, ids), len(mirror) - 1)
    still = (mirror.ids[places] == ids) & (mirror.status[places] == VALIDATED) & (mirror.taxon[places] == taxa)
    return np.unique(ids[still])
