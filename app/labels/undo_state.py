"""What the undo and the redo key would do next, for one person in one project."""

from dataclasses import dataclass

from app.database import Db


@dataclass(frozen=True)
class Step:
    """What the undo or the redo key would do next, and in which batch it was done."""

    act_id: int
    label: str
    n: int
    batch_id: int | None = None


@dataclass(frozen=True)
class UndoState:
    """The next undo and the next redo of one person in one project."""

    undo: Step | None = None
    redo: Step | None = None


def undo_state(db: Db, project_id: int, account_id: int) -> UndoState:
    """What this person's undo and redo would do now. A new act forgets what could be redone. An undo that changed
    nothing, since others labelled it all meanwhile, is redone too: its act stands again.

    Asked with every act, so it walks one's acts from the last one back, never through all of them.
    """
    rows = db.execute(
        """
        with own as not materialized (
            select id, kind, taxon_id, reverses, n_objects, reversed_by, batch_id
              from act
             where project_id = %(project_id)s
               and account_id = %(account_id)s
               and (n_objects > 0 or kind = 'undo')
        ),
        last_act as (
            select coalesce((select id
                               from own
                              where kind in ('label', 'confirm', 'doubt', 'not_this')
                              order by id desc limit 1), 0) as id
        ),
        next as (
            (select 'undo' as way, own.*
               from own
              where kind in ('label', 'confirm', 'doubt', 'not_this') and reversed_by is null
              order by id desc limit 1)
            union all
            (select 'redo', own.*
               from own, last_act
              where own.id > last_act.id and kind = 'undo' and reversed_by is null
              order by own.id desc limit 1)
        )
        select next.way, next.id, coalesce(reversed.kind, next.kind) as kind,
               coalesce(nullif(next.n_objects, 0), reversed.n_objects) as n,
               coalesce(reversed.batch_id, next.batch_id) as batch_id,
               taxon.display_name as taxon
          from next
          left join act as reversed on reversed.id = next.reverses
          left join taxon on taxon.id = coalesce(reversed.taxon_id, next.taxon_id)
        """,
        {"project_id": project_id, "account_id": account_id},
    )
    steps = {row.way: Step(row.id, describe(row.kind, row.taxon), row.n, row.batch_id) for row in rows}
    return UndoState(steps.get("undo"), steps.get("redo"))


def describe(kind: str, taxon: str | None) -> str:
    """An act in one or two words, for the undo button and the list of acts."""
    verbs = {"confirm": "confirmed", "doubt": "marked dubious", "import": "imported"}
    if kind == "not_this":
        return f"not {taxon or 'this'}"
    if kind == "replace":
        return f"replaced by {taxon}"
    return taxon or verbs.get(kind, kind)
