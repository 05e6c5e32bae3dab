"""Who did what and when: the past of one object, and the acts of a project."""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from app.accounts.viewer import Viewer
from app.database import Db
from app.labels.pace import IDLE_S, SAYING, SCREEN
from app.labels.undo_state import describe
from app.nouns import counted
from app.projects.access import role_of

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
class OwnAct:
    """An act of one's own, with the project as one may see it now: one's `role` there, and its `status`."""

    act: "PastAct"
    project_id: int
    project: str
    role: str
    project_status: str


@dataclass(frozen=True)
class PastAct:
    """One act of a project. Of an undo or a redo, the taxon is that of the act which it reversed.

    `left`: the account was removed since. `detail`: whose acts were taken back, or the audit under which it accepted.
    """

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
    left: bool = False
    n_in_bin: int = 0  # of an act that was undone: so many were in the bin, and keep its label
    detail: dict[str, Any] = field(default_factory=dict)
    source: str | None = None  # the kind of batch that it was done in, or the screen
    batch_id: int | None = None
    seconds: float | None = None  # since the person's act before; None after a break, and of what is no single gesture


def object_history(db: Db, project_id: int, object_id: int) -> list[Past]:
    """Newest first. Before a person's first word, the old state is what the machine had predicted. An act under an
    audit labels what was seen too: how each label came, the one that followed knows."""
    rows = db.execute(
        """
        select act.at, account.name as who,
               case act.kind when 'label' then 'named' when 'confirm' then 'confirmed' when 'doubt' then 'doubted'
                    when 'replace' then 'replaced' when 'import' then 'brought in'
                    when 'edit' then act.detail ->> 'words' when 'undo_edit' then act.detail ->> 'words'
                    else act.kind end as what,
               history.act_id,
               case when coalesce(history.old_status, 'U') <> 'U' then history.old_status
                    when machine.id is not null then 'P' else 'U' end as old_status,
               coalesce(old_taxon.display_name, machine.display_name) as old_taxon,
               history.new_status, new_taxon.display_name as new_taxon,
               case when act.kind in ('label', 'confirm', 'doubt')
                    then coalesce(lead(history.old_provenance) over (order by history.new_version), label.provenance)
                    else act.provenance end as provenance,
               act.reversed_by is not null as undone,
               machine.display_name as machine_taxon, history.old_score as machine_score
          from history
          join act on act.id = history.act_id
          left join label on label.project_id = history.project_id and label.object_id = history.object_id
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


TOLD = f"""
    act.id, act.at, account.name as who, act.account_id, act.kind,
    coalesce(of_undo.kind, of_act.kind) as reversed_kind,
    taxon.id as taxon_id, taxon.display_name as taxon, act.status, act.n_objects as n, act.n_refused,
    act.reversed_by is not null as undone, undoer.name as undone_by, account.removed_at is not null as left,
    coalesce((reversal.detail ->> 'n_in_bin')::int, 0) as n_in_bin,
    act.detail - array['back', 'stays'] as detail, whose.name as whose, act.batch_id,
    coalesce(batch.source, case when act.kind in {SAYING} or act.provenance = 'api' then {SCREEN} end) as source,
    extract(epoch from act.at - (select at
                                   from act as before
                                  where before.project_id = act.project_id
                                    and before.account_id = act.account_id
                                    and (before.at, before.id) < (act.at, act.id)
                                  order by before.at desc, before.id desc
                                  limit 1))::float8 as seconds
"""  # noqa: S608 (constants)
# By when they were done: what came with a merged project has newer numbers than what was done since.
BEFORE = """
    (%(before)s::bigint is null
     or (act.at, act.id) < (select last.at, last.id from act as last where last.id = %(before)s))"""
# An undo of many acts may have lifted refusals alone.
CHANGED = "(act.n_objects > 0 or act.kind in ('undo_all', 'redo_all'))"
TOLD_FROM = """
    left join account on account.id = act.account_id
    left join act as reversal on reversal.id = act.reversed_by
    left join account as undoer on undoer.id = reversal.account_id
    left join act as of_act on of_act.id = act.reverses
    left join act as of_undo on of_undo.id = of_act.reverses
    left join taxon on taxon.id = coalesce(act.taxon_id, of_act.taxon_id, of_undo.taxon_id)
    left join account as whose on whose.id = (act.detail->>'who')::int
    left join batch on batch.id = act.batch_id
"""


def recent_acts(
    db: Db,
    project_id: int,
    before: int | None = None,
    account_id: int | None = None,
    limit: int = 100,
    *,
    kind: str = "",
    day: date | None = None,
) -> list[PastAct]:
    """Acts that changed something, newest first, from before the act with the id `before`; a day is one in UTC."""
    rows = db.execute(
        f"""
        select {TOLD}
          from act
          {TOLD_FROM}
         where act.project_id = %(project_id)s
           and {CHANGED}
           and {BEFORE}
           and (%(account_id)s::int is null or act.account_id = %(account_id)s)
           and (%(kind)s = '' or act.kind = %(kind)s)
           and (%(day)s::date is null
                or (act.at >= %(day)s::date::timestamp at time zone 'UTC'
                    and act.at < (%(day)s::date + 1)::timestamp at time zone 'UTC'))
         order by act.at desc, act.id desc
         limit %(limit)s
        """,  # noqa: S608 (constants)
        {
            "project_id": project_id, "before": before, "account_id": account_id, "limit": limit, "kind": kind,
            "day": day,
        },
    )  # fmt: skip
    return [_past_act(row._asdict()) for row in rows]


def own_acts(db: Db, viewer: Viewer, before: int | None = None, limit: int = 50) -> list[OwnAct]:
    """What one did oneself, newest first, in all projects that one may still see."""
    rows = db.execute(
        f"""
        select {TOLD}, project.id as project_id, project.title, project.status as project_status, project.visibility,
               member.role as member_role
          from act
          join project on project.id = act.project_id
          left join member on member.project_id = project.id and member.account_id = act.account_id
          {TOLD_FROM}
         where act.account_id = %(account_id)s
           and {CHANGED}
           and project.hidden is null
           and (%(all)s or member.role is not null or project.visibility <> 'private')
           and {BEFORE}
         order by act.at desc, act.id desc
         limit %(limit)s
        """,  # noqa: S608 (constants)
        {"account_id": viewer.account_id, "all": viewer.is_application_manager, "before": before, "limit": limit},
    )
    return [_own_act(viewer, row._asdict()) for row in rows]


def _own_act(viewer: Viewer, said: dict[str, Any]) -> OwnAct:
    project_id, title, status = said.pop("project_id"), said.pop("title"), said.pop("project_status")
    role = role_of(viewer, said.pop("member_role"), said.pop("visibility"))
    return OwnAct(_past_act(said), project_id, title, role or "visitor", status)


def who_acted(db: Db, project_id: int) -> list[Any]:
    """Id and name of everybody with an act in the project, by name: from index entry to entry, however many acts."""
    return db.execute(
        """
        with recursive acted as (
            (select account_id from act where project_id = %(p)s and account_id is not null order by account_id limit 1)
            union all
            select (select account_id from act
                     where project_id = %(p)s and account_id > acted.account_id
                     order by account_id
                     limit 1)
              from acted
             where acted.account_id is not null
        )
        select account.id, account.name
          from acted
          join account on account.id = acted.account_id
         order by lower(account.name), account.id
        """,
        {"p": project_id},
    ).fetchall()


def _past_act(said: dict[str, Any]) -> PastAct:
    reversed_kind, kind, taxon = said.pop("reversed_kind"), said["kind"], said["taxon"]
    whose = said.pop("whose")
    if kind in ("edit", "undo_edit") or (said["seconds"] or IDLE_S) >= IDLE_S:
        said["seconds"] = None
    if kind in ("undo_all", "redo_all"):
        what = _of_many(kind, whose, said["detail"])
    elif kind == "not_this":
        what = f"said not to be {taxon}"
    elif kind == "label":
        what = f"{WORDS[said['status']]} as {taxon}"
        if audit := said["detail"].get("audit"):
            what += _under(audit, said["n"])
    elif kind == "replace":
        what = f"replaced {said['detail']['from']} by {taxon}"
    elif kind == "import":
        source = said["detail"].get("from")
        what = f"took in from {source}" if source else "took in with their objects"
    elif kind in ("edit", "undo_edit"):
        what = said["detail"]["words"]
    elif kind in ("undo", "redo"):
        what = f"{'undid' if kind == 'undo' else 'did again'}: {describe(reversed_kind, taxon)}"
    else:
        what = describe(kind, taxon)
    return PastAct(what=what, **said)


def _under(audit: dict[str, Any], n: int) -> str:
    """What an audit's act says of it, and how many of its objects came unseen."""
    n_unseen = audit.get("n_unseen", n)
    of = f"{audit['title']}: " if audit.get("query") else ""
    how = "unseen" if n_unseen == n else f"{n_unseen:,} of them unseen" if n_unseen else "under an audit"
    return f", {how} ({of}{audit['words']})"


def _of_many(kind: str, whose: str | None, detail: dict[str, Any]) -> str:
    """An undo of many acts, or its redo, in words."""
    n, since, until = detail["n_acts"], *(detail[key][:16].replace("T", " ") for key in ("since", "until"))
    verb = "took back" if kind == "undo_all" else "did again"
    return f"{verb} {counted(n, 'act')} of {whose or 'someone who left'}, {since} to {until} UTC"
