"""What an embedding still has to do: the objects without a vector, who works on which of them, and what failed."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from app.database import Db

# The first key of the locks on buckets of hashes, plus the embedder's id; the others with two keys are below 8,000.
LOCKS = 7_460_000

# Neither a vector nor a known failure.
NO_VECTOR = """
    not exists (
        select from object_vector v
        where v.embedder_id = %(embedder)s and v.project_id = %(project)s and v.object_id = {object}
    )
    and not exists (
        select from embedding_failure f
        where f.embedder_id = %(embedder)s and f.project_id = %(project)s and f.object_id = {object}
    )
"""


def start(db: Db, embedder_id: int, project_id: int, only: list[int] | None = None) -> tuple[int, int]:
    """Make this session's own list of what waits; returns how many objects there are, and how many are done with.

    `only`: the objects that are meant; None: all of the project.
    """
    db.execute(
        """
        create temp table if not exists pending (object_id bigint not null, hash bytea not null, bucket int not null);
        create temp table if not exists lost_image (hash bytea primary key)
        """
    )
    row = db.execute(
        f"""
        select count(*) as total,
               count(*) filter (where not ({NO_VECTOR.format(object="o.id")})) as done
        from object o
        where o.project_id = %(project)s
          and (%(only)s::bigint[] is null or o.id = any(%(only)s::bigint[]))
        """,  # noqa: S608 - constants
        {"embedder": embedder_id, "project": project_id, "only": only},
    ).fetchone()
    return row.total, row.done


def list_pending(db: Db, embedder_id: int, project_id: int, only: list[int] | None = None) -> dict[int, int]:
    """List what waits now; returns how many objects wait in each bucket, which is the first byte of the hash."""
    db.execute("drop index if exists pending_bucket; truncate pending")
    db.execute(
        f"""
        insert into pending (object_id, hash, bucket)
        select object_id, hash, get_byte(hash, 0)
        from (
            select distinct on (i.object_id) i.object_id, i.hash
            from image i
            where i.project_id = %(project)s
              and (%(only)s::bigint[] is null or i.object_id = any(%(only)s::bigint[]))
              and not exists (select from unreadable_image u where u.hash = i.hash)
              and {NO_VECTOR.format(object="i.object_id")}
            order by i.object_id, i.rank
        ) chosen
        where not exists (select from lost_image l where l.hash = chosen.hash)
        """,  # noqa: S608 - constants
        {"embedder": embedder_id, "project": project_id, "only": only},
    )
    db.execute("create index pending_bucket on pending (bucket); analyze pending")
    return {row.bucket: row.n for row in db.execute("select bucket, count(*) as n from pending group by bucket")}


@contextmanager
def locked(db: Db, embedder_id: int, buckets: list[int]) -> Iterator[list[int]]:
    """Those of the buckets that no other worker of this embedder holds, held until the block ends."""
    rows = db.execute(
        """
        select bucket, pg_try_advisory_lock(%s, bucket) as taken
        from unnest(%s::int[]) as bucket
        """,
        [LOCKS + embedder_id, buckets],
    ).fetchall()
    taken = [row.bucket for row in rows if row.taken]
    try:
        yield taken
    finally:
        if not db.closed:
            db.execute(
                "select pg_advisory_unlock(%s, bucket) from unnest(%s::int[]) as bucket", [LOCKS + embedder_id, taken]
            )


def copy_known(db: Db, embedder_id: int, project_id: int, buckets: list[int]) -> int:
    """Give waiting objects the vector that their image already has anywhere from this embedder; returns how many."""
    return db.execute(
        f"""
        insert into object_vector (embedder_id, project_id, object_id, v)
        select %(embedder)s, o.project_id, o.id, known.v
        from pending p
        join object o on o.project_id = %(project)s and o.id = p.object_id
        cross join lateral (
            select v.v
            from image i
            join object_vector v on v.embedder_id = %(embedder)s
                         and v.project_id = i.project_id
                         and v.object_id = i.object_id
            where i.hash = p.hash
              and not exists (
                  select from image lower
                  where lower.project_id = i.project_id
                    and lower.object_id = i.object_id
                    and lower.rank < i.rank
                    and not exists (select from unreadable_image u where u.hash = lower.hash)
              )
            limit 1
        ) known
        where p.bucket = any(%(buckets)s)
          and {NO_VECTOR.format(object="p.object_id")}
        on conflict do nothing
        """,  # noqa: S608 - constants
        {"embedder": embedder_id, "project": project_id, "buckets": buckets},
    ).rowcount


def read_pending(db: Db, embedder_id: int, project_id: int, buckets: list[int]) -> list[Any]:
    """object_id, hash and blob of what still waits in these buckets, in the order of the hashes."""
    return db.execute(
        f"""
        select p.object_id, p.hash, content.blob
        from pending p
        left join content on content.hash = p.hash
        where p.bucket = any(%(buckets)s)
          and {NO_VECTOR.format(object="p.object_id")}
        order by p.hash, p.object_id
        """,  # noqa: S608 - constants
        {"embedder": embedder_id, "project": project_id, "buckets": buckets},
    ).fetchall()


def set_aside(db: Db, unreadable: list[tuple[bytes, str]], lost: list[bytes]) -> None:
    """Remember what no reader can decode, for good; and what the store has lost, until this session ends."""
    if unreadable:
        hashes, reasons = zip(*unreadable, strict=True)
        db.execute(
            """
            insert into unreadable_image (hash, reason)
            select * from unnest(%s::bytea[], %s::text[])
            on conflict do nothing
            """,
            [list(hashes), list(reasons)],
        )
    if lost:
        db.execute("insert into lost_image select unnest(%s::bytea[]) on conflict do nothing", [lost])


def record_failures(db: Db, embedder_id: int, project_id: int) -> int:
    """Write down the objects that have no readable image at all, with the reason; returns how many were new."""
    return db.execute(
        f"""
        insert into embedding_failure (embedder_id, project_id, object_id, reason)
        select %(embedder)s, o.project_id, o.id, coalesce(bad.file_name || ': ' || bad.reason, 'it has no image')
        from object o
        left join lateral (
            select i.file_name, u.reason
            from image i
            join unreadable_image u on u.hash = i.hash
            where i.project_id = o.project_id
              and i.object_id = o.id
            order by i.rank
            limit 1
        ) bad on true
        where o.project_id = %(project)s
          and not exists (
              select from image i
              where i.project_id = o.project_id
                and i.object_id = o.id
                and not exists (select from unreadable_image u where u.hash = i.hash)
          )
          and {NO_VECTOR.format(object="o.id")}
        on conflict do nothing
        """,  # noqa: S608 - constants
        {"embedder": embedder_id, "project": project_id},
    ).rowcount


def forget_failures(db: Db, project_id: int) -> None:
    """Let everything that failed in a project be tried again, in the caller's transaction."""
    db.execute(
        """
        delete from unreadable_image u
        using image i
        where i.hash = u.hash
          and i.project_id = %s
        """,
        [project_id],
    )
    db.execute("delete from embedding_failure where project_id = %s", [project_id])
