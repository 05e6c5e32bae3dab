"""Jobs and answers for the tests, and a worker process that knows them: `python -m tests.jobs.bodies`."""

import os
import sys
import time
from pathlib import Path

from app.errors import Refused
from app.jobs.bodies import job_body
from app.jobs.context import JobContext
from app.jobs.questions import answers


@job_body("count")
def count(job: JobContext) -> None:
    """Counts to args.to, one line a step in args.file; takes up where the file ends. args.pause is its slowness."""
    path = Path(job.args["file"])
    done = len(path.read_text().splitlines()) if path.exists() else 0
    job.log(f"beginning at {done}")
    while done < job.args["to"]:
        job.progress(done, job.args["to"], "steps", f"step {done}")
        time.sleep(job.args.get("pause", 0))
        done += 1
        with path.open("a") as file:
            file.write(f"{os.getpid()}\n")
    job.progress(done, job.args["to"], "steps")


@job_body("refuse")
def refuse(job: JobContext) -> None:
    raise Refused("The folder is not there: mount it and retry.")


@job_body("stumble")
def stumble(job: JobContext) -> None:
    raise ZeroDivisionError("by zero")


@job_body("kill")
def kill(job: JobContext) -> None:
    os.kill(os.getpid(), 9)


@answers("shout")
def shout(settings, database_url, args, payload):
    if args.get("refuse"):
        raise Refused("Not this one.")
    return {"said": payload.decode().upper(), "pid": os.getpid()}


if __name__ == "__main__":
    from app.settings import load_settings
    from app.worker import work

    work(load_settings(), stop_with_parent="--with-parent" in sys.argv)
