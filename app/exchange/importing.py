"""Imports a source into a project: looked at, read once by worker processes, checked as a whole, then shown at once."""

import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from functools import partial
from itertools import chain, islice
from multiprocessing import get_context
from pathlib import Path

import psycopg

from app import database
from app.database import Db
from app.errors import NotFound, Refused
from app.exchange import checks, staging
from app.exchange.chunks import Chunk, ChunkReader, Setup, read_chunk, start_worker
from app.exchange.plan import Item, Plan, make_plan
from app.exchange.publish import publish
from app.exchange.report import SHOWN_FAULTS, Fault, ImportOptions, ImportReport
from app.exchange.resolve import resolve
from app.exchange.survey import add_unknown, survey
from app.exchange.update import run_update
from app.objects.store import Store, open_store
from app.settings import Settings

Progress = Callable[[int, int | None, str, str], None]
# First key of the lock that imports of one project take in turn while they become visible.
PUBLISH_LOCK = 7462
MEGAPIXEL = 1_000_000
# Has no id yet, and no fields and objects that what comes in could contradict.
NEW_PROJECT = 0


def run_import(
    database_url: str,
    settings: Settings,
    project_id: int,
    account_id: int,
    source: str | Path,
    options: ImportOptions,
    report: Progress | None = None,
) -> ImportReport:
    """Bring a folder, a zip archive or an EcoTaxa bundle into a project, or go on where the same import stopped.

    A dry run may name the project NEW_PROJECT, for one that is still to be made. Returns what became of it; faults of
    the source are in the report, and nothing of it is kept then. Raises Refused where the import could not be carried
    out; what was read by then is kept for the next run.
    """
    if options.update:
        return run_update(database_url, settings, project_id, account_id, source, options, report or _silent)
    started = time.monotonic()
    source = Path(source).absolute()
    store = open_store(settings)
    with database.connect(database_url, autocommit=True) as db:
        known = partial(checks.known_images, db, project_id)
        plan = make_plan(source, options, _field_types(db, project_id), known)
        try:
            import_ = Import(db, store, settings, project_id, account_id, plan, options, report or _silent)
            outcome = import_.run(database_url, source)
        finally:
            plan.close()
    outcome.source, outcome.seconds = str(source), round(time.monotonic() - started, 2)
    return outcome


