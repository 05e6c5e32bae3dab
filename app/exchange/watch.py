"""`shoal import --watch`: takes in what an instrument writes into a folder, each thing once, when it stands still.

Each sub-folder and each archive is a source of its own; images that lie in the folder itself are one more; a folder
with an EcoTaxa table is one source as a whole. Each is imported by a job, as if a person had asked for it.
"""

import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import psycopg

from app import database
from app.database import Db
from app.errors import NotFound, Refused
from app.exchange.mapping import read_mapping
from app.exchange.plan import ARCHIVES, HIDDEN, UNFINISHED
from app.exchange.report import ImportOptions, ImportReport
from app.exchange.settling import Settling
from app.exchange.sources import FolderSource, Unreadable, fingerprint
from app.exchange.tables import TABLE_NAME
from app.jobs import foreground, recovery
from app.jobs.queue import enqueue
from app.settings import Settings

# After a trouble that the source is not to blame for, such as a full disk.
AGAIN_AFTER_S = 600.0
MOST_FAULTS_TOLD = 20


class Found(NamedTuple):
    """One thing in the watched folder: its place, the name it is told by, and whether it is only the loose files."""

    source: Path
    name: str
    flat: bool = False


@dataclass(frozen=True)
class Watched:
    """What a watch is about: the folder, and the project, person and choices of its imports."""

    folder: Path
    project_id: int
    title: str
    account_id: int
    options: ImportOptions
    mapping: Path | None = None


