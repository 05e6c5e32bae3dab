"""`shoal freeze`: freeze what is validated in a project under a name, and take changes into the next version."""

import click

from app import database
from app.commands import find_project, line_of, ready_database
from app.database import Db
from app.frozen import doing, proposals, versions
from app.frozen.api import FREEZES
from app.nouns import counted
from app.projects.spoken_for import manager_of
from app.settings import load_settings

SHOWN = 20


@click.command("freeze")
@click.argument("project")
@click.option("--title", help="Freeze a version under this title; without it, only tell what there is.")
@click.option("--note", default="", help="What is to be said of the version.")
@click.option("--accept-all", is_flag=True, help="First take everything in that changed since the last version.")
@click.option("--as", "email", help="E-mail of the person who freezes; by default the one who made PROJECT.")
def freeze(project: str, title: str | None, note: str, accept_all: bool, email: str | None) -> None:
    """Versions of PROJECT (its number or title): list them, tell what changed since the last, freeze the next."""
    with database.connect(ready_database(load_settings())) as db:
        found = find_project(db, project)
        account_id = manager_of(db, found.id, email, FREEZES["does"])
        if accept_all and versions.last_number(db, found.id) and proposals.look(db, found.id).n:
            n, _ = proposals.accept(db, found.id)
            click.echo(f"{n:,} changes accepted.")
        if title is not None:
            made = doing.at_once(db, found.id, account_id, "freeze", title=title, note=note).version
            if made:
                click.echo(
                    f"Version {made.number}, {made.title}: {counted(made.n_objects, 'object')} of"
                    f" {counted(made.n_taxa, 'taxon')}."
                )
        else:
            _tell(db, found.id)


def _tell(db: Db, project_id: int) -> None:
    known = versions.list_versions(db, project_id)
    for one in known:
        click.echo(line_of(one.number, one.title, f"{one.n_objects} objects", f"{one.frozen_at:%Y-%m-%d}"))
    if not known:
        click.echo("No version yet: --title freezes one.")
        return
    look = proposals.look(db, project_id)
    for group in proposals.groups(db, project_id)[:SHOWN]:
        click.echo(f"{group.kind}\t{group.n}\t{group.old_taxon or '-'}\t{group.new_taxon or '-'}")
    click.echo(f"{look.n:,} changes since version {known[0].number}, {look.n_accepted:,} accepted.")
