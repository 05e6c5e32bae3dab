"""The life of an import before anybody sees it: begun or resumed, its chunks committed, its leavings swept."""

from typing import Any, NamedTuple

from psycopg.types.json import Jsonb

from app.database import Db
from app.errors import Conflict
from app.exchange.chunks import Chunk
from app.exchange.report import LEFT_OUT, Fault, ImportOptions, ImportReport
from app.nouns import counted
from app.objects.store import SWEEP_LOCK, Store

# First key of the advisory lock that a running import holds on itself; the database lets it go when the import dies.
RUNNING_LOCK = 7461
ABANDONED_DAYS = 30
NOT_RUNNING = f"""
not exists (
    select
    from pg_locks
    where locktype = 'advisory'
      and classid = {RUNNING_LOCK}
      and objid = import.id
)
"""  # noqa: S608 - a constant


class Begun(NamedTuple):
    """An import to go on with: how much of it is staged."""

    id: int
    n_rows: int
    n_chunks: int


def shadow(db: Db) -> None:
    """Lay temporary tables over the waiting room, for a dry run: all of it is gone with the connection."""
    for table in ("import", "import_chunk", "staged_row", "content"):
        db.execute(f"create temp table {table} (like public.{table} including defaults including identity)")
    db.execute("alter table pg_temp.staged_row add primary key (import_id, number)")


def find_done(db: Db, project_id: int, fingerprint: str) -> int | None:
    """The import that brought this source in before, if its objects are still there."""
    row = db.execute(
        """
        select import.id
        from import
        where project_id = %s
          and fingerprint = %s
          and status = 'done'
          and n_objects > 0
          and exists (
              select
              from object
              where object.project_id = import.project_id
                and object.import_id = import.id
          )
        order by import.id
        limit 1
        """,
        [project_id, fingerprint],
    ).fetchone()
    return row.id if row else None


def begin(db: Db, project_id: int, account_id: int, source: str, fingerprint: str, options: ImportOptions) -> Begun:
    """Start an import, or take up the same one where it stopped. It is locked until the connection ends; a dry run is
    its connection's own, with a number of its own."""
    db.execute("select pg_advisory_lock_shared(%s)", [SWEEP_LOCK])
    found = _unfinished(db, project_id, fingerprint, options)
    import_id = found or _insert(db, project_id, account_id, source, fingerprint, options)
    if not options.dry_run and not _locked(db, import_id):
        raise Conflict("This import is running already: wait for it, or stop it first.")
    row = db.execute(
        "select coalesce(max(n_rows), 0) as n_rows, count(*) as n from import_chunk where import_id = %s", [import_id]
    ).fetchone()
    db.execute("update import set status = 'running', options = %s where id = %s", [_stored(options), import_id])
    return Begun(import_id, row.n_rows, row.n)


def _locked(db: Db, import_id: int) -> bool:
    got: bool = db.execute("select pg_try_advisory_lock(%s, %s) as got", [RUNNING_LOCK, import_id]).fetchone().got
    return got


def _unfinished(db: Db, project_id: int, fingerprint: str, options: ImportOptions) -> int | None:
    row = db.execute(
        """
        select id
        from import
        where project_id = %s
          and fingerprint = %s
          and status in ('running', 'asking')
          and options @> %s
        order by id
        limit 1
        """,
        [project_id, fingerprint, Jsonb(options.shaping())],
    ).fetchone()
    return row.id if row else None


def _insert(db: Db, project_id: int, account_id: int, source: str, fingerprint: str, options: ImportOptions) -> int:
    return (
        db.execute(
            """
            insert into import (project_id, account_id, source, fingerprint, options)
            values (%s, %s, %s, %s, %s)
            returning id
            """,
            [project_id, account_id, source, fingerprint, _stored(options)],
        )
        .fetchone()
        .id
    )


def _stored(options: ImportOptions) -> Jsonb:
    return Jsonb({key: value for key, value in options.as_json().items() if key not in ("from_scratch", "processes")})


