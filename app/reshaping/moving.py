"""Moves objects with all that is said of them between a project and its bin, keeping their numbers and their samples.

Where they leave, counts, indexes and batches are told; where they come, their vectors count as new.
"""

from typing import Any

from app.database import Db
from app.reshaping import counting

# Tables with rows by project and object that go along. Batches, cards and piles name objects by number alone: they find
# these gone, and there again.
MOVED = (
    "object_field", "image", "label", "history", "prediction", "embedding_failure", "comment", "refusal", "settled",
    "returned", "second_choice", "kept_search_match",
)  # fmt: skip
# With all leading columns of its key, where the project and the object are not these.
BY_KEY = {
    "prediction": " and run_id in (select id from run where run.project_id in (%(from)s, %(to)s))",
    "embedding_failure": " and embedder_id in (select id from embedder)",
}
PIECE = 5_000  # the project's acts wait while a piece is moved


def take_piece(db: Db, reshaping_id: int, after: int) -> tuple[int, int]:
    """The next objects as the temporary table `piece`: the last one's number, and how many."""
    db.execute("drop table if exists piece")
    n = db.execute(
        """
        create temp table piece on commit drop as
        select object_id
          from reshaped_object
         where reshaping_id = %s
           and object_id > %s
         order by object_id
         limit %s
        """,
        [reshaping_id, after, PIECE],
    ).rowcount
    db.execute("analyze piece")
    row: Any = db.execute("select coalesce(max(object_id), %s) as last from piece", [after]).fetchone()
    return int(row.last), n


def move_objects(db: Db, from_id: int, to_id: int) -> None:
    """The objects in `piece`, in the caller's transaction; each project's counts are kept where it shows any."""
    counting.hold(db, min(from_id, to_id))
    counting.hold(db, max(from_id, to_id))
    counting.count_piece(db, from_id, -1)
    keys = {"from": from_id, "to": to_id}
    _forget_vectors(db, keys)
    for table in MOVED:
        db.execute(
            f"""
            update {table}
               set project_id = %(to)s
              from piece
             where {table}.project_id = %(from)s
               and {table}.object_id = piece.object_id{BY_KEY.get(table, "")}
            """,  # noqa: S608 - constants
            keys,
        )
    db.execute(
        """
        update object
           set project_id = %(to)s, tx = pg_current_xact_id()
          from piece
         where object.project_id = %(from)s
           and object.id = piece.object_id
        """,
        keys,
    )
    db.execute("delete from reservation using piece where reservation.object_id = piece.object_id")
    counting.count_piece(db, to_id, 1)


def _forget_vectors(db: Db, keys: dict[str, int]) -> None:
    """They go along as of now; indexes of the project they leave hear that they are gone."""
    db.execute(
        """
        with moved as (
            update object_vector
               set project_id = %(to)s, tx = pg_current_xact_id()
              from piece
             where object_vector.embedder_id in (select id from embedder)
               and object_vector.project_id = %(from)s
               and object_vector.object_id = piece.object_id
            returning object_vector.embedder_id, object_vector.object_id
        )
        insert into vector_removed (embedder_id, project_id, object_id)
        select embedder_id, %(from)s, object_id
          from moved
        """,
        keys,
    )
