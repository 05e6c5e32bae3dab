"""Learning sets that trainings make of what is validated: equal ones are one, and those of failed trainings go."""

from typing import Protocol, TypeVar

from app.database import Db


class Made(Protocol):
    """A learning set."""

    @property
    def id(self) -> int: ...

    @property
    def is_automatic(self) -> bool: ...


S = TypeVar("S", bound=Made)


def without_former(found: list[S], also: int | None = None) -> list[S]:
    """Of the sets that trainings made the newest alone, and the one that is chosen; `found`: the newest first."""
    newest = next((one.id for one in found if one.is_automatic), None)
    return [one for one in found if not one.is_automatic or one.id in (newest, also)]


def mark(db: Db, set_id: int) -> None:
    """A training makes this set."""
    db.execute("""update learning_set set choices = choices || '{"is_automatic": true}' where id = %s""", [set_id])


def forget_failed(db: Db, project_id: int) -> None:
    """Delete those sets of a project that taught nothing, and that no training waits for or may go on with."""
    db.execute(
        """
        delete from learning_set
        where project_id = %s
          and (choices ->> 'is_automatic')::boolean
          and not exists (select from embedder_training where learning_set_id = learning_set.id)
          and not exists (select from learning_export where set_id = learning_set.id)
          and not exists (
              select
              from classifier
              left join job on job.id = classifier.job_id
              where classifier.learning_set_id = learning_set.id
                and (classifier.trained_at is not null or job.status in ('queued', 'running'))
          )
        """,
        [project_id],
    )


def joined(db: Db, set_id: int) -> int:
    """The older set of the same objects and taxa in whose place this one was made, which then goes; else this one."""
    row = db.execute(
        """
        select other.id
        from learning_set own
        join learning_set other on other.project_id = own.project_id
        where own.id = %(set)s
          and other.id < own.id
          and (own.choices ->> 'is_automatic')::boolean
          and (other.choices ->> 'is_automatic')::boolean
          and other.frozen_at is not null
          and (other.n_objects, other.n_taxa, other.source_ids) = (own.n_objects, own.n_taxa, own.source_ids)
          and not exists (
              select number, project_id, object_id, taxon_id, own_taxon_id, group_id
              from learning_item
              where set_id = own.id
              except
              select number, project_id, object_id, taxon_id, own_taxon_id, group_id
              from learning_item
              where set_id = other.id
          )
        order by other.id
        limit 1
        """,
        {"set": set_id},
    ).fetchone()
    if row is None:
        return set_id
    with db.transaction():
        for table in ("classifier", "embedder_training"):
            db.execute(
                f"update {table} set learning_set_id = %s where learning_set_id = %s",  # noqa: S608 - of ours
                [row.id, set_id],
            )
        db.execute("delete from learning_set where id = %s", [set_id])
    return int(row.id)
