"""What has to be tidied up now and then, on whatever worker is there, once for all of them."""

import logging
from collections.abc import Callable

from app import database
from app.database import Db
from app.settings import Settings

log = logging.getLogger("shoal.jobs")

Chore = Callable[[Settings, Db], None]


def fold_counts(settings: Settings, db: Db) -> None:
    """Many small differences become one row, or reading the tree would slow down."""
    from app.labels import counts

    counts.fold(db)


def fold_activity(settings: Settings, db: Db) -> None:
    """What people did on days that are over is summed up once."""
    from app.labels import activity

    activity.fold_all(db)


def follow_vectors(settings: Settings, db: Db) -> None:
    """Indexes whose files were deleted, or that many new vectors have outgrown, are built anew."""
    from app import search
    from app.search import generations

    search.configure(settings)
    generations.request_all(db)


def sweep_store(settings: Settings, db: Db) -> None:
    """Files that an interrupted import left, and that nothing names, go after a day."""
    from app.objects.store import open_store

    open_store(settings).sweep(db)


def sweep_uploads(settings: Settings, db: Db) -> None:
    """Uploads that nobody touched for a week are given up."""
    from app.exchange import uploads

    uploads.sweep(db, settings)


def expire(settings: Settings, db: Db) -> None:
    """Sessions, links, throttling marks and unread answers that are past their time."""
    db.execute("delete from session where expires_at < now()")
    db.execute("delete from login_link where expires_at < now() - interval '7 days'")
    db.execute("delete from login_failure where at < now() - interval '7 days'")
    db.execute("delete from question where asked_at < now() - interval '10 minutes'")


def expire_batches(settings: Settings, db: Db) -> None:
    """Batches that nobody used for 30 days; what was labelled in them stays."""
    from app.batches import batch

    batch.expire(db)


def thin_logs(settings: Settings, db: Db) -> None:
    """Jobs that ended well keep their row for ever and their log for three months."""
    db.execute(
        """
        delete from job_log
        using job
        where job.id = job_log.job_id
          and job.status = 'done'
          and job.ended_at < now() - interval '90 days'
        """
    )


# When each is done, as cron says it.
CHORES: dict[str, tuple[str, Chore]] = {
    "fold_counts": ("* * * * *", fold_counts),
    "fold_activity": ("13 * * * *", fold_activity),
    "expire": ("*/10 * * * *", expire),
    "follow_vectors": ("7-57/10 * * * *", follow_vectors),
    "sweep_store": ("23 * * * *", sweep_store),
    "sweep_uploads": ("37 * * * *", sweep_uploads),
    "expire_batches": ("47 3 * * *", expire_batches),
    "thin_logs": ("41 3 * * *", thin_logs),
}


def do(name: str, settings: Settings, database_url: str) -> None:
    """One chore, in one transaction. What goes wrong is logged: the next time comes by itself."""
    try:
        with database.connect(database_url) as db:
            CHORES[name][1](settings, db)
    except Exception:
        log.exception("The chore %s failed", name)
