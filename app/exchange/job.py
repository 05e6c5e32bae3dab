"""The job that imports a source: taken up again where it stopped, and its report in the job's log."""

from app.errors import Refused
from app.exchange.importing import run_import
from app.exchange.report import Fault, ImportOptions, counted
from app.jobs.bodies import job_body
from app.jobs.context import JobContext

LOGGED_LINES = 200


@job_body("import")
def run(job: JobContext) -> None:
    """Import `args['source']` as `args['options']` say; the job fails, and says why, where that is refused or asks."""
    if job.project_id is None or job.account_id is None:
        raise Refused("An import needs a project and a person. Start it again from the project.")
    options = ImportOptions.from_json(job.args.get("options", {}))
    report = run_import(
        job.database_url, job.settings, job.project_id, job.account_id, job.args["source"], options, job.progress
    )
    end = [*report.example(), report.summary()]
    told = report.lines()[: -len(end)]
    more = len(told) - LOGGED_LINES
    rest = [f"... and {counted(more, 'line', 'lines')} more in the import's report."] if more > 0 else []
    for line in told[:LOGGED_LINES] + rest + end:
        job.log(line)
    if report.status in ("failed", "asking"):
        raise Refused(f"{report.summary()} {_first(report.faults)}".strip())


def _first(faults: list[Fault]) -> str:
    return f"The first: {faults[0]}" if faults else ""
