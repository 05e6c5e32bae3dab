"""The job that visits EcoTaxa: it pulls, compares or pushes; killed, it goes on from what it has done."""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from app import database
from app.database import Db
from app.ecotaxa import reading, sending, taking, taxa, tokens, visits
from app.ecotaxa.client import EcoTaxa, RemoteJob
from app.ecotaxa.visits import Link, Report
from app.errors import Refused
from app.exchange.importing import run_import
from app.exchange.report import ImportOptions, ImportReport
from app.jobs.bodies import job_body
from app.jobs.context import Cancelled, JobContext
from app.nouns import counted
from app.settings import Settings

MOST_NAMED = 10
POLL_S = 5.0  # between two looks at a job there


@job_body("ecotaxa")
def run(job: JobContext) -> None:
    """Do the visit `visit_id`. The token goes with its end, whichever that is."""
    if job.project_id is None or job.account_id is None:
        raise Refused("The project, or the person who asked for this, is gone.")
    with database.connect(job.database_url, autocommit=True) as db:
        row: Any = db.execute(
            "select * from ecotaxa_visit where id = %s and project_id = %s", [job.args["visit_id"], job.project_id]
        ).fetchone()
        if row is None:
            raise Refused("The link to EcoTaxa was ended meanwhile.")
        link = visits.the_link(db, job.project_id)
        try:
            remote = EcoTaxa(link.address, tokens.unseal(job.settings, row.token), job.checkpoint, POLL_S)
            try:
                _visit(db, remote, link, row, job)
            finally:
                remote.close()
        except (Refused, Cancelled):
            visits.forget_token(db, row.id)
            shutil.rmtree(folder(job.settings, row.id), ignore_errors=True)
            raise


def _visit(db: Db, remote: EcoTaxa, link: Link, row: Any, job: JobContext) -> None:
    title = remote.project_title(link.remote_id)
    db.execute("update ecotaxa_link set remote_title = %s where project_id = %s", [title[:250], link.project_id])
    report = Report(acts=row.state.get("acts", []), n_taken=row.state.get("n_taken", 0))
    report.n_objects = reading.read(db, remote, link, row.id, job)
    n_taxa = taxa.bring_unknown(db, remote, link.project_id, job.account_id or 0, job)
    if n_taxa:
        report.notes.append(f"{counted(n_taxa, 'category', 'categories')} of EcoTaxa’s are new here.")
    reading.match(db, link.project_id)
    if row.action == "pull":
        if row.state.get("fields"):
            _follow_fields(db, remote, link, row, report, job)
        _fetch(db, remote, link, row, report, job)
    _note_unmatched(db, link, row, report)
    reading.tell_differences(db, link.project_id, row.id, row.action == "push", job)
    if row.action == "pull":
        _take(db, link, row, report, job)
    elif row.action == "push":
        sending.send(db, remote, link, report, job)
        db.execute("update ecotaxa_link set pushed_at = now() where project_id = %s", [link.project_id])
    reading.count(db, link.project_id, report)
    visits.end(db, row.id, report)
    for line in visits.told(row.action, report):
        job.log(line)


def _fetch(db: Db, remote: EcoTaxa, link: Link, row: Any, report: Report, job: JobContext) -> None:
    """Objects that are not here yet: exported there, fetched, and imported as any bundle of EcoTaxa's."""
    n_new, is_all, samples = reading.samples_to_fetch(db, link.project_id, row.id)
    if not n_new:
        return
    with _exported(db, remote, link, row, job, () if is_all else samples) as path:
        report.n_new = _bring_in(link, path, report, job).n_objects
    reading.match(db, link.project_id)


def _follow_fields(db: Db, remote: EcoTaxa, link: Link, row: Any, report: Report, job: JobContext) -> None:
    """Fields of objects that are here: what differs in EcoTaxa's table becomes edits, which can be taken back."""
    status: Any = db.execute("select status from project where id = %s", [link.project_id]).fetchone()
    if status.status == "explore":
        report.notes.append("Fields were not taken over: this project can only be explored, as its settings say.")
        return
    with _exported(db, remote, link, row, job, images=False) as path:
        outcome = _import(path, link, ImportOptions(update="fields"), job)
    if outcome.status == "failed" and outcome.n_objects:
        raise Refused(f"The fields cannot be taken over. {outcome.summary()} The first: {outcome.faults[0]}")
    report.n_values = outcome.n_values
    if outcome.n_values:
        report.notes.append(
            f"{counted(outcome.n_values, 'value')} of fields were taken over: import {outcome.import_id} on"
            " the page Import tells which, and takes them back."
        )


