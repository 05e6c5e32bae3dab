"""Brings lists of taxa into a test's database."""

import threading
from pathlib import Path
from typing import Any

from app.database import Db
from app.jobs.run import run_queued
from app.settings import Settings
from app.taxonomy.bringing import ask_bring, ask_plan
from app.taxonomy.comparing import Report

ECOTAXA = (
    "id\tparent_id\tname\ttaxotype\ttaxostatus\trename_to\taphia_id\trank\n"
    "1\t\tliving\tP\tA\t\t\t\n"
    "25828\t1\tCopepoda\tP\tA\t\t1080\tclass\n"
    "85011\t25828\tpart\tM\tA\t\t\t\n"
    "2\t1\tAnnelida\tP\tA\t\t882\tphylum\n"
    "3\t2\tpart\tM\tA\t\t\t\n"
    "4\t1\tOldname\tP\tD\t25828\t\t\n"
)


class Desk:
    """Brings lists into this test's database, as a worker does."""

    def __init__(self, db: Db, settings: Settings, folder: Path, account_id: int) -> None:
        self.db, self.settings, self.folder, self.account_id = db, settings, folder, account_id

    def file(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_text(text)
        return path

    def compare(self, path: Path) -> Report:
        self.id, job_id = ask_plan(self.db, self.account_id, path, path.name)
        self._work(job_id)
        return self.report

    @property
    def report(self) -> Report:
        row: Any = self.db.execute("select report from taxon_import where id = %s", [self.id]).fetchone()
        return Report(**{key: value for key, value in row.report.items() if key != "error"})

    def take_in(self, **options: bool) -> str:
        job_id = ask_bring(self.db, self.account_id, self.id, **options)
        return self._work(job_id)

    def _work(self, job_id: int) -> str:
        self.db.commit()
        run_queued(job_id, self.settings, self.settings.database_url, threading.Event())
        row: Any = self.db.execute("select status, error from job where id = %s", [job_id]).fetchone()
        self.error = row.error
        return str(row.status)

    def shown(self) -> dict[str, str | None]:
        """Display names with those of the parents."""
        rows = self.db.execute(
            "select taxon.display_name, parent.display_name as above from taxon"
            " left join taxon as parent on parent.id = taxon.parent_id"
        )
        return {row.display_name: row.above for row in rows}
