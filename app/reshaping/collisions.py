"""What stands in the way when one project is to go into another: told before anything is done."""

from dataclasses import dataclass
from typing import Any

from app.database import Db
from app.errors import Refused
from app.reshaping import columns
from app.reshaping.numbering import UNNAMED

MOST_TOLD = 50
# Columns of a sample or an acquisition that say nothing of it.
NO_FIELDS = ["id", "project_id", "sample_id", "orig_id", "import_id", "fields"]


@dataclass(frozen=True)
class Clash:
    """A column of one name and two types: in the project that comes, and in the one that stays."""

    column: str
    type: str
    type_there: str


@dataclass(frozen=True)
class Differing:
    """A sample that both have, and the fields of it and of its acquisitions and processes, such as sample.station,
    whose values would not come where it is joined, since the one that stays has others."""

    sample: str
    fields: list[str]


@dataclass(frozen=True)
class Collisions:
    """What a merge would bring and meet. `samples`: names that both have, the first of `n_samples_in_both`.
    `differing`: the first of the `n_differing` of them that are not the same in both. `new_columns`: the first of the
    `n_new_columns`. `same_ids`: original ids of objects that both have, the first of `n_same_ids`. `embedder`,
    `embedder_there`: by which vectors are made; where they differ the objects that come get vectors anew. `people`:
    members who would not see the objects any more, since they are no members there."""

    n_objects: int
    n_samples: int
    n_samples_in_both: int
    samples: list[str]
    n_differing: int
    differing: list[Differing]
    columns: list[Clash]
    n_new_columns: int
    new_columns: list[str]
    n_same_ids: int
    same_ids: list[str]
    embedder: str | None
    embedder_there: str | None
    people: list[str]

    @property
    def needs_new_vectors(self) -> bool:
        return self.embedder is not None and self.embedder_there not in (None, self.embedder)


def find(db: Db, source_id: int, target_id: int) -> Collisions:
    if source_id == target_id:
        raise Refused("A project cannot be merged into itself: choose another one.", status=422)
    keys = {"source": source_id, "target": target_id, "unnamed": UNNAMED}
    both = _samples_in_both(db, keys)
    row: Any = db.execute(
        """
        select (select count(*) from object where project_id = %(source)s) as n_objects,
               (select count(*) from sample where project_id = %(source)s) as n_samples,
               (select count(*)
                  from object
                 where project_id = %(source)s
                   and exists (select
                                 from object as other
                                where other.project_id = %(target)s
                                  and other.orig_id = object.orig_id)) as n_same_ids,
               (select embedder.name
                  from project
                  join embedder on embedder.id = embedder_id
                 where project.id = %(source)s) as embedder,
               (select embedder.name
                  from project
                  join embedder on embedder.id = embedder_id
                 where project.id = %(target)s) as embedder_there
        """,
        keys,
    ).fetchone()
    clashes = [
        Clash(f"{one.level}.{one.name}", one.type, one.target_type) for one in columns.clashes(db, source_id, target_id)
    ]
    differing, new = _differing(db, keys) if both else [], _new_columns(db, keys)
    return Collisions(
        row.n_objects, row.n_samples, len(both), both[:MOST_TOLD], len(differing), differing[:MOST_TOLD], clashes,
        len(new), new[:MOST_TOLD], row.n_same_ids, _same_ids(db, keys) if row.n_same_ids else [], row.embedder,
        row.embedder_there, _people(db, keys),
    )  # fmt: skip


def _samples_in_both(db: Db, keys: dict[str, Any]) -> list[str]:
    """Samples without a name are joined, and are no collision."""
    rows = db.execute(
        """
        select sample.orig_id as name
          from sample
          join sample as other on other.project_id = %(target)s
                              and other.orig_id = sample.orig_id
         where sample.project_id = %(source)s
           and sample.orig_id not like %(unnamed)s
         order by sample.orig_id
        """,
        keys,
    )
    return [row.name for row in rows]


def _differing(db: Db, keys: dict[str, Any]) -> list[Differing]:
    rows = db.execute(
        """
        with joined as (
            select came, there
              from sample as came
              join sample as there on there.project_id = %(target)s
                                  and there.orig_id = came.orig_id
             where came.project_id = %(source)s
               and came.orig_id not like %(unnamed)s
        ),
        acquisitions as (
            select (came).orig_id as sample, own, other
              from joined
              join acquisition as own on own.sample_id = (came).id
              join acquisition as other on other.sample_id = (there).id
                                       and other.orig_id = own.orig_id
        ),
        said as (
            select (came).orig_id as sample, 'sample' as level, to_jsonb(came) || (came).fields as here,
                   to_jsonb(there) || (there).fields as there
              from joined
             union all
            select sample, 'acquisition', to_jsonb(own) || (own).fields, to_jsonb(other) || (other).fields
              from acquisitions
             union all
            select sample, 'process', process.fields, there.fields
              from acquisitions
              join process on process.acquisition_id = (own).id
              join process as there on there.acquisition_id = (other).id
        )
        select sample, array_agg(distinct level || '.' || one.key order by level || '.' || one.key) as fields
          from said
         cross join lateral jsonb_each(here) as one
         where one.key <> all(%(no_fields)s)
           and one.value not in ('null', '""')
           and one.value is distinct from there -> one.key
         group by sample
         order by sample
        """,
        keys | {"no_fields": NO_FIELDS},
    )
    return [Differing(row.sample, row.fields) for row in rows]


def _new_columns(db: Db, keys: dict[str, Any]) -> list[str]:
    rows = db.execute(
        """
        select level || '.' || name as name
          from field
         where project_id = %(source)s
           and not exists (select
                             from field as other
                            where other.project_id = %(target)s
                              and other.level = field.level
                              and other.name = field.name)
         order by level, type, position
        """,
        keys,
    )
    return [row.name for row in rows]


def _same_ids(db: Db, keys: dict[str, Any]) -> list[str]:
    rows = db.execute(
        """
        select object.orig_id as name
          from object
         where project_id = %(source)s
           and exists (select
                         from object as other
                        where other.project_id = %(target)s
                          and other.orig_id = object.orig_id)
         order by object.id
         limit %(most)s
        """,
        keys | {"most": MOST_TOLD},
    )
    return [row.name for row in rows]


def _people(db: Db, keys: dict[str, Any]) -> list[str]:
    rows = db.execute(
        """
        select account.name
          from member
          join account on account.id = member.account_id
         where project_id = %(source)s
           and not exists (select
                             from member as other
                            where other.project_id = %(target)s
                              and other.account_id = member.account_id)
         order by lower(account.name), account.id
         limit 50
        """,
        keys,
    )
    return [row.name for row in rows]
