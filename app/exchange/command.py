"""`shoal import`: a folder, a zip archive or an EcoTaxa bundle into a project."""

import signal
import sys
import threading
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import FrameType
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from app import database
from app.commands import find_project, ready_database, spec_of
from app.database import Db
from app.errors import NotFound, Refused
from app.exchange.importing import NEW_PROJECT, run_import
from app.exchange.mapping import read_mapping
from app.exchange.report import ImportOptions
from app.exchange.watch import Watch, Watched
from app.jobs import foreground
from app.jobs.queue import enqueue
from app.jobs.recovery import recover
from app.projects.queries import make_project
from app.projects.spoken_for import manager_of, owner_of
from app.search import embedders
from app.settings import Settings, load_settings

ASKING = 3
SECONDS = click.FloatRange(min=0.1, max=86_400)


@click.command("import")
@click.argument("source", type=click.Path(exists=True, path_type=Path))
@click.option("--project", required=True, help="Title or number of the project that takes it in.")
@click.option("--create", is_flag=True, help="Make the project if there is none of that title.")
@click.option(
    "--embedder", help="With --create: the embedder of the new project, a name of `shoal embedder list`, or a spec."
)
@click.option("--as", "email", help="E-mail of the person who imports; by default the one who made the project.")
@click.option("--taxa-from-folders", is_flag=True, help="Sub-folders' names are taxa, as validated labels.")
@click.option(
    "--samples-from-folders",
    is_flag=True,
    help="Sub-folders' names are samples; with --taxa-from-folders, those around the innermost one.",
)
@click.option("--mapping", type=click.Path(path_type=Path), help="Answers for unknown taxa and people, JSON or TSV.")
@click.option("--create-taxa", is_flag=True, help="Make the taxa that are unknown.")
@click.option("--skip-existing", is_flag=True, help="Leave out what is in the project already.")
@click.option("--skip-bad-images", is_flag=True, help="Leave out images that cannot be read.")
@click.option(
    "--update",
    type=click.Choice(["fields", "all"]),
    help="Add nothing: objects that are there get the table's fields, or with “all” its classifications too.",
)
@click.option("--dry-run", is_flag=True, help="Check everything, tell everything, keep nothing.")
@click.option("--from-scratch", is_flag=True, help="Forget what an unfinished import of this source has read.")
@click.option("--watch", is_flag=True, help="Stay, and take in what comes into this folder, each thing once.")
@click.option("--every", type=SECONDS, default=60.0, show_default=True, help="Seconds between two looks of --watch.")
@click.option(
    "--settle", type=SECONDS, default=60.0, show_default=True, help="Seconds that a thing stands still before --watch."
)
def import_command(
    source: Path,
    project: str,
    create: bool,
    embedder: str | None,
    email: str | None,
    mapping: Path | None,
    watch: bool,
    every: float,
    settle: float,
    **choices: Any,
) -> None:
    """Take a folder or zip of images, or an EcoTaxa bundle (folder or zip), into a project.

    Nothing is visible until all of it was checked. Ctrl+C stops; the same command goes on from there.
    Ends with 1 where the source was refused, 3 where it waits for answers. With --watch it looks at a folder that an
    instrument writes into: each sub-folder, archive and image is taken in once it stands still, until Ctrl+C.
    """
    choices["update"] = choices["update"] or ""
    if watch and (choices["dry_run"] or choices["from_scratch"] or choices["update"] or not source.is_dir()):
        raise Refused("--watch takes a folder, and goes with none of --dry-run, --from-scratch and --update.")
    if choices["update"] and create:
        raise Refused("--update is of objects that are there: it does not go with --create.")
    if embedder and not create:
        raise Refused("--embedder goes with --create; `shoal embed --embedder` exchanges that of a project.")
    options = ImportOptions(mapping=read_mapping(mapping) if mapping else {}, **choices)
    settings = load_settings()
    url = ready_database(settings)
    with database.connect(url) as db:
        target = _open_project(db, project, create, options.dry_run, email)
        if embedder:
            _choose(db, settings, target, embedder)
    source = source.absolute()
    if watch:
        _watch(
            settings, url, Watched(source, target.id, target.title, target.account_id, options, mapping), every, settle
        )
        return
    if options.dry_run:
        sys.exit(_dry_run(settings, url, target.id, target.account_id, source, options))
    sys.exit(_run(settings, url, target, source, options))


