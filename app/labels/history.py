"""Who did what and when: the past of one object, and the acts of a project."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.database import Db
from app.labels.acts import describe

WORDS = {"V": "validated", "D": "dubious"}


@dataclass(frozen=True)
class Past:
    """One change of an object's label, with what the machine had chosen at that moment."""

    at: datetime
    who: str | None
    what: str
    act_id: int
    old_status: str
    old_taxon: str | None
    new_status: str
    new_taxon: str | None
    provenance: str
    undone: bool
    machine_taxon: str | None
    machine_score: float | None


@dataclass(frozen=True)
class PastAct:
    """One act of a project. Of an undo or a redo, the taxon is that of the act which it reversed."""

    id: int
    at: datetime
    who: str | None
    account_id: int | None
    kind: str
    what: str
    taxon_id: int | None
    taxon: str | None
    status: str | None
    n: int
    n_refused: int
    undone: bool
    undone_by: str | None


def object_history(db: Db, project_id: int, object_id: int) -> list[Past]:
    """Newest first. Before a person's first word, the old state is what the machine had predicted."""
    rows = db.execute(
        """
        select act.at, account.name as who,
               case act.kind when 'label' then 'named' when 'confirm' then 'confirmed' when 'doubt' then 'doubted'
                    else act.kind end as what,
               history.act_id,
               case when coalesce(history.old_status, 'U') <> 'U' then history.old_status
                    when machine.id is not null then 'P' else 'U' end as old_status,
               coalesce(old_taxon.display_name, machine.display_name) as old_taxon,
               history.new_status, new_taxon.display_name as new_taxon,
               act.provenance, act.reversed_by is not null as undone,
               machine.display_name as machine_taxon, history.old_score as machine_score
          from history
          join act on act.id = history.act_id
          left join account on account.id = act.account_id
          left join taxon as old_taxon on old_taxon.id = history.old_taxon_id
          left join taxon as new_taxon on new_taxon.id = history.new_taxon_id
          left join taxon as machine on machine.id = history.old_predicted_taxon_id
         where history.project_id = %s
           and history.object_id = %s
         order by history.new_version desc
        """,
        [project_id, object_id],
    )
    return [Past(*row) for row in rows]


def recent_acts(
    db: Db, project_id: int, before: int | None = None, account_id: int | None = None, limit: int = 100
) -> list[PastAct]:
    """Acts that changed something, newest first, from before the act with the id `before`."""
    rows = db.execute(
        """
        select act.id, act.at, account.name as who, act.account_id, act.kind,
               coalesce(of_undo.kind, of_act.kind) as reversed_kind,
               taxon.id as taxon_id, taxon.display_name as taxon, act.status, act.n_objects as n, act.n_refused,
               act.reversed_by is not null as undone, undoer.name as undone_by
          from act
          left join account on account.id = act.account_id
          left join act as reversal on reversal.id = act.reversed_by
          left join account as undoer on undoer.id = reversal.account_id
          left join act as of_act on of_act.id = act.reverses
          left join act as of_undo on of_undo.id = of_act.reverses
          left join taxon on taxon.id = coalesce(act.taxon_id, of_act.taxon_id, of_undo.taxon_id)
         where act.project_id = %(project_id)s
           and act.n_objects > 0
           and (%(before)s::bigint is null or act.id < %(before)s)
           and (%(account_id)s::int is null or act.account_id = %(account_id)s)
         order by act.id desc
         limit %(limit)s
        """,
        {"project_id": project_id, "before": before, "account_id": account_id, "limit": limit},
    )
    return [_past_act(row) for row in rows]


def _past_act(row: Any) -> PastAct:
    said = row._asdict()
    kind = said.pop("reversed_kind")
    if row.kind == "label":
        what = f"{WORDS[row.status]} as {row.taxon}"
    elif row.kind in ("undo", "redo"):
        what = f"{'undid' if row.kind == 'undo' else 'did again'}: {describe(kind, row.taxon)}"
    else:
        what = describe(row.kind, row.taxon)
    return PastAct(what=what, **said)
