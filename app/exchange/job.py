"""The job that imports a source: taken up again where it stopped, and its report in the job's log."""

from pathlib import Path
from uuid import UUID

from app import database
from app.errors import Refused
from app.exchange import uploads
from app.exchange.importing import run_import
from app.exchange.report import Fault, ImportOptions, ImportReport
from app.exchange.uploads import Upload
from app.jobs.bodies import job_body
from app.jobs.context import JobContext
from app.nouns import counted

LOGGED_LINES = 200


@job_body("import")
def run(job: JobContext) -> None:
    """Import `args['source']`, or the upload `args['upload']`, as `args['options']` say.

    The job fails, and says why, where that is refused or asks; one that only holds has done its part then.
    """
    if job.project_id is None or job.account_id is None:
        raise Refused("An import needs a project and a person. Start it again from the project.")
    options = ImportOptions.from_json(job.args.get("options", {}))
    upload = _find_upload(job)
    source = upload.source(job.settings) if upload else Path(job.args["source"])
    report = run_import(job.database_url, job.settings, job.project_id, job.account_id, source, options, job.progress)
    if upload:
        _note(job, upload, report)
    _log(job, report)
    if report.status in ("failed", "asking") and not options.hold:
        raise Refused(f"{report.summary()} {_first(report.faults)}".strip())


def _find_upload(job: JobContext) -> Upload | None:
    if "upload" not in job.args:
        return None
    with database.connect(job.database_url) as db:
        return uploads.find_upload(db, job.settings, job.project_id or 0, UUID(job.args["upload"]))


def _note(job: JobContext, upload: Upload, report: ImportReport) -> None:
    """What came of an upload; its bytes go once they are all in the project."""
    with database.connect(job.database_url) as db:
        uploads.note_import(db, upload, report.import_id)
        if report.status in ("done", "nothing") and report.import_id:
            uploads.remove(db, job.settings, uploads.find_upload(db, job.settings, upload.project_id, upload.id))


def _log(job: JobContext, report: ImportReport) -> None:
    end = [*report.example(), report.summary()]
    told = report.lines()[: -len(end)]
    more = len(told) - LOGGED_LINES
    rest = [f"... and {counted(more, 'line')} more in the import's report."] if more > 0 else []
    for line in told[:LOGGED_LINES] + rest + end:
        job.log(line)


def _first(faults: list[Fault]) -> str:
    return f"The first: {faults[0]}" if faults else ""
