"""What was said of the objects of a merge since, told to the project that they came from: labels, how they came, and
comments."""

from typing import Any

from app.database import Db
from app.reshaping import counting
from app.reshaping.asked import Reshaping
from app.reshaping.numbering import LEFT_BEHIND

# Acts of the project that were done after the merge: those that came with it are of objects in the other one too, and
# those that go along are of none there yet.
SINCE = """
    select id
      from act
     where project_id = %(target)s
       and at > %(at)s
       and id not in (select new_id
                        from reshaped_number
                        join act as own on own.id = old_id
                                       and own.n_objects > 0
                       where reshaping_id = %(merge)s
                         and reshaped_number.kind = 'act')
"""


def keys_of(made: Reshaping) -> dict[str, Any]:
    return {"merge": made.id, "source": made.project_id, "target": made.to_id, "at": made.created_at}


def carry_piece(db: Db, made: Reshaping) -> None:
    """What was said since of the copies in `piece`, to the objects that they were made of."""
    keys = keys_of(made)
    db.execute("alter table piece rename object_id to copy_id")
    db.execute("alter table piece rename old_id to object_id")
    if _find_said(db, keys):
        _carry_acts(db, keys)
        counting.count_piece(db, made.project_id, -1)
        _carry_labels(db, keys)
        counting.count_piece(db, made.project_id, 1)
    _carry_comments(db, keys)
    db.execute("alter table piece rename object_id to old_id")
    db.execute("alter table piece rename copy_id to object_id")


def _find_said(db: Db, keys: dict[str, Any]) -> int:
    """The acts of the piece's objects that were done since, as the temporary table `said`; how many."""
    db.execute("drop table if exists said")
    return db.execute(
        f"""
        create temp table said on commit drop as
        select act_id
          from (select act_id
                  from piece
                  join history on project_id = %(target)s
                              and history.object_id = copy_id
                 union
                select act_id
                  from piece
                  join refusal on project_id = %(target)s
                              and refusal.object_id = copy_id) as word
         where act_id in ({SINCE})
        """,  # noqa: S608 - a constant
        keys,
    ).rowcount


def _carry_acts(db: Db, keys: dict[str, Any]) -> None:
    """Those that no piece before carried; of how many objects they are is told in the end."""
    db.execute(
        """
        insert into reshaped_number (reshaping_id, kind, old_id, new_id)
        select %(merge)s, 'act', nextval('act_id_seq'), act_id
          from (select act_id
                  from said
                 where act_id not in (select new_id
                                        from reshaped_number
                                       where reshaping_id = %(merge)s
                                         and kind = 'act')
                 order by act_id) as given
        """,
        keys,
    )
    db.execute(
        f"""
        insert into act (id, project_id, client_id, account_id, kind, taxon_id, status, provenance, reverses, n_objects,
                         at, detail)
        overriding system value
        select own.old_id, %(source)s, gen_random_uuid(), account_id, act.kind, taxon_id, status, provenance,
               reversed.old_id, 0, at, (detail - array[{LEFT_BEHIND}]) #- '{{audit,id}}'
          from said
          join act on act.id = said.act_id
          join reshaped_number as own on own.reshaping_id = %(merge)s
                                     and own.kind = 'act'
                                     and own.new_id = act.id
          left join reshaped_number as reversed on reversed.reshaping_id = %(merge)s
                                               and reversed.kind = 'act'
                                               and reversed.new_id = act.reverses
         order by own.old_id
            on conflict (id) do nothing
        """,  # noqa: S608 - a constant
        keys,
    )


def _carry_labels(db: Db, keys: dict[str, Any]) -> None:
    """Labels, how they came and what the objects were said not to be; what was there before the merge stays."""
    db.execute(
        """
        with labelled as (
            insert into label (project_id, object_id, status, taxon_id, account_id, at, provenance, version, act_id)
            select %(source)s, piece.object_id, status, taxon_id, account_id, at, provenance, version, numbered.old_id
              from piece
              join label on label.project_id = %(target)s
                        and label.object_id = copy_id
              left join reshaped_number as numbered on numbered.reshaping_id = %(merge)s
                                                   and numbered.kind = 'act'
                                                   and numbered.new_id = label.act_id
                on conflict (project_id, object_id) do update
               set status = excluded.status, taxon_id = excluded.taxon_id, account_id = excluded.account_id,
                   at = excluded.at, provenance = excluded.provenance, version = excluded.version,
                   act_id = excluded.act_id
             where label.version <> excluded.version
        )
        insert into history (project_id, object_id, act_id, old_status, old_taxon_id, old_account_id, old_at,
                             old_provenance, old_act_id, old_predicted_taxon_id, old_score, new_status, new_taxon_id,
                             new_version)
        select %(source)s, piece.object_id, numbered.old_id, old_status, old_taxon_id, old_account_id, old_at,
               old_provenance, former.old_id, old_predicted_taxon_id, old_score, new_status, new_taxon_id, new_version
          from piece
          join history on history.project_id = %(target)s
                      and history.object_id = copy_id
          join said on said.act_id = history.act_id
          join reshaped_number as numbered on numbered.reshaping_id = %(merge)s
                                          and numbered.kind = 'act'
                                          and numbered.new_id = history.act_id
          left join reshaped_number as former on former.reshaping_id = %(merge)s
                                             and former.kind = 'act'
                                             and former.new_id = history.old_act_id
        """,
        keys,
    )
    db.execute(
        """
        insert into refusal (project_id, object_id, taxon_id, act_id, account_id, at, lapsed_at)
        select %(source)s, piece.object_id, taxon_id, numbered.old_id, account_id, at, lapsed_at
          from piece
          join refusal on refusal.project_id = %(target)s
                      and refusal.object_id = copy_id
          join reshaped_number as numbered on numbered.reshaping_id = %(merge)s
                                          and numbered.kind = 'act'
                                          and numbered.new_id = refusal.act_id
            on conflict (project_id, object_id, taxon_id, act_id) do update
           set lapsed_at = excluded.lapsed_at
        """,
        keys,
    )


def _carry_comments(db: Db, keys: dict[str, Any]) -> None:
    db.execute(
        """
        insert into comment (project_id, object_id, account_id, text, at)
        select %(source)s, piece.object_id, account_id, text, at
          from piece
          join comment on comment.project_id = %(target)s
                      and comment.object_id = copy_id
         where at > %(at)s
           and not exists (select
                             from comment as own
                            where own.project_id = %(source)s
                              and own.object_id = piece.object_id
                              and own.at = comment.at)
         order by comment.id
        """,
        keys,
    )


def figure_acts(db: Db, made: Reshaping) -> None:
    """Of how many objects the acts that were carried are, and which acts were taken back since."""
    db.execute(
        """
        update act
           set n_objects = (select count(*) from history where project_id = %(source)s and act_id = act.id)
                           + (select count(*) from refusal where project_id = %(source)s and act_id = act.id)
         where n_objects = 0
           and id in (select old_id from reshaped_number where reshaping_id = %(merge)s and kind = 'act')
        """,
        keys_of(made),
    )
    db.execute(
        """
        update act
           set reversed_by = reversing.old_id
          from reshaped_number as own
          join act as there on there.id = own.new_id
          left join reshaped_number as reversing on reversing.reshaping_id = %(merge)s
                                                and reversing.kind = 'act'
                                                and reversing.new_id = there.reversed_by
         where own.reshaping_id = %(merge)s
           and own.kind = 'act'
           and act.id = own.old_id
           and act.reversed_by is distinct from reversing.old_id
        """,
        keys_of(made),
    )
