"""Dubious labels with what their authors said of them and would say otherwise, and what others answered."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.batches.lineages import names_of_taxa
from app.batches.review import find_doubts
from app.batches.sources import Batched
from app.database import Db
from app.errors import Conflict, NotFound, Refused
from app.labels.acts import Labeller
from app.labels.changes import array
from app.taxonomy.names import UNKNOWN_TAXON

MOST_SHOWN = 100


@dataclass(frozen=True)
class Doubt:
    """A dubious label. `second_id`: what its author would call it otherwise, else what the current run does."""

    object_id: int
    orig_id: str
    taxon_id: int
    taxon: str
    account_id: int | None
    account: str | None
    at: datetime
    state: str
    comments: list[str]
    second_id: int | None
    second: str | None
    is_second_s_author: bool  # the second choice is the author's, not the machine's


@dataclass(frozen=True)
class Answer:
    """What became of one's own dubious label: who said what of it, and why."""

    object_id: int
    orig_id: str
    was: str
    now: str
    status: str
    by: str | None
    at: datetime
    comment: str | None


def read(db: Db, project: Batched, account: Labeller, args: dict[str, Any], mine: bool = False) -> list[Doubt]:
    """Of others (of a person or a taxon where `args` say so), or one's own; the latest first."""
    args = {**args, "who": account.id} if mine else args
    ids = find_doubts(db, project, account, args, MOST_SHOWN).ids.tolist()
    rows = db.execute(
        """
        select object.id, object.orig_id, label.taxon_id, taxon.display_name as taxon, label.account_id,
               account.name as account, label.at, label.version || '.0' as state,
               array(select comment.text
                       from comment
                      where comment.project_id = object.project_id
                        and comment.object_id = object.id
                      order by comment.id) as comments,
               second.id as second_id, second.display_name as second, chosen.taxon_id is not null as is_author
          from label
          join object on object.project_id = label.project_id and object.id = label.object_id
          join project on project.id = label.project_id
          join taxon on taxon.id = label.taxon_id
          left join account on account.id = label.account_id
          left join second_choice as chosen on chosen.project_id = label.project_id
               and chosen.object_id = label.object_id and chosen.account_id = label.account_id
          left join prediction on prediction.project_id = label.project_id
               and prediction.run_id = project.current_run_id and prediction.object_id = label.object_id
          left join taxon as second on second.id = coalesce(chosen.taxon_id,
               case when prediction.taxon_id <> label.taxon_id then prediction.taxon_id else prediction.taxon_2_id end)
         where label.project_id = %s
           and label.object_id = any(%s::bigint[])
           and label.status = 'D'
        """,
        [project.id, array(ids)],
    ).fetchall()
    place = {object_id: k for k, object_id in enumerate(ids)}
    return [Doubt(*row) for row in sorted(rows, key=lambda row: place[row.id])]


def choose_second(db: Db, project_id: int, account: Labeller, object_id: int, taxon_id: int | None) -> None:
    """What one would call one's own dubious label otherwise; null: nothing."""
    row = db.execute(
        "select account_id, status, taxon_id from label where project_id = %s and object_id = %s",
        [project_id, object_id],
    ).fetchone()
    if row is None:
        raise NotFound("No label stands on this object, or it is not of this project: there is nothing to doubt.")
    if row.status != "D" or row.account_id != account.id:
        raise Conflict("A second choice belongs to one's own dubious label, and this object has none of yours.")
    if taxon_id == row.taxon_id:
        raise Refused("That is what you said first: a second choice is another taxon, or none.")
    db.execute(
        "delete from second_choice where (project_id, object_id, account_id) = (%s, %s, %s)",
        [project_id, object_id, account.id],
    )
    if taxon_id is None:
        return
    if taxon_id not in names_of_taxa(db, [taxon_id]):
        raise NotFound(UNKNOWN_TAXON)
    db.execute(
        "insert into second_choice (project_id, object_id, account_id, taxon_id) values (%s, %s, %s, %s)",
        [project_id, object_id, account.id, taxon_id],
    )


def answers(db: Db, project_id: int, account: Labeller, limit: int = 50) -> list[Answer]:
    """What others said of one's dubious labels, the latest first."""
    rows = db.execute(
        """
        select history.object_id, object.orig_id, was.display_name as was, now.display_name as now,
               history.new_status as status, account.name as by, act.at,
               (select text
                  from comment
                 where comment.project_id = history.project_id
                   and comment.object_id = history.object_id
                   and comment.account_id = act.account_id
                 order by id desc
                 limit 1) as comment
          from history
          join act on act.id = history.act_id
          join object on object.project_id = history.project_id and object.id = history.object_id
          join taxon as was on was.id = history.old_taxon_id
          join taxon as now on now.id = history.new_taxon_id
          left join account on account.id = act.account_id
         where history.project_id = %s
           and history.old_account_id = %s
           and history.old_status = 'D'
           and history.new_status in ('V', 'D')
           and act.account_id <> history.old_account_id
           and act.kind in ('label', 'confirm', 'doubt')
           and act.reversed_by is null
         order by history.act_id desc, history.object_id
         limit %s
        """,
        [project_id, account.id, limit],
    )
    return [Answer(*row) for row in rows]