class Import:
    """One import at work, on one connection."""

    def __init__(
        self,
        db: Db,
        store: Store,
        settings: Settings,
        project_id: int,
        account_id: int,
        plan: Plan,
        options: ImportOptions,
        report: Progress,
    ) -> None:
        self.db, self.store, self.settings, self.plan = db, store, settings, plan
        self.project_id, self.account_id, self.options, self.report = project_id, account_id, options, report

    def run(self, database_url: str, source: Path) -> ImportReport:
        """Stage what is not staged yet, then conclude."""
        if self.options.dry_run:
            staging.shadow(self.db)
        else:
            staging.sweep(self.db, self.store)
            done = staging.find_done(self.db, self.project_id, self.plan.fingerprint)
            if done is not None:
                return ImportReport("nothing", done)
        if self.options.from_scratch:
            staging.abandon(self.db, self.store, self.project_id, self.plan.fingerprint)
        begun = staging.begin(
            self.db, self.project_id, self.account_id, str(source), self.plan.fingerprint, self.options
        )
        self.id = begun.id
        self._stage(database_url, begun)
        outcome = self._conclude()
        self._leave(outcome)
        return outcome

    def _stage(self, database_url: str, begun: staging.Begun) -> None:
        setup = Setup(
            self.id,
            database_url,
            self.settings.store_url,
            self.settings.max_image_mpx * MEGAPIXEL,
            self.options,
            self.plan.columns,
            len(self.plan.number_names),
            len(self.plan.text_names),
        )
        pieces = _pieces(islice(self.plan.items(), begun.n_rows, None), self.options.chunk_rows, begun)
        self.report(begun.n_rows, self.plan.n_expected, "rows", "Reading")
        for chunk in _read(setup, pieces):
            staging.commit_chunk(self.db, self.id, chunk, self.plan.file_names())
            n_rows = chunk.first + chunk.n_rows
            self.report(n_rows, max(n_rows, self.plan.n_expected), "rows", "Reading")

    def _conclude(self) -> ImportReport:
        """Check, ask or show, in one transaction that leaves nothing unless it shows."""
        message = "Checking the whole" if self.options.hold else "Checking and making visible"
        self.report(self.plan.n_expected, self.plan.n_expected, "rows", message)
        # Millions of rows came in a moment ago: without figures, the joins below would be planned for a few.
        self.db.execute("analyze staged_row")
        outcome = ImportReport("done", self.id, notes=list(self.plan.notes))
        outcome.n_faults, outcome.faults = len(self.plan.faults), list(self.plan.faults)
        staging.add_chunk_reports(self.db, self.id, outcome)
        with self.db.transaction():
            self.db.execute("select pg_advisory_xact_lock(%s, %s)", [PUBLISH_LOCK, self.project_id])
            self._check(outcome)
            if self.options.hold:
                outcome.contents = survey(self.db, self.project_id, self.id, self.plan)
            else:
                outcome.contents = staging.known_contents(self.db, self.id)
            if outcome.status == "done":
                self._resolve_and_publish(outcome)
            if outcome.status != "done":
                raise psycopg.Rollback
            staging.end(self.db, self.id, outcome)
        return outcome

    def _check(self, outcome: ImportReport) -> None:
        """Faults that show only among rows; then whether there is anything to do."""
        db, project_id, names = self.db, self.project_id, self.plan.file_names()
        outcome.n_rows = staging.count_rows(db, self.id)
        self._add(outcome, checks.repeated(db, self.id, names))
        self._add(outcome, checks.split_acquisitions(db, project_id, self.id, names))
        if not outcome.n_faults and checks.is_all_there(db, project_id, self.id):
            outcome.status = "nothing"
        elif self.options.skip_existing:
            outcome.n_skipped = checks.skip_existing(db, project_id, self.id)
        elif not outcome.n_rows and self.plan.n_known and not outcome.n_faults:
            outcome.status = "nothing"
            return
        else:
            if self.options.watched:
                outcome.n_skipped = checks.skip_existing(db, project_id, self.id, same_pixels=True)
            self._add(outcome, checks.existing(db, project_id, self.id, names))
        if not outcome.n_rows and not outcome.n_faults:
            self._add(outcome, [Fault("", 0, "There is nothing to import: no row of a table, and no image.")])
        if outcome.n_faults:
            outcome.status = "failed"
            outcome.faults = sorted(outcome.faults, key=lambda fault: (fault.file, fault.line))[:SHOWN_FAULTS]

    @staticmethod
    def _add(outcome: ImportReport, faults: list[Fault]) -> None:
        outcome.n_faults += len(faults)
        outcome.faults += faults

    def _resolve_and_publish(self, outcome: ImportReport) -> None:
        choices = resolve(self.db, self.id, self.account_id, self.options)
        outcome.missing_taxa, outcome.missing_users = choices.missing_taxa, choices.missing_users
        outcome.created_taxa = choices.created_taxa
        if self.options.hold:
            add_unknown(self.db, self.id, outcome.contents, choices.missing_taxa)
        if choices.missing_taxa or choices.missing_users:
            outcome.status = "checked" if self.options.dry_run else "asking"
        elif self.options.dry_run:
            outcome.status = "checked"
        elif self.options.hold:
            outcome.status = "asking"
        if outcome.status == "checked" or self.options.hold:
            outcome.n_objects, outcome.n_images, outcome.n_labels, outcome.n_predictions = staging.foresee(
                self.db, self.project_id, self.id
            )
        if outcome.status == "done":
            publish(self.db, self.project_id, self.account_id, self.id, self.plan, choices, outcome)

    def _leave(self, outcome: ImportReport) -> None:
        """Write down what was not shown, and take away what nothing needs any more."""
        if self.options.dry_run:
            outcome.import_id = None
            return
        if outcome.status != "done":
            staging.end(self.db, self.id, outcome)
        if outcome.status in ("failed", "nothing") or (outcome.status == "done" and outcome.n_skipped):
            staging.discard(self.db, self.store, self.id)
        elif outcome.status == "done":
            self.db.execute("delete from import_chunk where import_id = %s", [self.id])
        if outcome.n_images:
            staging.refresh_figures(self.db, self.project_id)


def _read(setup: Setup, pieces: Iterator[tuple[int, int, list[Item]]]) -> Iterator[Chunk]:
    """Chunks in the order of the source: read by worker processes, or here where there is only one."""
    ahead = list(islice(pieces, 2))
    if len(ahead) < 2 or setup.options.processes < 2:
        with closing(ChunkReader(setup)) as reader:
            for piece in chain(ahead, pieces):
                yield reader.read(*piece)
        return
    pool = ProcessPoolExecutor(setup.options.processes, get_context("spawn"), start_worker, (setup,))
    waiting: deque[Future[Chunk]] = deque()
    try:
        for piece in chain(ahead, pieces):
            waiting.append(pool.submit(read_chunk, *piece))
            # Enough to keep all busy while one chunk is committed, and no more: each holds its rows in memory.
            if len(waiting) > 2 * setup.options.processes:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    except BrokenProcessPool as error:
        raise Refused(
            "A worker process of the import died, perhaps for lack of memory. What was read is kept:"
            " start the same import again to go on."
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _pieces(items: Iterator[Item], n_rows: int, begun: staging.Begun) -> Iterator[tuple[int, int, list[Item]]]:
    number, first = begun.n_chunks, begun.n_rows
    while piece := list(islice(items, n_rows)):
        yield number, first, piece
        number, first = number + 1, first + len(piece)


def _field_types(db: Db, project_id: int) -> dict[str, str]:
    """The types of a project's free columns of objects, which an import cannot change."""
    if (
        project_id != NEW_PROJECT
        and not db.execute("select 1 from project where id = %s and hidden is null", [project_id]).fetchone()
    ):
        raise NotFound(f"There is no project {project_id}.")
    rows = db.execute(
        "select name, type from field where project_id = %s and level = 'object'", [project_id]
    ).fetchall()
    return {row.name: row.type for row in rows}


def _silent(done: int, total: int | None, unit: str, message: str) -> None:
    """For those who do not watch."""
