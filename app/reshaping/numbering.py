"""The numbers that copies have: of objects, of their samples and acquisitions, and of the acts that labelled them.

All are given before the first object is copied, and kept until all are: a job that is killed goes on with them.
"""

from typing import Any

import numpy as np

from app.database import Db
from app.exchange.checks import STAND_IN

UNNAMED = "\\_\\_DUMMY\\_ID\\_\\_%"  # what parents without a name are called, as `like` wants it
# Of an act that is copied, what would lead to something of the former project.
LEFT_BEHIND = "'page', 'single', 'cards', 'pile', 'of_probe', 'of_audit', 'job_id'"


def number_objects(db: Db, reshaping_id: int, ids: np.ndarray) -> int:
    """In the order of the former ones; all are above the number that is returned."""
    first: Any = db.execute("select nextval('object_id_seq') as id").fetchone()
    db.execute(
        """
        insert into reshaped_object (reshaping_id, object_id, new_id)
        select %s, id, nextval('object_id_seq')
          from (select id from unnest(%s::bigint[]) as id order by id) as given
        """,
        [reshaping_id, ids.tolist()],
    )
    db.execute("analyze reshaped_object")
    return int(first.id)


def list_objects(db: Db, reshaping_id: int, ids: np.ndarray) -> None:
    """Objects that keep their numbers."""
    db.execute(
        "insert into reshaped_object (reshaping_id, object_id) select %s, unnest(%s::bigint[])",
        [reshaping_id, ids.tolist()],
    )


def copy_parents(db: Db, reshaping_id: int, source_id: int, target_id: int, suffix: str = "") -> None:
    """Samples, acquisitions and processes of the objects. Those that the target has under the same name are joined;
    `suffix`: samples are not, and come with this behind their name."""
    keys: dict[str, Any] = {
        "reshaping": reshaping_id, "source": source_id, "target": target_id, "unnamed": UNNAMED,
        "stand_in": STAND_IN.format(target_id), "suffix": suffix,
    }  # fmt: skip
    db.execute(
        """
        create temp table parents on commit drop as
        select distinct object.sample_id, object.acquisition_id
          from reshaped_object
          join object on object.project_id = %(source)s
                     and object.id = reshaped_object.object_id
         where reshaping_id = %(reshaping)s
        """,
        keys,
    )
    _copy_samples(db, keys)
    _copy_acquisitions(db, keys)
    db.execute(
        """
        insert into process (acquisition_id, project_id, orig_id, fields)
        select numbered.new_id, %(target)s,
               case when process.orig_id like %(unnamed)s then '__DUMMY_ID__' || numbered.new_id || '__'
                    else process.orig_id end,
               process.fields
          from parents
          join reshaped_number as numbered on reshaping_id = %(reshaping)s
                                          and kind = 'acquisition'
                                          and old_id = parents.acquisition_id
          join process on process.acquisition_id = parents.acquisition_id
            on conflict (acquisition_id) do nothing
        """,
        keys,
    )


def _copy_samples(db: Db, keys: dict[str, Any]) -> None:
    db.execute(
        """
        create temp table named on commit drop as
        select sample.*,
               case when sample.orig_id like %(unnamed)s then %(stand_in)s
                    when %(suffix)s <> '' and exists (select
                                                        from sample as other
                                                       where other.project_id = %(target)s
                                                         and other.orig_id = sample.orig_id)
                    then sample.orig_id || %(suffix)s
                    else sample.orig_id end as new_name
          from sample
         where id in (select sample_id from parents)
        """,
        keys,
    )
    db.execute(
        """
        insert into sample (id, project_id, orig_id, latitude, longitude, dataportal_descriptor, fields)
        select nextval('parent_id_seq'), %(target)s, new_name, latitude, longitude, dataportal_descriptor, fields
          from (select * from named order by id) as named
            on conflict (project_id, orig_id) do nothing
        """,
        keys,
    )
    db.execute(
        """
        insert into reshaped_number (reshaping_id, kind, old_id, new_id)
        select %(reshaping)s, 'sample', named.id, sample.id
          from named
          join sample on sample.project_id = %(target)s
                     and sample.orig_id = named.new_name
        """,
        keys,
    )


