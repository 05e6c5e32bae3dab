"""The job that reshapes projects: killed and begun again, it goes on; cancelled, it leaves nothing half-done."""

from app import database, search
from app.database import Db
from app.errors import NotFound
from app.jobs.bodies import job_body
from app.jobs.context import Cancelled, JobContext
from app.reshaping import apart, asked, emptying, merging, removing, subset
from app.reshaping.asked import Reshaping


@job_body("reshape")
def run(job: JobContext) -> None:
    """`reshaping_id`: what is to be done next of it."""
    search.configure(job.settings)
    with database.connect(job.database_url, autocommit=True) as db:
        try:
            made = asked.find(db, int(job.args["reshaping_id"]))
        except NotFound:
            job.log("It was done or given up before: nothing is left to do.")
            return
        db.execute("update reshaping set job_id = %s where id = %s", [job.job_id, made.id])
        try:
            _do(db, job, made)
        except Cancelled:
            _give_up(db, asked.find(db, made.id))
            raise


def _do(db: Db, job: JobContext, made: Reshaping) -> None:
    if made.state == "erasing":
        emptying.erase(db, job, made)
    elif made.state == "bringing":
        {"merge": apart.bring, "objects": removing.bring}[made.kind](db, job, made)
    elif made.state in ("asked", "begun"):
        {"subset": subset.make, "merge": merging.merge, "objects": removing.remove}[made.kind](db, job, made)
    else:
        job.log("It is done.")


def _give_up(db: Db, made: Reshaping) -> None:
    if made.kind == "subset":
        subset.give_up(db, made)
    elif made.kind == "merge":
        merging.give_up(db, made)
    elif made.kind == "objects" and made.state in ("asked", "begun"):
        removing.give_up(db, made)
