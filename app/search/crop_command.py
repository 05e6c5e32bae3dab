"""`shoal crop`: what is burnt into the edges of a project's images, looked for and decided on a terminal."""

from typing import Any

import click

from app import database
from app.commands import find_project, ready_database
from app.errors import Refused
from app.jobs import foreground
from app.search import strips
from app.search.strips import KnownStrip
from app.settings import load_settings

SIDES = click.Choice(["bottom", "top", "left", "right"])


@click.command()
@click.argument("project")
@click.option("--accept", type=int, metavar="N", help="Cut strip N off, and compute the vectors without it.")
@click.option("--refuse", type=int, metavar="N", help="Leave strip N in; it is not proposed again.")
@click.option("--remove", type=int, metavar="N", help="Forget strip N: it may be proposed again.")
@click.option("--side", type=SIDES, help="Cut a strip off this side of all images, --size deep.")
@click.option("--size", type=int, metavar="PX", help="How deep it is cut, in pixels.")
@click.option("--list", "list_only", is_flag=True, help="Only list what is known, and look at no image.")
def crop(
    project: str,
    accept: int | None,
    refuse: int | None,
    remove: int | None,
    side: str | None,
    size: int | None,
    list_only: bool,
) -> None:
    """Find footers and scale bars in the images of PROJECT (its number or title), and keep them out of the vectors.

    Without an option it looks at some 300 images and lists the strips that many of them share. The pictures stay whole.
    """
    chosen = {"accept": accept, "refuse": refuse, "remove": remove, "side": side}
    if sum(value is not None for value in chosen.values()) > 1:
        raise Refused("Say one of --accept, --refuse, --remove and --side at a time.")
    if side is not None and size is None:
        raise Refused("Say with --size how many pixels are cut off that side.")
    settings = load_settings()
    url = ready_database(settings)
    with database.connect(url) as db:
        found = find_project(db, project)
        job_id = _decide(db, found.id, accept, refuse, remove, side, size)
        if not list_only and all(value is None for value in chosen.values()):
            job_id = strips.look(db, found.id, None)
    if job_id is not None:
        foreground.run_waiting(settings, url, job_id)
        foreground.drain(settings, url, found.id)
    with database.connect(url) as db:
        known, in_force = strips.read_all(db, found.id), strips.is_in_force(db, found.id)
    for strip in known:
        click.echo(_told(strip))
    if not known:
        click.echo(f"{found.title}: no strip is the same on many of its images.")
    if not in_force:
        click.echo("The vectors are not yet as decided: `shoal embed` computes them.", err=True)


def _decide(
    db: Any,
    project_id: int,
    accept: int | None,
    refuse: int | None,
    remove: int | None,
    side: str | None,
    size: int | None,
) -> int | None:
    """Do what was asked; the job that follows, if any."""
    if accept is not None:
        return strips.decide(db, project_id, accept, "accepted", None, size)
    if refuse is not None:
        return strips.decide(db, project_id, refuse, "refused", None)
    if remove is not None:
        return strips.remove(db, project_id, remove, None)
    if side is not None and size is not None:
        return strips.define(db, project_id, side, size, None)[1]
    return None


def _told(strip: KnownStrip) -> str:
    on = "all images" if strip.share is None else f"{strip.share:.0%} of {strip.n_looked} images looked at"
    return f"{strip.id}\t{strip.state}\t{strip.size_px} px at the {strip.side}\ton {on}"