class Watch:
    """A watch at work; `say` gets a thing's name and what became of it."""

    def __init__(
        self,
        settings: Settings,
        database_url: str,
        watched: Watched,
        settle_s: float,
        say: Callable[[str, str], None],
        stopping: threading.Event,
    ) -> None:
        self.settings, self.database_url, self.watched = settings, database_url, watched
        self.settle_s, self.say, self.stopping = settle_s, say, stopping
        self.loose = Settling(settle_s, lambda name: _is_hidden(name) or name.lower().endswith(ARCHIVES))
        self.seen: dict[Path, tuple[str, float]] = {}
        self.not_before: dict[Path, float] = {}
        self.unreadable: set[Path] = set()
        self.trouble = ""
        self.mapping_at: float | None = None
        self.options = watched.options
        # Answers that the command brings may be to what an earlier watch asked.
        self.asks_again = bool(watched.mapping or watched.options.create_taxa)

    def run(self, every_s: float) -> None:
        """Look now and then until told to stop."""
        while not self.stopping.is_set():
            try:
                self.look()
                self.trouble = ""
            except NotFound:
                raise
            except Refused as error:
                self._tell_trouble(f"{_plain(error)} Trying again.")
            except psycopg.Error as error:
                self._tell_trouble(f"the database does not answer ({_plain(error)}); trying again")
            except OSError as error:
                self._tell_trouble(f"{self.watched.folder} cannot be read ({error.strerror}); trying again")
            self.stopping.wait(every_s)

    def _tell_trouble(self, words: str) -> None:
        """Once, however long it lasts."""
        if words != self.trouble:
            self.say("", words)
        self.trouble = words

    def look(self) -> None:
        """Take in what is new, or has changed, and stands still."""
        self._follow_mapping()
        with database.connect(self.database_url) as db:
            known = self._known(db)
        for found in list(things(self.watched.folder)):
            if self.stopping.is_set():
                return
            stamp = self._stamp(found)
            row = known.get(str(found.source))
            if stamp and self._is_due(found, stamp, row):
                self._take(found, stamp, row)
        self.asks_again = False

    def _stamp(self, found: Found) -> str:
        """Of what can be read; of the rest it is told once, and nothing else waits for it."""
        try:
            str(found.source).encode()
            stamp = self.loose.stamp(found.source) if found.flat else stamp_of(found)
        except UnicodeEncodeError:
            stamp, words = "", "its name is no UTF-8: rename it, and it is taken in"
        except (OSError, Refused) as error:
            stamp, words = "", f"cannot be read ({_plain(error)}); it is looked at again and again"
        else:
            self.unreadable.discard(found.source)
            return stamp
        if found.source not in self.unreadable:
            self.say(ascii(found.name), words)
        self.unreadable.add(found.source)
        return stamp

    def _follow_mapping(self) -> None:
        """A mapping file may be filled in while the watch runs."""
        path = self.watched.mapping
        changed = path.stat().st_mtime if path is not None and path.exists() else None
        if path is None or changed == self.mapping_at:
            return
        first, self.mapping_at = self.mapping_at is None, changed
        try:
            self.options = replace(self.watched.options, mapping=read_mapping(path))
        except Refused as error:
            self.say(path.name, error.sentence)
            return
        if not first:
            self.say(path.name, "was changed: what waits for answers is tried again")
            self.asks_again = True

    def _known(self, db: Db) -> dict[str, Any]:
        rows = db.execute(
            """
            select source, stamp, watched_source.state, job_id
            from watched_source
            where project_id = %s
            """,
            [self.watched.project_id],
        ).fetchall()
        project = db.execute(
            "select id from project where id = %s and hidden is null", [self.watched.project_id]
        ).fetchone()
        if project is None:
            raise NotFound("The project does not exist any more, so nothing is watched for it.")
        return {row.source: row for row in rows}

    def _is_due(self, found: Found, stamp: str, row: Any) -> bool:
        """Whether something is to be done with it now; what was begun before a restart goes on at once."""
        now = time.monotonic()
        same = row is not None and row.stamp == stamp
        if same and (row.state == "taken" or row.state == "refused" or (row.state == "asking" and not self.asks_again)):
            return False
        if now < self.not_before.get(found.source, 0.0):
            return False
        if same or found.flat:
            # Of loose files each was waited for by itself.
            return True
        before, since = self.seen.get(found.source, ("", now))
        if before != stamp:
            self.seen[found.source] = (stamp, now)
            since = now
        return now - since >= self.settle_s

    def _take(self, found: Found, stamp: str, row: Any) -> None:
        """Import one thing, and remember what became of it."""
        with database.connect(self.database_url) as db:
            recovery.recover(db)
            job_id = self._begun(db, row, stamp)
            if job_id is None:
                if row is not None and row.stamp != stamp:
                    self.say(found.name, _changed(found))
                job_id = self._queue(db, found)
            self._note(db, found, stamp, "queued", job_id)
        try:
            foreground.run_waiting(self.settings, self.database_url, job_id, self.stopping)
        except Refused as refusal:
            sentence = refusal.sentence
        else:
            sentence = ""
        self._conclude(found, stamp, job_id, sentence)

    def _begun(self, db: Db, row: Any, stamp: str) -> int | None:
        """The job of a former watch that is still to be heard of."""
        if row is None or row.stamp != stamp or row.state != "queued" or row.job_id is None:
            return None
        job = db.execute(
            "select id from job where id = %s and status in ('queued', 'running', 'done')", [row.job_id]
        ).fetchone()
        return job.id if job else None

    def _queue(self, db: Db, found: Found) -> int:
        under = "" if found.flat or found.source == self.watched.folder else found.source.stem
        under = found.source.name if found.source.is_dir() and under else under
        options = replace(self.options, watched=True, under=under, flat=found.flat)
        if found.flat:
            options = replace(options, until=self.loose.until, unsettled=self.loose.unsettled)
        args = {"source": str(found.source), "options": options.as_json()}
        title = f"Import {found.name} into {self.watched.title}"
        return enqueue(db, "import", title, self.watched.project_id, self.watched.account_id, args)

    def _note(self, db: Db, found: Found, stamp: str, state: str, job_id: int) -> None:
        db.execute(
            """
            insert into watched_source (project_id, source, stamp, state, job_id)
            values (%s, %s, %s, %s, %s)
            on conflict (project_id, source) do update
            set stamp = excluded.stamp, state = excluded.state, job_id = excluded.job_id, at = now()
            """,
            [self.watched.project_id, str(found.source), stamp, state, job_id],
        )

    def _conclude(self, found: Found, stamp: str, job_id: int, sentence: str) -> None:
        """Tell what became of it. What was interrupted stays queued: the next watch goes on."""
        with database.connect(self.database_url) as db:
            job = db.execute("select status, error from job where id = %s", [job_id]).fetchone()
            if job is None:
                raise NotFound("The project does not exist any more, so nothing is watched for it.")
            if job.status in ("queued", "running") or (job.status == "cancelled" and self.stopping.is_set()):
                self.say(found.name, "is not finished: the same command goes on from there")
                return
            report, status = _report(db, self.watched.project_id, found, job.error)
            if job.status == "done":
                state, lines = "taken", [_last_line(db, job_id)]
            elif job.status == "cancelled":
                state, lines = "refused", [f"was stopped on /jobs/{job_id}: not tried again until it changes"]
            elif report is not None and status == "asking":
                state, lines = "asking", _questions(report, job_id)
            elif status == "running" or job.error.startswith("Something unforeseen"):
                self.not_before[found.source] = time.monotonic() + AGAIN_AFTER_S
                self.say(found.name, f"{job.error or sentence} It is tried again in {AGAIN_AFTER_S / 60:.0f} min.")
                return
            else:
                state, lines = "refused", _faults(report, job.error)
            self._note(db, found, stamp, state, job_id)
        for line in lines:
            self.say(found.name, line)


