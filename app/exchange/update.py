"""Updates objects that are there from a table, as EcoTaxa's two modes: fields, or fields and classifications.

The source is read twice: once to check everything and tell each difference, and, where nothing is at fault and the
person agreed, once more to write. What is written are mass edits and acts, which keep what stood before; a killed
update begins again under the same acts, and finds no difference where it came by.
"""

import time
from collections import Counter
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg

from app import database
from app.database import Db
from app.errors import NotFound
from app.exchange import staging, update_labels, update_writing
from app.exchange.plan import Plan, make_plan
from app.exchange.report import Fault, ImportOptions, ImportReport
from app.exchange.resolve import resolve
from app.exchange.survey import add_unknown, names_of
from app.exchange.update_rows import Rows
from app.labels.acts import check_open
from app.nouns import counted
from app.objects.store import open_store
from app.settings import Settings

if TYPE_CHECKING:
    from app.exchange.importing import Progress

MOST_EXAMPLES, MOST_OF_A_COLUMN = 200, 5


@dataclass(frozen=True)
class Difference:
    """One value, or the classification, of one thing: as it is, and as the source has it."""

    file: str
    line: int
    name: str
    column: str
    old: str | None
    new: str | None


def run_update(
    database_url: str,
    settings: Settings,
    project_id: int,
    account_id: int,
    source: str | Path,
    options: ImportOptions,
    report: "Progress",
) -> ImportReport:
    """Compare a source with the project, and write what differs unless it is to be looked at first (`hold`)."""
    started, source = time.monotonic(), Path(source).absolute()
    with database.connect(database_url, autocommit=True) as db:
        project = db.execute("select * from project where id = %s", [project_id]).fetchone()
        if project is None:
            raise NotFound(f"There is no project {project_id}: an update is of one that is there.")
        check_open(project)
        rows = db.execute("select name, type from field where project_id = %s and level = 'object'", [project_id])
        plan = make_plan(source, options, {row.name: row.type for row in rows}, lambda names: {})
        try:
            update = Update(db, settings, project, account_id, plan, options, report)
            outcome = update.run(source)
        finally:
            plan.close()
    outcome.source, outcome.seconds = str(source), round(time.monotonic() - started, 2)
    return outcome