@contextmanager
def _exported(
    db: Db, remote: EcoTaxa, link: Link, row: Any, job: JobContext, samples: Sequence[int] = (), images: bool = True
) -> Iterator[Path]:
    """EcoTaxa's export, fetched; gone again when it was read. A killed visit goes on with the same one."""
    place = folder(job.settings, row.id)
    place.mkdir(parents=True, exist_ok=True, mode=0o700)
    kind = "export" if images else "fields"
    path = place / (f"ecotaxa_{link.remote_id}" + (".zip" if images else "_fields.zip"))
    export_id = row.state.get(f"{kind}_job")
    if export_id is None:
        export_id = remote.begin_export(link.remote_id, samples, images)
        visits.keep_state(db, row.id, **{f"{kind}_job": export_id})
    try:
        remote.wait_for(export_id, lambda told: _say_export(told, job))
    except Cancelled:
        remote.end_job(export_id)
        raise
    remote.download(export_id, path, lambda done, total: job.progress(done, total, "bytes", "fetching the export"))
    yield path
    shutil.rmtree(place, ignore_errors=True)


def _say_export(told: RemoteJob, job: JobContext) -> None:
    job.progress(told.percent, 100, "%", f"EcoTaxa writes the export{': ' + told.message if told.message else ''}")


def _bring_in(link: Link, path: Path, report: Report, job: JobContext) -> ImportReport:
    """Who labelled there and has no account here is answered for by who pulls: that is told."""
    options = ImportOptions(skip_existing=True)
    outcome = _import(path, link, options, job)
    if outcome.status == "asking" and not outcome.missing_taxa:
        people = {name: str(job.account_id) for name in outcome.missing_users}
        outcome = _import(path, link, replace(options, mapping={"users": people}), job)
        names = ", ".join(sorted(people)[:MOST_NAMED])
        report.notes.append(f"Labels of people without an account here stand under yours: {names}.")
    if outcome.status == "failed":
        raise Refused(f"What EcoTaxa exported cannot be taken in. {outcome.summary()} The first: {outcome.faults[0]}")
    if outcome.status == "asking":
        names = ", ".join(outcome.missing_taxa[:MOST_NAMED])
        raise Refused(f"EcoTaxa’s export names categories that it does not tell otherwise: {names}.")
    return outcome


def _import(path: Path, link: Link, options: ImportOptions, job: JobContext) -> ImportReport:
    return run_import(job.database_url, job.settings, link.project_id, job.account_id or 0, path, options, job.progress)


def _note_unmatched(db: Db, link: Link, row: Any, report: Report) -> None:
    """Objects there of which nobody can tell which they are here."""
    n, _, _ = reading.samples_to_fetch(db, link.project_id, row.id)
    if n and row.action == "pull":
        report.notes.append(
            f"{counted(n, 'object')} of EcoTaxa’s could not be told from others, since several have the same"
            " id: they are left as they are."
        )
    elif n:
        report.notes.append(f"{counted(n, 'object is', 'objects are')} not here yet: a pull takes them in.")


def _take(db: Db, link: Link, row: Any, report: Report, job: JobContext) -> None:
    """Act after act, each in a transaction of its own with what was taken so far; begun again, what is left."""
    status: Any = db.execute("select status from project where id = %s", [link.project_id]).fetchone()
    if status.status == "explore":
        report.notes.append("Labels were not taken in: this project can only be explored, as its settings say.")
    else:
        after: int | None = 0
        while after is not None:
            with db.transaction():
                act_id, after, n = taking.take_part(db, link, job.account_id or 0, after)
                if act_id:
                    report.acts.append(act_id)
                    report.n_taken += n
                    visits.keep_state(db, row.id, acts=report.acts, n_taken=report.n_taken)
            job.progress(report.n_taken, None, "labels", "taking labels in")
    db.execute("update ecotaxa_link set pulled_at = now() where project_id = %s", [link.project_id])


def folder(settings: Settings, visit_id: int) -> Path:
    return Path(settings.home) / "ecotaxa" / str(visit_id)
