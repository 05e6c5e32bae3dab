"""Erases for good what was deleted: rows go piece by piece, images and their files once nothing names them."""

from collections.abc import Callable
from typing import Any

from app.database import Db

PIECE = 20_000
Tell = Callable[[int], None]
# Rows of objects by their project, in the order in which they go: what names others before what is named.
OF_OBJECTS = (
    "comment", "refusal", "settled", "returned", "second_choice", "kept_search_match", "reservation", "prediction",
    "history", "label", "image", "object_field", "embedding_failure", "object_vector", "vector_removed", "object",
)  # fmt: skip
BY_EMBEDDER = ("embedding_failure", "object_vector", "vector_removed")


def erase_project(db: Db, project_id: int, tell: Tell = lambda n: None) -> None:
    """A project with all that it holds, its bin first; `db` in autocommit. Killed and begun again, it goes on."""
    for row in db.execute("select id from project where bin_of = %s", [project_id]).fetchall():
        erase_project(db, row.id, tell)
    for table in OF_OBJECTS:
        _erase_rows(db, table, project_id, tell)
    for table in ("process", "acquisition", "sample", "count_delta"):
        _erase_rows(db, table, project_id, lambda n: None)
    db.execute("update act set reverses = null, reversed_by = null where project_id = %s", [project_id])
    _erase_rows(db, "act", project_id, lambda n: None)
    db.execute("delete from project where id = %s", [project_id])


def _erase_rows(db: Db, table: str, project_id: int, tell: Tell) -> None:
    # Both with its leading column, where the table is kept by embedder first.
    by = " and embedder_id in (select id from embedder)" if table in BY_EMBEDDER else ""
    while True:
        n = db.execute(
            f"""
            delete from {table}
             where (tableoid, ctid) in (select tableoid, ctid
                                          from {table}
                                         where project_id = %s{by}
                                         limit {PIECE})
            """,  # noqa: S608 - constants
            [project_id],
        ).rowcount
        tell(n if table == "object" else 0)
        if n < PIECE:
            return


def erase_piece(db: Db, home_id: int) -> None:
    """The objects in `piece`, out of a bin or a project, in the caller's transaction, and samples and acquisitions
    that hold no object any more by it."""
    db.execute("drop table if exists emptied")
    db.execute(
        """
        create temp table emptied on commit drop as
        select distinct sample_id, acquisition_id
          from piece
          join object on object.project_id = %s
                     and object.id = piece.object_id
        """,
        [home_id],
    )
    for table in OF_OBJECTS:
        if table == "vector_removed":
            continue
        key = "id" if table == "object" else "object_id"
        by = " and embedder_id in (select id from embedder)" if table in BY_EMBEDDER else ""
        db.execute(
            f"""
            delete from {table}
             using piece
             where {table}.project_id = %s
               and {table}.{key} = piece.object_id{by}
            """,  # noqa: S608 - constants
            [home_id],
        )
    for table in ("acquisition", "sample"):
        db.execute(
            f"""
            delete from {table}
             where id in (select {table}_id from emptied)
               and not exists (select from object where {table}_id = {table}.id)
            """  # noqa: S608 - constants
        )


def is_left(db: Db, project_id: int) -> Any:
    return db.execute("select from project where id = %s", [project_id]).fetchone()
