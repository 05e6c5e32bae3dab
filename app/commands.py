"""The commands that serve, work, embed and index."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from app import database
from app.database import Db
from app.errors import NotFound, Refused
from app.nouns import counted
from app.settings import Settings, load_settings, sources

SHOWN_PROJECTS = 20


def ready_database(settings: Settings) -> str:
    """The database's connection string; a new installation's gets its tables, an older one's is refused."""
    return database.make_ready(database.open_database(settings))


def line_of(*cells: object) -> str:
    """A line in columns, parted by tabs: one within a cell, or a line break, is written as a space."""
    return "\t".join(re.sub(r"\s", " ", str(cell)) for cell in cells)


def check_folder(file: Path) -> None:
    """Refuse, before anything is worked out, to write a file where there is no folder for it."""
    if not file.absolute().parent.is_dir():
        raise NotFound(f"There is no folder {file.absolute().parent}: make it, or name another place.")


def find_project(db: Db, name: str) -> Any:
    """The project with this id, or with this title where only one has it."""
    rows = db.execute(
        """
        select id, title
        from project
        where hidden is null
          and (id::text = %(name)s
               or lower(title) = lower(%(name)s))
        order by id::text = %(name)s desc, id
        """,
        {"name": name},
    ).fetchall()
    if not rows:
        raise NotFound(f"There is no project {name!r}. There are: {_titles(db)}.")
    if len(rows) > 1 and str(rows[0].id) != name:
        ids = ", ".join(str(row.id) for row in rows)
        raise Refused(f"Several projects are called {name!r}: say which by its number ({ids}).")
    return rows[0]


def _titles(db: Db) -> str:
    """The projects, newest first, as many as a person reads."""
    rows = db.execute(
        """
        select id, title, count(*) over () as n
        from project
        where hidden is null
        order by id desc
        limit %s
        """,
        [SHOWN_PROJECTS],
    ).fetchall()
    more = rows[0].n - len(rows) if rows else 0
    titles = "; ".join(f"{row.id} {row.title}" for row in rows) or "none yet"
    return f"{titles}; and {more:,} more" if more else titles


def server_options(command: Callable[..., None]) -> Callable[..., None]:
    """--host and --port, which overrule the settings."""
    command = click.option("--port", type=int, help="Port to listen on; 0 takes a free one (SHOAL_PORT).")(command)
    return click.option("--host", help="Address to listen on (SHOAL_HOST).")(command)


@click.command()
@server_options
@click.option("--no-worker", is_flag=True, help="Serve only; jobs wait for a `shoal worker` elsewhere.")
def serve(host: str | None, port: int | None, no_worker: bool) -> None:
    """Serve Shoal, with a worker beside it. Stop it with Ctrl+C: what runs goes on at the next start."""
    from app.serve import serve as run

    settings = load_settings(host=host, port=port)
    run(settings, with_worker=not no_worker, on_ready=_say_address)


def _say_address(address: str) -> None:
    click.echo(f"Shoal is at {address}  (Ctrl+C stops it)")


@click.command()
def worker() -> None:
    """Work on the jobs in the queue until Ctrl+C. More machines are more workers on the same DATABASE_URL and store."""
    from app.worker import work

    work(load_settings())


@click.command()
def migrate() -> None:
    """Bring the database up to date, without a backup. `shoal serve` does it too; `shoal upgrade` backs up first."""
    done = database.migrate(database.open_database(load_settings()))
    for name in done:
        click.echo(f"applied {name}")
    if not done:
        click.echo("The database is up to date.")


@click.command()
@click.argument("project")
@click.option(
    "--embedder", help="Let the project use this one from now on: a name of `shoal embedder list`, or a spec."
)
@click.option(
    "--vectors",
    type=click.Path(exists=True, path_type=Path),
    help="Bring in vectors made elsewhere (.npy with .ids.txt beside it, or .parquet), which become the project's.",
)
@click.option("--name", help="What the vectors brought in are called.")
@click.option("--retry-failed", is_flag=True, help="Try the images again that could not be read.")
def embed(project: str, embedder: str | None, vectors: Path | None, name: str | None, retry_failed: bool) -> None:
    """Give vectors to the images of PROJECT (its number or title) that have none yet, and index them.

    Ctrl+C stops; the same command goes on from there.
    """
    from app.jobs import foreground
    from app.search import embedders

    settings = load_settings()
    url = ready_database(settings)
    with database.connect(url) as db:
        found = find_project(db, project)
        if embedder:
            # Before anything is queued, so that what waits already does not embed with the one before.
            embedders.assign(db, settings, found.id, spec_of(db, embedder))
    given = {
        "vectors": str(vectors.absolute()) if vectors else None,
        "name": name,
        "retry_failed": retry_failed,
    }
    args = {key: value for key, value in given.items() if value}
    foreground.run(settings, url, "embed", "Embed the images", found.id, None, args)
    foreground.drain(settings, url, found.id)
    _say_embedded(url, found)