def _copy_acquisitions(db: Db, keys: dict[str, Any]) -> None:
    db.execute(
        """
        create temp table taken on commit drop as
        select distinct acquisition.id, numbered.new_id as sample_id, acquisition.instrument, acquisition.fields,
               case when acquisition.orig_id like %(unnamed)s then '__DUMMY_ID__' || numbered.new_id || '__'
                    else acquisition.orig_id end as new_name
          from parents
          join acquisition on acquisition.id = parents.acquisition_id
          join reshaped_number as numbered on reshaping_id = %(reshaping)s
                                          and kind = 'sample'
                                          and old_id = acquisition.sample_id
        """,
        keys,
    )
    db.execute(
        """
        insert into acquisition (id, project_id, sample_id, orig_id, instrument, fields)
        select nextval('parent_id_seq'), %(target)s, sample_id, new_name, instrument, fields
          from (select * from taken order by id) as taken
            on conflict (sample_id, orig_id) do nothing
        """,
        keys,
    )
    db.execute(
        """
        insert into reshaped_number (reshaping_id, kind, old_id, new_id)
        select %(reshaping)s, 'acquisition', taken.id, acquisition.id
          from taken
          join acquisition on acquisition.sample_id = taken.sample_id
                          and acquisition.orig_id = taken.new_name
        """,
        keys,
    )


def copy_acts(db: Db, reshaping_id: int, source_id: int, target_id: int) -> None:
    """The acts that labelled the objects, or said what these are not, with as many objects as are copied of each, and
    those that undid these."""
    keys = {"reshaping": reshaping_id, "source": source_id, "target": target_id}
    db.execute(
        """
        create temp table acts on commit drop as
        select act_id, sum(n)::int as n
          from (select act_id, count(*) as n
                  from reshaped_object
                  join history on history.project_id = %(source)s
                              and history.object_id = reshaped_object.object_id
                 where reshaping_id = %(reshaping)s
                 group by act_id
                 union all
                select act_id, count(*)
                  from reshaped_object
                  join refusal on refusal.project_id = %(source)s
                              and refusal.object_id = reshaped_object.object_id
                 where reshaping_id = %(reshaping)s
                 group by act_id) as of_kind
         group by act_id
        """,
        keys,
    )
    # An undo that changed none of these objects is one all the same.
    db.execute(
        """
        insert into acts (act_id, n)
        select distinct reversed_by, 0
          from acts
          join act on act.id = act_id
         where reversed_by is not null
           and reversed_by not in (select act_id from acts)
        """
    )
    db.execute(
        """
        insert into reshaped_number (reshaping_id, kind, old_id, new_id)
        select %(reshaping)s, 'act', act_id, nextval('act_id_seq')
          from (select act_id from acts join act on act.id = act_id order by act_id) as given
        """,
        keys,
    )
    db.execute("analyze reshaped_number")
    db.execute(
        f"""
        insert into act (id, project_id, client_id, account_id, kind, taxon_id, status, provenance, reverses,
                         reversed_by, n_objects, at, detail)
        overriding system value
        select own.new_id, %(target)s, gen_random_uuid(), account_id, act.kind, taxon_id, status, provenance,
               reversed.new_id, reversing.new_id, acts.n, at, (detail - array[{LEFT_BEHIND}]) #- '{{audit,id}}'
          from reshaped_number as own
          join acts on acts.act_id = own.old_id
          join act on act.id = own.old_id
          left join reshaped_number as reversed on reversed.reshaping_id = %(reshaping)s
                                               and reversed.kind = 'act'
                                               and reversed.old_id = act.reverses
          left join reshaped_number as reversing on reversing.reshaping_id = %(reshaping)s
                                                and reversing.kind = 'act'
                                                and reversing.old_id = act.reversed_by
         where own.reshaping_id = %(reshaping)s
           and own.kind = 'act'
         order by own.new_id
        """,  # noqa: S608 - a constant
        keys,
    )


def forget(db: Db, reshaping_id: int) -> None:
    """What only a job that goes on would need."""
    db.execute("delete from reshaped_number where reshaping_id = %s", [reshaping_id])
