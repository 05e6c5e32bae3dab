"""What stood before acts: of each object the last label below theirs that still stands.

Each change of a label names the act whose label it replaced, so that an object's labels hang together as a chain. An
act that was undone while a later one stood over it changed nothing then: it is passed over when that one is undone. So
after any undos, by whomever and in whatever order, an object carries the last label that nobody took back.
"""

from collections.abc import Sequence

from app.database import Db

_COLUMNS = (
    "history.object_id, history.old_status, history.old_taxon_id, history.old_account_id, history.old_at, "
    "history.old_provenance, history.old_act_id"
)


def former(begin: str, meant: str = "false") -> str:
    """The parts `chain` and `former` of a statement with `recursive`: a row of what stood before for each row of
    `history` with which `begin` ends. `meant`: the acts that are being taken back, beside those that were undone.

    `offset 0`: few go on, and each is looked up by itself; else PostgreSQL merges them with all of a project's history.
    """
    goes_on = f"coalesce(act.reversed_by is not null or ({meant}), false) as goes_on"
    return f"""
chain as (
    select {_COLUMNS}, {goes_on}
      {begin}
      left join act on act.id = history.old_act_id
    union all
    select {_COLUMNS}, {goes_on}
      from chain
     cross join lateral (
           select {_COLUMNS}
             from history
            where history.project_id = %(project_id)s
              and history.act_id = chain.old_act_id
              and history.object_id = chain.object_id
           offset 0) as history
      left join act on act.id = history.old_act_id
     where chain.goes_on
),
former as (
    select *
      from chain
     where not goes_on
)"""  # noqa: S608 (constants)


def hold_undos(db: Db, project_id: int) -> None:
    """Wait for whoever undoes or redoes something in the project: the statement that follows sees it, and two undos of
    acts that stand over each other do not miss each other. Of labels, each statement sees itself what is changed."""
    db.execute("select pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"undo {project_id}"])


def hold_labels(db: Db, project_id: int, act_ids: Sequence[int]) -> None:
    """Wait for whoever changes labels that these acts changed, so that what is told of them before stays true."""
    db.execute(
        """
        with held as (
            select label.object_id
              from label
             where project_id = %(project_id)s
               and object_id = any(array(select object_id
                                           from history
                                          where project_id = %(project_id)s
                                            and act_id = any(%(act_ids)s::bigint[])))
             order by object_id
               for no key update
        )
        select count(*) from held
        """,
        {"project_id": project_id, "act_ids": list(act_ids)},
    )


def hold_batches(db: Db, act_ids: Sequence[int]) -> None:
    """Who works a batch holds it before its labels, so what undoes acts of it does too, or the two could wait for each
    other for ever."""
    db.execute(
        """
        with held as (
            select batch.id
              from batch
             where id in (select batch_id from act where act.id = any(%s::bigint[]))
             order by id
               for no key update
        )
        select count(*) from held
        """,
        [list(act_ids)],
    )
