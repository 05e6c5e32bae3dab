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


def sweep_indexes(settings: Settings, db: Db) -> None:
    """Indexes of spaces, embedders and projects that were left go."""
    from app.search import left_indexes

    left_indexes.sweep(db, settings.home / "index")


def follow_reach(settings: Settings, db: Db) -> None:
    """Projects are found by where and when their objects were taken."""
    from app.projects import reach

    reach.follow(db)


def learn_spaces(settings: Settings, db: Db) -> None:
    """Projects that have reached 500, 1,000, 2,000 ... labels learn from them what is alike."""
    from app.spaces import versions

    versions.request_due(db)


def sweep_store(settings: Settings, db: Db) -> None:
    """Files that an interrupted import left, and that nothing names, go after a day."""
    from app.doctor import strange_images
    from app.objects.store import open_store

    # Beside a database that knows no image, perhaps the wrong one, every image would go.
    if not strange_images(settings, db):
        open_store(settings).sweep(db)


def sweep_uploads(settings: Settings, db: Db) -> None:
    """Uploads that nobody touched for a week are given up; written and brought files as old go."""
    from app.edits import tables as edited
    from app.exchange import uploads
    from app.exporting import files as exported
    from app.learning import exporting, importing
    from app.prediction import outside_file
    from app.tuning import files as tuned

    uploads.sweep(db, settings)
    importing.sweep(settings)
    exporting.sweep(db, settings)
    exported.sweep(db, settings)
    outside_file.sweep(db, settings.home / "predictions")
    tuned.sweep(settings)
    edited.sweep(db)


def expire(settings: Settings, db: Db) -> None:
    """Sessions, links, throttling marks and unread answers that are past their time."""
    db.execute("delete from session where expires_at < now()")
    db.execute("delete from login_link where expires_at < now() - interval '7 days'")
    db.execute("delete from login_failure where at < now() - interval '7 days'")
    db.execute("delete from question where asked_at < now() - interval '10 minutes'")
    db.execute(
        "update ecotaxa_visit set token = null where token is not null and created_at < now() - interval '1 day'"
    )


def expire_batches(settings: Settings, db: Db) -> None:
    """Batches that nobody used for 30 days; what was labelled in them stays."""
    from app.batches import batch

    batch.expire(db)


def empty_bins(settings: Settings, db: Db) -> None:
    """What was deleted 30 days ago goes for good."""
    from app.reshaping import emptying

    emptying.erase_expired(db)


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
    "sweep_indexes": ("53 * * * *", sweep_indexes),
    "follow_reach": ("1-59/2 * * * *", follow_reach),
    "learn_spaces": ("*/2 * * * *", learn_spaces),
    "sweep_store": ("23 * * * *", sweep_store),
    "sweep_uploads": ("37 * * * *", sweep_uploads),
    "expire_batches": ("47 3 * * *", expire_batches),
    "empty_bins": ("29 * * * *", empty_bins),
    "thin_logs": ("41 3 * * *", thin_logs),
}


def do(name: str, settings: Settings, database_url: str) -> None:
    """One chore, in one transaction. What goes wrong is logged: the next time comes by itself."""
    try:
        with database.connect(database_url) as db:
            CHORES[name][1](settings, db)
    except Exception:
        log.exception("The chore %s failed", name)
