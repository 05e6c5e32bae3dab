"""The statements that change labels in mass, and those that tell beforehand what they would do."""

from datetime import datetime
from typing import Any

import numpy as np

from app.edits.label_wishes import LabelsWish
from app.labels import changes
from app.labels.changes import array
from app.labels.former import former

# Labels of `history` or `label` that are meant, by their own columns.
_OF_WISH = """
    ({0}account_id is not distinct from %(who)s::int or %(who)s::int is null or %(others)s)
    and not (%(others)s and {0}account_id is not distinct from %(who)s::int)
    and (%(since)s::timestamptz is null or {0}at >= %(since)s)
    and (%(until)s::timestamptz is null or {0}at <= %(until)s)"""
_HELD = f"""
held as materialized (
    select label.ctid as place, label.object_id, label.version, label.status, label.taxon_id, label.account_id,
           label.at, label.provenance, label.act_id
      from label
     where label.project_id = %(project_id)s
       and label.object_id = any(%(object_ids)s::bigint[])
       and label.status in ('D', 'V')
       and label.at <= %(asked_at)s
       and {_OF_WISH.format("label.")}
     order by label.object_id
       for no key update
)"""  # noqa: S608 (constants)
_PREDICTED = """
      join project on project.id = %(project_id)s
      left join prediction on prediction.project_id = %(project_id)s and prediction.object_id = held.object_id
                          and prediction.run_id = project.current_run_id"""
_KEPT = """
           held.place, held.version, held.status, held.taxon_id, held.account_id, held.at, held.provenance, held.act_id,
           project.current_run_id as run_id, prediction.taxon_id as predicted_taxon_id, prediction.score"""

_ERASE = changes.changing(
    f"""
with {_HELD},
asked as materialized (
    select held.object_id, 'U' as to_status, null::int as to_taxon_id, null::int as to_account_id, now() as to_at,
           held.provenance as to_provenance, %(act_id)s::bigint as to_act_id, {_KEPT}, true as fits
      from held
      {_PREDICTED}
),
""",  # noqa: S608 (constants)
    counted=True,
)
_RECLASSIFY = changes.changing(
    f"""
with {_HELD},
asked as materialized (
    select held.object_id, held.status as to_status, %(taxon_id)s::int as to_taxon_id,
           held.account_id as to_account_id, held.at as to_at, held.provenance as to_provenance,
           %(act_id)s::bigint as to_act_id, {_KEPT}, held.taxon_id <> %(taxon_id)s::int as fits
      from held
      {_PREDICTED}
),
""",  # noqa: S608 (constants)
    counted=True,
)
# Down to the last label below that is not meant; imported ones have nothing below them.
_CHAIN = """
      from held
      join history on history.project_id = %(project_id)s
                  and history.act_id = held.act_id
                  and history.object_id = held.object_id"""
_MEANT_TOO = f"history.old_status in ('D', 'V') and {_OF_WISH.format('history.old_')}"
_BEFORE = f"""
with recursive {_HELD},
{former(_CHAIN, _MEANT_TOO)}"""
_RESET = changes.changing(
    f"""{_BEFORE},
asked as materialized (
    select held.object_id, coalesce(former.old_status, 'U') as to_status, former.old_taxon_id as to_taxon_id,
           former.old_account_id as to_account_id, coalesce(former.old_at, now()) as to_at,
           coalesce(former.old_provenance, held.provenance) as to_provenance, %(act_id)s::bigint as to_act_id,
           {_KEPT}, true as fits
      from held
      left join former on former.object_id = held.object_id
      {_PREDICTED}
),
""",  # noqa: S608 (constants)
    counted=True,
)
STATEMENTS = {"erase": _ERASE, "predicted": _ERASE, "reclassify": _RECLASSIFY, "reset": _RESET}

TURNED = {
    "reset": f"""{_BEFORE}
    select held.status, held.taxon_id, coalesce(former.old_status, 'U') as to_status, former.old_taxon_id,
           prediction.taxon_id as predicted_taxon_id, count(*) as n
      from held
      left join former on former.object_id = held.object_id
      {_PREDICTED}
     group by 1, 2, 3, 4, 5""",  # noqa: S608 (constants)
    "erase": f"""
    with {_HELD}
    select held.status, held.taxon_id, 'U' as to_status, null::int as old_taxon_id,
           prediction.taxon_id as predicted_taxon_id, count(*) as n
      from held
      {_PREDICTED}
     group by 1, 2, 3, 4, 5""",  # noqa: S608 (constants)
}


def parameters(project_id: int, act_id: int, wish: LabelsWish, asked_at: datetime, ids: np.ndarray) -> dict[str, Any]:
    return {
        "project_id": project_id, "act_id": act_id, "object_ids": array(ids.tolist()), "asked_at": asked_at,
        "who": wish.who, "others": wish.others, "since": wish.since, "until": wish.until, "taxon_id": wish.taxon_id,
    }  # fmt: skip


# Each object's label as it was before the edit, where the edit is still what stands.
TAKE_BACK = changes.changing(
    f"""
with recursive {
        former(
            '''
      from (select *
              from history
             where project_id = %(project_id)s
               and act_id = %(of_act_id)s
               and object_id = any(%(object_ids)s::bigint[])) as history'''
        )
    },
asked as materialized (
    select former.object_id, coalesce(former.old_status, 'U') as to_status, former.old_taxon_id as to_taxon_id,
           former.old_account_id as to_account_id, coalesce(former.old_at, now()) as to_at,
           coalesce(former.old_provenance, 'single') as to_provenance, former.old_act_id as to_act_id,
           label.ctid as place, label.version, label.status, label.taxon_id, label.account_id, label.at,
           label.provenance, label.act_id,
           project.current_run_id as run_id, prediction.taxon_id as predicted_taxon_id, prediction.score,
           label.act_id is not distinct from %(of_act_id)s::bigint as fits
      from former
      join project on project.id = %(project_id)s
      join label on label.project_id = %(project_id)s and label.object_id = former.object_id
                and label.object_id = any(%(object_ids)s::bigint[])
      left join prediction on prediction.project_id = %(project_id)s and prediction.object_id = former.object_id
                          and prediction.run_id = project.current_run_id
     order by former.object_id
       for no key update of label
),
""",  # noqa: S608 (constants)
    counted=True,
)
