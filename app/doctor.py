"""`shoal doctor`: looks at everything that Shoal stands on, and says of each fault what to do."""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import click

from app import database
from app.database import Db
from app.database.restoring import how_to_go_on, read_mark
from app.errors import Refused
from app.jobs.questions import workers_alive
from app.jobs.recovery import stalled
from app.settings import Settings, load_settings, names_of_settings

GIB = 2**30
LITTLE_DISK, TOO_LITTLE_DISK = 10 * GIB, GIB
# Longer ones keep the horizon that the indexes follow from moving.
LONG_TRANSACTION_S = 30
PATIENCE_S = 10
VECTORS_LOOKED_FOR = 5_000
MOST_FAILURES = 5
# Neither a vector of the project's embedder nor a known failure.
WITHOUT_VECTOR = """
    not exists (
        select from object_vector v
        where v.embedder_id = p.embedder_id and v.project_id = p.id and v.object_id = o.id
    )
    and not exists (
        select from embedding_failure f
        where f.embedder_id = p.embedder_id and f.project_id = p.id and f.object_id = o.id
    )
"""
MARKS = {"ok": "ok     ", "warning": "WARNING", "fault": "FAULT  "}


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at: level ok, warning or fault; what is so; and what to do about it."""

    subject: str
    level: str
    said: str
    remedy: str = ""


Findings = Iterator[Finding]


@click.command()
@click.option("--json", "as_json", is_flag=True, help="The findings as JSON.")
def doctor(as_json: bool) -> None:
    """Check everything that Shoal stands on, and say what to do.

    Looks at settings, disk, database, extension, migrations, store, embedders, indexes, long transactions, jobs and
    workers. Ends with 0 if all is well, 1 if there are warnings, 2 if there are faults.
    """
    findings = list(examine())
    if as_json:
        click.echo(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        for finding in findings:
            click.echo(f"{MARKS[finding.level]} {finding.subject}: {finding.said}")
            if finding.remedy:
                click.echo(f"        {finding.remedy}")
    levels = {finding.level for finding in findings}
    raise SystemExit(2 if "fault" in levels else 1 if "warning" in levels else 0)


def examine() -> Findings:
    """All findings; what cannot be looked at because of an earlier fault is left out."""
    try:
        settings = load_settings()
    except Refused as refusal:
        yield Finding("settings", "fault", refusal.sentence, "`shoal config` lists the settings.")
        return
    unknown = sorted(name for name in os.environ if name.startswith("SHOAL_") and name not in names_of_settings())
    if unknown:
        said = f"{', '.join(unknown)}: there is no such setting."
        yield Finding("settings", "warning", said, "`shoal config` lists the settings.")
    home = look_at_home(settings)
    if home.level == "fault":
        yield home
        return
    yield from look_at_disk(settings)
    yield from look_at_store(settings)
    mark = read_mark(settings.home)
    if mark is not None:
        remedy = f"`{how_to_go_on(mark)}` goes on with it."
        yield Finding("restore", "fault", f"One into {settings.home} is unfinished.", remedy)
        return
    try:
        url = database.open_database(settings, make=False, patience_s=PATIENCE_S)
        with database.connect(url, autocommit=True, patience_s=PATIENCE_S) as db:
            yield from look_at_database(settings, db)
    except Refused as refusal:
        yield Finding("database", "fault", refusal.sentence, _database_remedy(settings))


def _database_remedy(settings: Settings) -> str:
    if settings.database_url:
        return "Check that the server of DATABASE_URL runs, and that its address, name and password are right."
    return f"Its log is {settings.home / 'postgres.log'}; nothing else may be wrong with {settings.home}."


def look_at_home(settings: Settings) -> Finding:
    """Everything else is kept in it: where it cannot be, that is the one thing to tell."""
    home = settings.home
    remedy = "Choose another SHOAL_HOME, or let the user who runs Shoal write there."
    try:
        home.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700, parents=True, exist_ok=True)
    except OSError as error:
        return Finding("SHOAL_HOME", "fault", f"The folder {home} cannot be made ({error.strerror}).", remedy)
    if not os.access(home, os.W_OK | os.X_OK):
        return Finding("SHOAL_HOME", "fault", f"The folder {home} may not be written to.", remedy)
    return Finding("SHOAL_HOME", "ok", f"{home} may be written to.")


def look_at_disk(settings: Settings) -> Findings:
    """Room where the database, the indexes and the images go."""
    from app.templating import file_size

    folders = [("disk of SHOAL_HOME", settings.home)]
    if "://" not in settings.store_url:
        folders.append(("disk of the store", Path(settings.store_url)))
    for subject, folder in folders:
        there = next(path for path in [folder, *folder.parents] if path.exists())
        usage = shutil.disk_usage(there)
        level = "ok" if usage.free > LITTLE_DISK else "warning" if usage.free > TOO_LITTLE_DISK else "fault"
        said = f"{file_size(usage.free)} of {file_size(usage.total)} are free at {folder}."
        yield Finding(subject, level, said, "" if level == "ok" else "Make room, or move it to a larger disk.")


def look_at_store(settings: Settings) -> Findings:
    """Write, read back and remove a small file."""
    from app.objects.store import open_store

    try:
        open_store(settings).check()
        yield Finding("store", "ok", f"{settings.store_url} can be written and read.")
    except Refused as refusal:
        yield Finding("store", "fault", refusal.sentence, "Check SHOAL_STORE, its disk, and who may write there.")


def look_at_database(settings: Settings, db: Db) -> Findings:
    try:
        database.check_server(db)
        behind = [path.name for path in database.pending(db)]
    except Refused as refusal:
        yield Finding("database", "fault", refusal.sentence)
        return
    version = db.info.server_version
    own = "DATABASE_URL" if settings.database_url else "Shoal's own"
    yield Finding("database", "ok", f"PostgreSQL {version // 10000}.{version % 10000} answers ({own}).")
    yield from look_at_extension(db)
    if behind:
        said = f"{len(behind)} migrations are missing, from {behind[0]} on."
        yield Finding("migrations", "fault", said, "Run `shoal upgrade`, which backs up first.")
        return
    yield Finding("migrations", "ok", "The database is up to date.")
    yield from look_at_images(settings, db)
    yield from look_at_files(settings, db)
    looks: list[Callable[[Settings, Db], Findings]] = [
        look_at_embedders, look_at_vectors, look_at_indexes, look_at_transactions, look_at_jobs, look_at_workers,
    ]  # fmt: skip
    for look in looks:
        yield from look(settings, db)


def look_at_images(settings: Settings, db: Db) -> Findings:
    """An empty database beside a full store is another one than the store belongs to, or one that was lost."""
    said = strange_images(settings, db)
    if said:
        yield Finding("images", "warning", said, "Bring the database back from a backup before anything is imported.")


def strange_images(settings: Settings, db: Db) -> str | None:
    """What is to be told where the store holds images and the database knows none."""
    from app.objects.store import open_store

    if db.execute("select exists (select from content) as known").fetchone().known:
        return None
    if not open_store(settings).holds_images():
        return None
    return f"The store {settings.store_url} holds images, and the database knows none of them."


def look_at_files(settings: Settings, db: Db) -> Findings:
    """What the database names is in the store."""
    from app.objects.lost import lost_files
    from app.objects.store import open_store

    try:
        lost = lost_files(db, open_store(settings))
    except OSError as error:
        yield Finding("files", "fault", f"The store cannot be read: {error}", "Check SHOAL_STORE.")
        return
    if lost:
        others = " and others" if len(lost) > 1 else ""
        said = f"{len(lost):,} that the database names are missing from the store, or cut short: {lost[0]}{others}."
        remedy = "Copy them from the folder store/ of a backup, or import these images again."
        yield Finding("files", "fault", said, remedy)
    else:
        yield Finding("files", "ok", "The packs and other files that the database names are in the store.")


def look_at_extension(db: Db) -> Findings:
    row = db.execute("select extversion from pg_extension where extname = 'vector'").fetchone()
    if row is None:
        yield Finding("pgvector", "warning", "The extension is not installed yet.", "Run `shoal migrate`.")
    elif tuple(int(part) for part in row.extversion.split(".")[:2]) < database.connections.OLDEST_PGVECTOR:
        remedy = "As its owner, run `alter extension vector update` in that database."
        yield Finding("pgvector", "fault", f"Version {row.extversion} is too old: Shoal needs 0.8.", remedy)
    else:
        yield Finding("pgvector", "ok", f"Version {row.extversion}.")


def look_at_embedders(settings: Settings, db: Db) -> Findings:
    """Every embedder that a project uses loads, and is the one that made its vectors."""
    from app.search import embedders

    rows = db.execute(
        """
        select *
        from embedder
        where id in (select embedder_id from project)
        order by id
        """
    ).fetchall()
    for row in rows:
        subject = f"embedder {row.name}"
        if not row.embeds_images:
            yield Finding(subject, "ok", "Its vectors come from elsewhere.")
            continue
        try:
            embedders.load(settings, row)
            yield Finding(subject, "ok", f"Loads, and its digest is {row.digest[:12]}, as when its vectors were made.")
        except Refused as refusal:
            remedy = "Vectors and search of what is embedded go on; new images and query images wait for it."
            yield Finding(subject, "fault", refusal.sentence, remedy)
    if not rows:
        yield Finding("embedders", "ok", "No project uses one yet.")


def look_at_vectors(settings: Settings, db: Db) -> Findings:
    """Projects with images that nobody is going to embed.

    The oldest and newest objects stand for all: what is embedded is a random part of a project, or of an import. Only
    where the last embedding did not end well are all looked at, up to the first without a vector.
    """
    rows = db.execute(
        f"""
        select p.id, p.title
        from project p
        left join embedder e on e.id = p.embedder_id
        left join lateral (
            select status
            from job
            where job.project_id = p.id
              and job.kind = 'embed'
            order by job.id desc
            limit 1
        ) last on true
        where coalesce(e.embeds_images, true)
          and p.hidden is null
          and not exists (
              select from job
              where job.project_id = p.id
                and job.kind in ('import', 'embed')
                and job.status in ('queued', 'running')
          )
          and (
              exists (
                  select
                  from (
                      (select id from object where project_id = p.id order by id limit %(sample)s)
                      union all
                      (select id from object where project_id = p.id order by id desc limit %(sample)s)
                  ) o
                  where {WITHOUT_VECTOR}
              )
              or (
                  last.status in ('cancelled', 'failed')
                  and exists (select from object o where o.project_id = p.id and {WITHOUT_VECTOR})
              )
          )
        order by p.id
        """,  # noqa: S608 - constants
        {"sample": VECTORS_LOOKED_FOR},
    ).fetchall()
    for row in rows:
        said = "Some of its images have no vector, and no job waits to make it: likeness leaves them out."
        yield Finding(f"vectors of “{row.title}”", "warning", said, f"Run `shoal embed {row.id}`.")
    if not rows:
        yield Finding("vectors", "ok", "Every project's images have theirs, or a job waits to make them.")


def look_at_indexes(settings: Settings, db: Db) -> Findings:
    """Every project that is large enough for an index has one that can be opened."""
    from app import search
    from app.search.generations import WORTH_A_FILE, open_generation

    search.configure(settings)
    rows = db.execute(
        """
        select project.id, project.title, project.embedder_id, count(*) as n
        from project
        join object_vector held on held.embedder_id = project.embedder_id and held.project_id = project.id
        where project.hidden is null
        group by project.id
        having count(*) >= %s
        order by project.id
        """,
        [WORTH_A_FILE],
    ).fetchall()
    for row in rows:
        generation = open_generation(db, row.id, row.embedder_id)
        subject = f"index of “{row.title}”"
        if generation is None:
            said = f"There is none that can be opened, for {row.n:,} vectors: search is right, but slow."
            yield Finding(subject, "warning", said, f"Run `shoal index {row.id}`.")
        else:
            yield Finding(subject, "ok", f"Opens, with {generation.manifest.n:,} of {row.n:,} vectors.")
    if not rows:
        yield Finding("indexes", "ok", f"No project has the {WORTH_A_FILE:,} vectors from which on one is needed.")


def look_at_transactions(settings: Settings, db: Db) -> Findings:
    rows = db.execute(
        """
        select pid, usename, application_name, state, extract(epoch from now() - xact_start)::int as seconds,
               left(query, 60) as query
        from pg_stat_activity
        where xact_start < now() - make_interval(secs => %s)
          and datname = current_database()
          and backend_type = 'client backend'
        order by xact_start
        """,
        [LONG_TRANSACTION_S],
    ).fetchall()
    for row in rows:
        said = f"Process {row.pid} of {row.usename} holds one for {row.seconds:,} s ({row.state}): {row.query}"
        remedy = (
            f"Indexes cannot follow past it. Let it end; if nobody needs it: select pg_terminate_backend({row.pid})"
        )
        yield Finding("long transactions", "warning", said, remedy)
    if not rows:
        yield Finding("long transactions", "ok", f"None is older than {LONG_TRANSACTION_S} s.")


def look_at_jobs(settings: Settings, db: Db) -> Findings:
    """Jobs without a worker, and failures that nobody has put right since by doing the same with success."""
    lost = stalled(db)
    if lost:
        said = f"Jobs {', '.join(map(str, lost))} lost their worker."
        yield Finding("jobs", "warning", said, "Start `shoal serve` or `shoal worker`: they are taken up again.")
    failed = db.execute(
        """
        select id, title, error, args->>'source' as source,
               coalesce((args->'options'->>'watched')::boolean, false) as watched
        from job
        where status = 'failed'
          and ended_at > now() - interval '7 days'
          and not exists (
              select from job later
              where later.id > job.id
                and later.status = 'done'
                and later.kind = job.kind
                and later.project_id is not distinct from job.project_id
                and later.args->>'source' is not distinct from job.args->>'source'
          )
        order by id desc
        limit 50
        """
    ).fetchall()
    # What a watch refused and somebody has taken away since is settled.
    failed = [row for row in failed if not row.watched or os.path.lexists(row.source)][:MOST_FAILURES]
    for row in failed:
        remedy = f"Retry it at /jobs/{row.id}."
        if row.watched:
            remedy = f"Correct or remove {row.source}: `shoal import --watch` takes it in as soon as it has changed."
        yield Finding("jobs", "warning", f"Job {row.id} ({row.title}) failed: {row.error}", remedy)
    if not lost and not failed:
        yield Finding("jobs", "ok", "None is stalled, and no failure of the last seven days is still open.")


def look_at_workers(settings: Settings, db: Db) -> Findings:
    alive = workers_alive(db)
    waiting = db.execute("select count(*) as n from job where status = 'queued'").fetchone().n
    if alive:
        yield Finding("workers", "ok", f"At work; {waiting} jobs wait.")
    elif waiting:
        said = f"None is at work, and {waiting} jobs wait."
        yield Finding("workers", "fault", said, "Start `shoal serve` (with a worker beside it) or `shoal worker`.")
    else:
        yield Finding("workers", "ok", "None is at work, and no job waits.")
