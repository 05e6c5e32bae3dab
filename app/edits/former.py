"""What stood before an edit of columns: of each value the last one below it that nobody took back.

As labels have it (app/labels/former.py): an edit that was undone while a later one stood on it changed nothing there,
and is passed over when that one is undone. So after any undos, in whatever order, a thing has the last value that
nobody took back. What had been undone before something else was written is told by its value, which did not stand any
more.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from psycopg import sql

from app.database import Db
from app.edits.columns import EditColumn
from app.edits.writing import parts_of, thing_id
from app.labels.changes import array
from app.labels.in_bin import bin_of

State = Literal["back", "bin", "under", "changed", "done"]


@dataclass(frozen=True)
class Cell:
    """A value that an edit wrote. `state`: it goes `back` to `value`; would, but the object is in the `bin`; stays
    `under` that of the later edit `under_id`; was `changed` otherwise; or is what stood before already, `done`."""

    id: int
    value: str | None
    state: State
    under_id: int | None


def cells(db: Db, project_id: int, of_act_id: int, column: EditColumn, place: int, ids: Sequence[int]) -> list[Cell]:
    """Of these things, in the order of their ids; things that were erased for good have none."""
    values = {
        "project_id": project_id, "bin_id": bin_of(db, project_id), "of_act_id": of_act_id, "place": place,
        "ids": array(ids), "level": column.level, "name": column.name,
    }  # fmt: skip
    thing = thing_id(column.level)
    query = _CELLS.format(thing=thing, changes=_CHANGES, **parts_of(column))
    return [Cell(*row) for row in db.execute(query, values)]


# What other edits did to the same column.
_CHANGES = sql.SQL(
    """
select change.old_value, change.new_value, change.written_at, other.id as act_id, other.undone
  from other
  join field_change as change on change.act_id = other.id
                             and change.place = other.place"""
)
_CELLS = sql.SQL(
    """
with recursive other as materialized (
    select act.id, act.reversed_by is not null as undone, (named.place - 1)::smallint as place
      from act
     cross join lateral jsonb_array_elements_text(act.detail -> 'columns') with ordinality as named (name, place)
     where act.project_id = %(project_id)s
       and act.kind = 'edit'
       and act.id <> %(of_act_id)s
       and act.detail -> 'wish' ->> 'level' = %(level)s
       and named.name = %(name)s
),
chain as (
    select {thing} as id, old_value as value, written_at, new_value, written_at as given_at
      from field_change
     where act_id = %(of_act_id)s
       and place = %(place)s
       and {thing} = any(%(ids)s::bigint[])
    union all
    select chain.id, below.old_value, below.written_at, chain.new_value, chain.given_at
      from chain
     cross join lateral ({changes}
            where change.{thing} = chain.id
              and change.written_at < chain.written_at
              and (not other.undone or change.new_value is not distinct from chain.value)
            order by change.written_at desc
            limit 1) as below
     where below.undone
),
-- In one row with what the edit wrote: joined, all pairs were compared, as the planner cannot know the sizes.
given as (
    select distinct on (id) id, value, new_value, given_at
      from chain
     order by id, written_at
)
select given.id, {new} as value,
       case when above.act_id is not null then 'under'
            when {old} is not distinct from {new} then 'done'
            when {old} is distinct from given.new_value then 'changed'
            when t.project_id = %(bin_id)s then 'bin'
            else 'back' end as state,
       above.act_id as under_id
  from given
  join {table} as t on t.project_id in (%(project_id)s, %(bin_id)s)
                   and t.{key} = given.id
                   and t.{key} = any(%(ids)s::bigint[])
  left join lateral ({changes}
        where change.{thing} = given.id
          and change.written_at > given.given_at
          and not other.undone
        order by change.written_at desc
        limit 1) as above on true
 order by given.id
"""
)