class Update:
    """One update at work, on one connection."""

    def __init__(
        self, db: Db, settings: Settings, project: Any, account_id: int, plan: Plan, options: ImportOptions, report: Any
    ) -> None:
        self.db, self.settings, self.project, self.account_id = db, settings, project, account_id
        self.plan, self.options, self.report = plan, options, report
        self.takes_labels = options.update == "all"

    def run(self, source: Path) -> ImportReport:
        if self.options.dry_run:
            staging.shadow(self.db)
        print_ = f"update {self.options.update} {self.plan.fingerprint}"
        self.id = staging.begin(self.db, self.project.id, self.account_id, str(source), print_, self.options).id
        self.db.execute("delete from staged_row where import_id = %s", [self.id])
        seen_at = self._seen_at()
        outcome = ImportReport("done", self.id, notes=list(self.plan.notes), update=self.options.update)
        outcome.n_faults, outcome.faults = len(self.plan.faults), list(self.plan.faults)
        outcome.contents = {"columns": [], "examples": [], "previewed_at": datetime.now(UTC).isoformat()}
        self._compare(outcome)
        if outcome.n_faults:
            outcome.status = "failed"
            outcome.faults.sort(key=lambda fault: (fault.file, fault.line))
        else:
            self._resolve(outcome)
        if outcome.status == "done":
            self._write(outcome, source.name, seen_at)
        self._leave(outcome)
        return outcome

    def _seen_at(self) -> datetime | None:
        """When somebody looked at the differences: who labelled later is not overruled."""
        seen = staging.known_previewed_at(self.db, self.id)
        return datetime.fromisoformat(seen) if seen else None

    def _compare(self, outcome: ImportReport) -> None:
        """What differs in columns; classifications are put beside each other in the database."""
        rows = Rows(self.db, self.project.id, self.plan, outcome)
        differing, shown = dict.fromkeys(_keys(rows), 0), Counter[str]()
        examples = outcome.contents["examples"]
        labels = update_labels.Stage(self.db, self.id, self.plan, outcome) if self.takes_labels else None
        for piece in rows.pieces():
            for level, columns in rows.columns.items():
                for _, column, told in update_writing.differing(self.db, self.project.id, level, columns, piece):
                    differing[column.key] += len(told)
                    for one in told[: min(MOST_OF_A_COLUMN - shown[column.key], MOST_EXAMPLES - len(examples))]:
                        shown[column.key] += 1
                        where = rows.where(piece.lines[level, one.id])
                        examples.append(asdict(Difference(*where, str(one.id), column.key, one.old, one.new)))
            if labels:
                labels.take(piece)
            outcome.n_rows += piece.n_rows
            self.report(outcome.n_rows, max(outcome.n_rows, self.plan.n_expected), "rows", "Comparing")
        outcome.n_objects = rows.n_objects
        outcome.n_values = sum(differing.values())
        outcome.contents["columns"] = [[key, n, key in rows.new] for key, n in differing.items() if n]
        self._name(outcome)
        if not outcome.n_objects and not outcome.n_faults:
            first = f" The first: {outcome.left_out[0].message}" if outcome.left_out else ""
            outcome.n_faults += 1
            outcome.faults.append(Fault("", 0, f"No row of this source names an object of this project.{first}"))

    def _name(self, outcome: ImportReport) -> None:
        """Examples by the names that people know."""
        by_level: dict[str, list[dict[str, Any]]] = {}
        for one in outcome.contents["examples"]:
            by_level.setdefault(one["column"].partition(".")[0], []).append(one)
        for level, some in by_level.items():
            names = update_writing.names_of(self.db, self.project.id, level, [int(one["name"]) for one in some])
            for one in some:
                one["name"] = names.get(int(one["name"]), one["name"])

    def _resolve(self, outcome: ImportReport) -> None:
        """What names mean; taxa that are made for it stay only where the update is written."""
        if not self.takes_labels:
            outcome.status = (self._waits() or "done") if outcome.n_values else "nothing"
            return
        self.db.execute("analyze staged_row")
        if self.options.hold or self.options.dry_run:
            outcome.contents |= names_of(self.db, self.id)
        with self.db.transaction():
            choices = resolve(self.db, self.id, self.account_id, self.options)
            outcome.missing_taxa, outcome.missing_users = choices.missing_taxa, choices.missing_users
            outcome.created_taxa = choices.created_taxa
            if self.options.hold:
                add_unknown(self.db, self.id, outcome.contents, choices.missing_taxa)
            update_labels.keep(self.db, choices)
            told = update_labels.compare(self.db, self.project.id, self.id, self.plan)
            outcome.n_labels, outcome.n_predictions = told.n_labels, told.n_predictions
            outcome.n_lost = told.n_lost
            outcome.contents["label_examples"] = [asdict(one) for one in told.examples]
            asks = bool(choices.missing_taxa or choices.missing_users)
            differs = bool(outcome.n_values or outcome.n_labels or outcome.n_predictions)
            if asks and not self.options.dry_run:
                outcome.status = "asking"
            else:
                outcome.status = (self._waits() or "done") if differs or asks else "nothing"
            if outcome.status != "done":
                raise psycopg.Rollback

    def _waits(self) -> str | None:
        return "checked" if self.options.dry_run else "asking" if self.options.hold else None

    def _write(self, outcome: ImportReport, name: str, seen_at: datetime | None) -> None:
        written = ImportReport("done", self.id)
        rows = Rows(self.db, self.project.id, self.plan, written)
        rows.leave_out(rows.new - {key for key, _, _ in outcome.contents["columns"]})
        total = outcome.n_rows

        def tell(done: int, words: str) -> None:
            self.report(min(done, total), total, "rows", words)

        edits = update_writing.Edits(self.db, self.project, self.account_id, self.id, name, rows)
        outcome.n_values = edits.write(tell)
        if self.takes_labels:
            labels = update_labels.Labels(self.db, self.project, self.account_id, self.id, name, seen_at)
            outcome.n_labels, outcome.n_predictions = labels.write(tell)
            if labels.n_newer:
                outcome.notes.append(
                    f"{counted(labels.n_newer, 'object was', 'objects were')} labelled since the differences were"
                    " looked at: these labels stay"
                )

    def _leave(self, outcome: ImportReport) -> None:
        if self.options.dry_run:
            outcome.import_id = None
            return
        staging.end(self.db, self.id, outcome)
        if outcome.status in ("failed", "nothing", "done"):
            staging.discard(self.db, open_store(self.settings), self.id)


def _keys(rows: Rows) -> list[str]:
    return [column.key for columns in rows.columns.values() for column in columns]
