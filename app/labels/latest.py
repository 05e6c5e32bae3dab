"""Who changed an object's label last, and by which edit: also where that left no label, whose row names nobody."""

from collections.abc import Sequence
from typing import NamedTuple

from psycopg.rows import tuple_row

from app.database import Db
from app.labels.changes import array

# Of `touched.object_id`.
LATEST = """
      left join lateral (
           select act.id as act_id, act.account_id,
                  case when act.kind in ('edit', 'undo_edit') then act.detail ->> 'words' end as edit
             from history
             join act on act.id = history.act_id
            where history.project_id = %(project_id)s
              and history.object_id = touched.object_id
            order by history.new_version desc
            limit 1) as latest on true"""


class Latest(NamedTuple):
    """`edit`: in words, where it was one, or its undo."""

    by_id: int | None
    by: str | None
    edit: str | None


def latest_changes(db: Db, project_id: int, object_ids: Sequence[int]) -> dict[int, Latest]:
    """Of the objects whose label somebody changed ever; one that came with its object is none."""
    query = f"""
    select touched.object_id, latest.account_id, account.name, latest.edit
      from unnest(%(object_ids)s::bigint[]) as touched (object_id)
      {LATEST}
      left join account on account.id = latest.account_id
     where latest.act_id is not null
    """  # noqa: S608 (constants)
    with db.cursor(row_factory=tuple_row) as cursor:
        rows = cursor.execute(query, {"project_id": project_id, "object_ids": array(object_ids)})
        return {object_id: Latest(*latest) for object_id, *latest in rows}
