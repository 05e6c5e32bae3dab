"""`shoal space`: likeness learned from a project's labels, on a terminal."""

import click

from app import database
from app.commands import find_project, ready_database
from app.errors import Refused
from app.jobs import foreground
from app.settings import load_settings
from app.spaces import versions
from app.spaces.versions import SpaceTold


@click.command()
@click.argument("project")
@click.option("--list", "list_only", is_flag=True, help="Only list the versions that were learned.")
@click.option("--use", type=int, metavar="N", help="Go to version N, which was in use before.")
@click.option("--plain", is_flag=True, help="Go back to the plain space of the embedder's vectors.")
@click.option("--automatic/--by-hand", default=None, help="Learn at 500, 1,000, 2,000 ... labels by itself, or not.")
def space(project: str, list_only: bool, use: int | None, plain: bool, automatic: bool | None) -> None:
    """Learn from the labels of PROJECT (its number or title) what is alike, and use it where that is better.

    It is measured on samples and taxa that are held out. Without an option it learns now.
    """
    if sum([list_only, use is not None, plain]) > 1:
        raise Refused("Say one of --list, --use and --plain at a time.")
    settings = load_settings()
    url = ready_database(settings)
    with database.connect(url) as db:
        found = find_project(db, project)
        if use is not None or plain:
            versions.choose(db, found.id, None, use)
        if automatic is not None:
            versions.set_automatic(db, found.id, automatic)
    if not (list_only or plain or use is not None or automatic is not None):
        foreground.run(settings, url, versions.KIND, versions.TITLE, found.id, None, {})
    if use is not None or plain:
        foreground.drain(settings, url, found.id)
    with database.connect(url) as db:
        known = versions.list_spaces(db, found.id)
    for one in known:
        click.echo(_told(one))
    if not any(one.is_current for one in known):
        click.echo(f"{found.title} compares in the plain space.")


def _told(one: SpaceTold) -> str:
    seen = one.report["seen"]
    state = "in use" if one.is_current else one.status
    return (
        f"{one.version}\t{state}\t{one.teachers}\t"
        f"{100 * seen['before']:.1f} % plain, {100 * seen['after']:.1f} % learned\t{one.report['because']}"
    )