def things(folder: Path) -> Iterator[Found]:
    """What is to be imported from a watched folder, by name."""
    with os.scandir(folder) as listed:
        inside = sorted((item for item in listed if not _is_hidden(item.name)), key=lambda item: item.name)
    files = [item for item in inside if item.is_file()]
    if any(TABLE_NAME.fullmatch(item.name) for item in files):
        yield Found(folder, folder.name)
        return
    for item in inside:
        if item.is_dir(follow_symlinks=False) or (item.is_file() and item.name.lower().endswith(ARCHIVES)):
            yield Found(folder / item.name, item.name)
    if any(not item.name.lower().endswith(ARCHIVES) for item in files):
        yield Found(folder, f"images in {folder.name}", flat=True)


def _is_hidden(name: str) -> bool:
    return name.startswith(".") or name in HIDDEN or name.lower().endswith(UNFINISHED)


def stamp_of(found: Found) -> str:
    """What changes whenever a file of it comes, goes, grows or is replaced; empty where there is no file yet."""
    try:
        if not found.source.is_dir():
            status = found.source.stat()
            return f"{status.st_size}:{status.st_mtime_ns}:{status.st_ino}"
        whole = FolderSource(found.source)
        if next(iter(whole.entries(ordered=False)), None) is None:
            return ""
        return fingerprint([whole], [])
    except (FileNotFoundError, Unreadable):
        # Renamed or removed at this moment: the next look sees what it has become.
        return ""


def _changed(found: Found) -> str:
    if found.source.is_dir():
        return "has changed: what is new in it is taken in"
    return "was replaced by a newer one of the same name: what is new in it is taken in"


def _report(db: Db, project_id: int, found: Found, error: str) -> tuple[ImportReport | None, str]:
    """The report of the import that just ended, and its status; no report where it came to none."""
    row = db.execute(
        """
        select status, report
        from import
        where project_id = %s
          and source = %s
        order by greatest(started_at, ended_at) desc, id desc
        limit 1
        """,
        [project_id, str(found.source)],
    ).fetchone()
    if row is None:
        return None, ""
    report = ImportReport.from_json(row.report) if row.report else None
    if report is None or report.summary() not in error:
        return None, row.status if row.status == "running" else ""
    return report, row.status


def _last_line(db: Db, job_id: int) -> str:
    row = db.execute("select line from job_log where job_id = %s order by id desc limit 1", [job_id]).fetchone()
    return row.line if row else "was taken in"


def _questions(report: ImportReport, job_id: int) -> list[str]:
    lines = [f"unknown taxon: {text}" for text in report.missing_taxa[:MOST_FAULTS_TOLD]]
    lines += [f"unknown person: {text}" for text in report.missing_users[:MOST_FAULTS_TOLD]]
    return [
        *lines,
        "waits for answers: name these in the file of --mapping (read again whenever it changes), or start the watch"
        f" with --create-taxa; /jobs/{job_id} shows a file to fill in. The others go on.",
    ]


def _faults(report: ImportReport | None, error: str) -> list[str]:
    if report is None:
        return [f"refused: {error} It is not tried again until it changes."]
    lines = [str(fault) for fault in report.faults[:MOST_FAULTS_TOLD]]
    more = report.n_faults - len(lines)
    return [
        *lines,
        *([f"... and {more:,} more faults"] if more > 0 else []),
        f"refused: {report.n_faults:,} {'fault' if report.n_faults == 1 else 'faults'}. Nothing of it was added; it is"
        " not tried again until it changes.",
    ]


def _plain(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
