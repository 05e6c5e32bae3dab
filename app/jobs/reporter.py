"""Writes a running job's progress and log once a second, and hears whether somebody wants it to stop."""

import logging
import threading
from types import TracebackType

import psycopg

from app import database
from app.errors import Refused
from app.jobs.context import JobContext

log = logging.getLogger("shoal.jobs")

INTERVAL_S = 1.0


class Reporter(threading.Thread):
    """Lives beside the body, with a connection of its own: a body that computes for minutes stays alive to others."""

    def __init__(self, job: JobContext, attempt: int) -> None:
        super().__init__(name=f"job {job.job_id} reporter", daemon=True)
        self.job = job
        self.attempt = attempt
        self.ended = threading.Event()
        self.db: database.Db | None = None

    def __enter__(self) -> "Reporter":
        self.start()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.ended.set()
        self.join()

    def run(self) -> None:
        """Until the body ends; the database may be away for a while."""
        while not self.ended.wait(INTERVAL_S):
            self._try_to_write()
        self._try_to_write()
        self._close()

    def _try_to_write(self) -> None:
        try:
            if self.db is None:
                self.db = database.connect(self.job.database_url, autocommit=True)
            self._write(self.db)
        except (psycopg.OperationalError, Refused) as error:
            log.warning("Job %s: its progress cannot be written now: %s", self.job.job_id, error)
            self._close()

    def _close(self) -> None:
        if self.db is not None:
            self.db.close()
        self.db = None

    def _write(self, db: database.Db) -> None:
        state = self.job.state
        row = db.execute(
            """
            update job
            set done = %s,
                total = %s,
                unit = %s,
                rate = %s,
                message = %s,
                seen_at = now()
            where id = %s
              and attempts = %s
              and status = 'running'
            returning cancel_requested
            """,
            [state.done, state.total, state.unit, state.rate, state.message, self.job.job_id, self.attempt],
        ).fetchone()
        if row is None:
            # Taken for dead and given to another worker, or its project was deleted.
            self.job.interrupted.set()
        elif row.cancel_requested:
            self.job.cancelled.set()
        self._write_lines(db)

    def _write_lines(self, db: database.Db) -> None:
        lines = list(self.job.lines)
        if not lines:
            return
        db.execute(
            """
            insert into job_log (job_id, line)
            select job.id, line
            from job, unnest(%s::text[]) with ordinality as written (line, number)
            where job.id = %s
            order by number
            """,
            [[line.replace("\0", "") for line in lines], self.job.job_id],
        )
        for _ in lines:
            self.job.lines.popleft()