def _watch(settings: Settings, url: str, watched: Watched, every_s: float, settle_s: float) -> None:
    """Until Ctrl+C or a SIGTERM, which let what runs stop where it may; a second one stops it where it is."""
    stopping = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        if stopping.is_set():
            raise KeyboardInterrupt
        stopping.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    _say_line("", f"watching {watched.folder} for “{watched.title}”; Ctrl+C ends")
    Watch(settings, url, watched, settle_s, _say_line, stopping).run(every_s)
    _say_line("", "ended; the same command goes on")


def _say_line(name: str, words: str) -> None:
    click.echo(f"{datetime.now():%Y-%m-%d %H:%M:%S}  {name + ': ' if name else ''}{words}")


@dataclass(frozen=True)
class Target:
    """The project that takes the source in, for whom, and whether this command made it."""

    id: int
    title: str
    account_id: int
    is_new: bool = False


def _open_project(db: Db, name: str, create: bool, dry_run: bool, email: str | None) -> Target:
    try:
        row = find_project(db, name)
    except NotFound as error:
        if not create:
            raise NotFound(f"{error.sentence} With --create it is made.") from error
        owner = owner_of(db, email)
        return Target(NEW_PROJECT if dry_run else make_project(db, owner, name), name, owner, is_new=True)
    return Target(row.id, row.title, manager_of(db, row.id, email, "import into") or owner_of(db, None))


def _choose(db: Db, settings: Settings, target: Target, embedder: str) -> None:
    """Before anything is read, so that an embedder which cannot be loaded is said at once."""
    if not target.is_new:
        raise Refused(f"“{target.title}” is there: `shoal embed --embedder` exchanges its embedder.")
    spec = spec_of(db, embedder)
    embedders.open_embedder(settings, spec)
    if target.id != NEW_PROJECT:
        embedders.assign(db, settings, target.id, spec)


def _dry_run(
    settings: Settings, url: str, project_id: int, account_id: int, source: Path, options: ImportOptions
) -> int:
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("Checking")
        report = run_import(
            url,
            settings,
            project_id,
            account_id,
            source,
            options,
            lambda done, total, unit, message: bar.update(task, completed=done, total=total, description=message),
        )
    for line in report.lines():
        click.echo(line)
    return 1 if report.status == "failed" else ASKING if report.missing_taxa or report.missing_users else 0


def _run(settings: Settings, url: str, target: Target, source: Path, options: ImportOptions) -> int:
    """As a job, so that the server's pages show it, and that a worker goes on where this process is killed."""
    args: dict[str, Any] = {"source": str(source), "options": options.as_json()}
    with database.connect(url) as db:
        # The same import, killed a moment ago, is taken up instead of queued beside itself.
        recover(db)
        db.commit()
        title = f"Import {source.name} into {target.title}"
        if options.update:
            title = f"Update {target.title} from {source.name}"
        job_id = enqueue(db, "import", title, target.id, target.account_id, args)
    refusal = None
    try:
        foreground.run_waiting(settings, url, job_id)
    except Refused as error:
        refusal = error
    with database.connect(url) as db:
        lines = [row.line for row in db.execute("select line from job_log where job_id = %s order by id", [job_id])]
        asking = _is_asking(db, target.id, source)
        gone = refusal is not None and target.is_new and remove_empty(db, target.id)
    for line in lines:
        click.echo(line)
    if gone:
        click.echo(f"The project “{target.title}”, made for this import, is gone again: it was empty.", err=True)
    if refusal is None and options.update:
        if lines and lines[-1].startswith("Changed"):
            click.echo("What it changed is taken back on the page of this import.", err=True)
        return 0
    if refusal is None:
        click.echo("Its images are embedded next: by `shoal serve` where it runs, or by `shoal embed`.", err=True)
        return 0
    if asking:
        return ASKING
    if lines and lines[-1] in refusal.sentence:
        # Its lines have just said it.
        return 1
    raise refusal


def remove_empty(db: Db, project_id: int) -> bool:
    """Take a project away in which a failed import left nothing that could go on or be answered."""
    removed = db.execute(
        """
        delete from project
        where id = %(id)s
          and not exists (select from object where project_id = %(id)s)
          and not exists (select from import where project_id = %(id)s and status in ('running', 'asking', 'done'))
          and not exists (select from job where project_id = %(id)s and status <> 'failed')
        """,
        {"id": project_id},
    )
    return removed.rowcount > 0


def _is_asking(db: Db, project_id: int, source: Path) -> bool:
    row = db.execute(
        "select status from import where project_id = %s and source = %s order by id desc limit 1",
        [project_id, str(source)],
    ).fetchone()
    return row is not None and row.status == "asking"