def known_contents(db: Db, import_id: int) -> dict[str, Any]:
    """What an earlier check of this import has told of its source."""
    row = db.execute("select report -> 'contents' as contents from import where id = %s", [import_id]).fetchone()
    return (row.contents if row else None) or {}


def known_previewed_at(db: Db, import_id: int) -> str | None:
    """When the differences of this update were told."""
    return known_contents(db, import_id).get("previewed_at")


def commit_chunk(db: Db, import_id: int, chunk: Chunk, file_names: list[str]) -> None:
    """A chunk's rows, contents and progress in one transaction.

    It need not reach the disk at once: commits do so in their order, and a lost one is read again.
    """
    faults = [[file_names[file] if file_names else "", line, message] for file, line, message in chunk.faults]
    with db.transaction():
        db.execute("set local synchronous_commit = off")
        with db.cursor().copy("copy staged_row from stdin") as copy:
            copy.write(chunk.copy)
        _insert_contents(db, chunk)
        db.execute(
            """
            insert into import_chunk (import_id, number, n_rows, n_faults, faults, contents, packs)
            values (%s, %s, %s, %s, %s, %s, %s)
            """,
            [
                import_id,
                chunk.number,
                chunk.first + chunk.n_rows,
                chunk.n_faults,
                Jsonb({"faults": faults, "left_out": chunk.left_out}),
                [content.hash for content in chunk.contents],
                chunk.packs,
            ],
        )


def _insert_contents(db: Db, chunk: Chunk) -> None:
    if not chunk.contents:
        return
    columns: list[list[Any]] = [list(column) for column in zip(*chunk.contents, strict=True)]
    db.execute(
        """
        insert into content (hash, n_bytes, format, mode, width_px, height_px, blob, thumbnail)
        select *
        from unnest(%s::bytea[], %s::bigint[], %s::text[], %s::text[], %s::int[], %s::int[], %s::text[], %s::text[])
        on conflict do nothing
        """,
        columns,
    )


def add_chunk_reports(db: Db, import_id: int, report: ImportReport) -> None:
    """What the chunks found: their faults, in the order of the source, and what was left out."""
    rows = db.execute("select n_faults, faults from import_chunk where import_id = %s order by number", [import_id])
    left_out: dict[str, int] = {}
    for row in rows:
        report.n_faults += row.n_faults
        report.faults += [Fault(*fault) for fault in row.faults["faults"]]
        for what, n in row.faults["left_out"].items():
            left_out[what] = left_out.get(what, 0) + n
    report.notes += [counted(n, *LEFT_OUT[what]) for what, n in left_out.items()]


def end(db: Db, import_id: int, report: ImportReport) -> None:
    """Write down how an import ended, or what it waits for."""
    db.execute(
        """
        update import
        set status = case when %(status)s in ('nothing', 'checked') then 'done' else %(status)s end,
            report = %(report)s,
            n_objects = %(n_objects)s,
            n_images = %(n_images)s,
            ended_at = case when %(status)s = 'asking' then null else now() end
        where id = %(id)s
        """,
        {
            "status": report.status,
            "report": Jsonb(report.as_json()),
            "n_objects": report.n_objects,
            "n_images": report.n_images,
            "id": import_id,
        },
    )


def discard(db: Db, store: Store, import_id: int) -> None:
    """Remove what an import staged and stored and nothing names now. Its own row and report stay."""
    db.execute("delete from staged_row where import_id = %s", [import_id])
    db.execute("select pg_advisory_unlock_shared(%s)", [SWEEP_LOCK])
    # While another import runs it may be about to name the same contents: the next import sweeps these then.
    if not db.execute("select pg_try_advisory_lock(%s) as alone", [SWEEP_LOCK]).fetchone().alone:
        return
    try:
        _discard_contents(db, store, import_id)
    finally:
        db.execute("select pg_advisory_unlock(%s)", [SWEEP_LOCK])


