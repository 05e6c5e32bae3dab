"""What stands in the way when one project is to go into another: told before anything is done."""

from dataclasses import dataclass
from typing import Any

from app.database import Db
from app.errors import Refused
from app.reshaping import columns
from app.reshaping.numbering import UNNAMED

MOST_TOLD = 50


@dataclass(frozen=True)
class Clash:
    """A column of one name and two types: in the project that comes, and in the one that stays."""

    column: str
    type: str
    type_there: str


@dataclass(frozen=True)
class Collisions:
    """What a merge would bring and meet. `samples`: names that both have, the first of `n_samples_in_both`.
    `same_ids`: original ids of objects that both have, the first of `n_same_ids`. `embedder`, `embedder_there`: by
    which vectors are made; where they differ the objects that come get vectors anew. `people`: members who would not
    see the objects any more, since they are no members there."""

    n_objects: int
    n_samples: int
    n_samples_in_both: int
    samples: list[str]
    columns: list[Clash]
    n_new_columns: int
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
               (select count(*)
                  from field
                 where project_id = %(source)s
                   and not exists (select
                                     from field as other
                                    where other.project_id = %(target)s
                                      and other.level = field.level
                                      and other.name = field.name)) as n_new_columns,
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
    return Collisions(
        row.n_objects, row.n_samples, len(both), both[:MOST_TOLD], clashes, row.n_new_columns, row.n_same_ids,
        _same_ids(db, keys) if row.n_same_ids else [], row.embedder, row.embedder_there, _people(db, keys),
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