def spec_of(db: Db, name: str) -> str:
    """What the registry calls an embedder that this database knows by name; other words are taken as they are."""
    row = db.execute("select config->>'spec' as spec from embedder where name = %s", [name]).fetchone()
    return str(row.spec) if row and row.spec else name


def _say_embedded(url: str, project: Any) -> None:
    with database.connect(url) as db:
        row = db.execute(
            """
            select (select count(*) from object_vector where embedder_id = p.embedder_id and project_id = p.id) as n,
                   (select count(*) from embedding_failure where embedder_id = p.embedder_id and project_id = p.id)
                       as failed,
                   (select count(*) from object where project_id = p.id) as objects
            from project p
            where id = %s
            """,
            [project.id],
        ).fetchone()
    said = f"{project.title}: {row.n:,} of {row.objects:,} objects have their vector."
    if row.failed:
        said += f" {counted(row.failed, 'image')} cannot be read; the job's log names them, --retry-failed tries again."
    click.echo(said)


@click.command()
@click.argument("project")
def index(project: str) -> None:
    """Build the index of PROJECT (its number or title) anew from the vectors in the database."""
    from app.jobs import foreground
    from app.search import INDEX_TITLE

    settings = load_settings()
    url = ready_database(settings)
    with database.connect(url) as db:
        found = find_project(db, project)
    foreground.run(settings, url, "index", INDEX_TITLE, found.id, None, {"anew": True})
    click.echo(f"{found.title} is indexed.")


@click.group()
def embedder() -> None:
    """Embedders: list those known, add open_clip models, ONNX files, or vectors from elsewhere."""


@embedder.command("list")
def list_embedders() -> None:
    """Every embedder that this database knows, one a line: name, dimension, what it can embed, digest."""
    settings = load_settings()
    with database.connect(ready_database(settings)) as db:
        rows = db.execute(
            """
            select name, dimension, digest, embeds_images, embeds_text, description,
                   (select count(*) from project where embedder_id = embedder.id) as projects
            from embedder
            order by id
            """
        ).fetchall()
    for row in rows:
        embeds = [word for word, can in (("images", row.embeds_images), ("text", row.embeds_text)) if can]
        click.echo(
            f"{row.name}\t{row.dimension} dimensions\t{' and '.join(embeds) or 'vectors from elsewhere'}"
            f"\t{row.projects} projects\t{row.description}\t{row.digest}"
        )
    if not rows:
        click.echo("None yet: the first import registers the default, lite0-128-rot4.", err=True)


@embedder.command("add")
@click.argument("spec")
def add_embedder(spec: str) -> None:
    """Make an embedder known and check that it loads.

    SPEC is one of lite0-128-rot4, lite0-128, open_clip:ARCHITECTURE:WEIGHTS (the hub's name or a checkpoint's path),
    local-dir:/FOLDER (an open_clip model saved there), onnx:/MANIFEST.toml (an ONNX file with its preprocessing).
    Vectors made elsewhere come with `shoal embed PROJECT --vectors FILE`.
    """
    from app.search import embedders

    settings = load_settings()
    with database.connect(ready_database(settings)) as db:
        made = embedders.open_embedder(settings, spec)
        embedders.register(db, made)
    click.echo(f"{made.name}: {made.dimension} dimensions. Use it: shoal embed PROJECT --embedder {spec}")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def config(as_json: bool) -> None:
    """Show every setting, its value and where it comes from. Passwords are masked."""
    rows = sources()
    if as_json:
        import json
        from dataclasses import asdict

        click.echo(json.dumps([asdict(row) for row in rows], indent=2))
        return
    wide = max(len(row.env) for row in rows)
    for row in rows:
        click.echo(f"{row.env:<{wide}}  {row.value or '(empty)'}  [{row.source}]")
        click.echo(f"{'':<{wide}}    {row.help}")