def _discard_contents(db: Db, store: Store, import_id: int) -> None:
    with db.transaction():
        row = db.execute(
            """
            select coalesce(array_agg(distinct pack) filter (where pack is not null), '{}') as packs
            from import_chunk
            left join unnest(packs) as pack on true
            where import_id = %s
            """,
            [import_id],
        ).fetchone()
        gone = _delete_unnamed(db, import_id)
        kept = db.execute(
            """
            select split_part(ref, ':', 1) as path
            from import_chunk, unnest(contents) as own (hash)
            join content using (hash), unnest(array[blob, thumbnail]) as ref
            where import_id = %s
            """,
            [import_id],
        ).fetchall()
        db.execute("delete from import_chunk where import_id = %s", [import_id])
    unused = (set(row.packs) | {ref for ref in gone if ref.startswith("images/")}) - {item.path for item in kept}
    for path in unused:
        store.remove(path)


def _delete_unnamed(db: Db, import_id: int) -> list[str]:
    rows = db.execute(
        """
        delete from content
        using (
            select distinct unnest(contents) as hash
            from import_chunk
            where import_id = %s
        ) as own
        where content.hash = own.hash
          and not exists (select from image where image.hash = own.hash)
          and not exists (select from staged_row where image_hash = own.hash)
        returning blob
        """,
        [import_id],
    )
    return [row.blob for row in rows]


def sweep(db: Db, store: Store) -> None:
    """Discard what failed imports could not at the time, and those that nobody took up again for a month."""
    db.execute(
        f"""
        update import
        set status = 'failed', ended_at = now()
        where status in ('running', 'asking')
          and started_at < now() - make_interval(days => %s)
          and {NOT_RUNNING}
        """,  # noqa: S608 - a constant
        [ABANDONED_DAYS],
    )
    ended = db.execute(
        "select distinct import_id from import_chunk join import on import.id = import_id where status in"
        " ('failed', 'done')"
    ).fetchall()
    for row in ended:
        db.execute("select pg_advisory_lock_shared(%s)", [SWEEP_LOCK])
        discard(db, store, row.import_id)


def abandon(db: Db, store: Store, project_id: int, fingerprint: str) -> None:
    """Give up an unfinished import of the same source, unless it runs."""
    rows = db.execute(
        f"""
        update import
        set status = 'failed', ended_at = now()
        where project_id = %s
          and fingerprint = %s
          and status in ('running', 'asking')
          and {NOT_RUNNING}
        returning id
        """,  # noqa: S608 - a constant
        [project_id, fingerprint],
    ).fetchall()
    for row in rows:
        db.execute("select pg_advisory_lock_shared(%s)", [SWEEP_LOCK])
        discard(db, store, row.id)


def count_rows(db: Db, import_id: int) -> int:
    """Rows that stand ready."""
    return db.execute("select count(*) as n from staged_row where import_id = %s", [import_id]).fetchone().n


def foresee(db: Db, project_id: int, import_id: int) -> tuple[int, int, int, int]:
    """What would be added: objects, images, labels and predictions."""
    return db.execute(
        """
        with first as (
            select distinct on (object_orig_id) object_orig_id, status
            from staged_row
            where import_id = %(import_id)s
            order by object_orig_id, number
        ),
        added as (
            select status
            from first
            where not exists (
                select
                from object
                where object.project_id = %(project_id)s
                  and object.orig_id = object_orig_id
            )
        )
        select (select count(*) from added) as n_objects,
               (select count(*) from staged_row where import_id = %(import_id)s) as n_images,
               (select count(*) from added where status in ('V', 'D')) as n_labels,
               (select count(*) from added where status = 'P') as n_predictions
        """,
        {"project_id": project_id, "import_id": import_id},
    ).fetchone()


def refresh_figures(db: Db, project_id: int) -> None:
    """Let the planner know what came to a project: it takes one without figures for an empty one, and looks through all
    of one table for each row of another."""
    embedder = "and embedder_id = (select embedder_id from project where id = %(project)s)"
    for table in ("object", "object_field", "image", "label", "prediction", "history", "object_vector"):
        row = db.execute(
            f"""
            select tableoid::regclass::text as part
            from {table}
            where project_id = %(project)s {embedder if table == "object_vector" else ""}
            limit 1
            """,  # noqa: S608 - constants
            {"project": project_id},
        ).fetchone()
        if row is not None:
            db.execute(f"analyze {row.part}")
