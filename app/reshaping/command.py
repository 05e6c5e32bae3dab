"""`shoal subset`, `shoal merge` and `shoal delete`: projects cut out, joined and deleted from a terminal."""

from typing import Any

import click

from app import database, search
from app.accounts.viewer import Viewer
from app.commands import find_project, line_of, ready_database
from app.database import Db
from app.errors import NotFound, Refused
from app.exporting.command import as_manager
from app.jobs import foreground
from app.nouns import counted
from app.projects.spoken_for import account_with, manager_of
from app.reshaping import apart, asked, collisions, emptying, hiding, merging, removing, subset
from app.reshaping.api import DELETES, MERGES, SUBSETS
from app.reshaping.asked import Reshaping
from app.reshaping.choosing import PERS, Chosen, Wish, choose
from app.reshaping.collisions import Collisions
from app.reshaping.merging import Answers
from app.reshaping.subset import What
from app.settings import Settings, load_settings

FILTER = 'Only these objects, as an address of the board says: "taxon=7&depth=..200".'
AS = "E-mail of the person who does this; by default the one who made {}."


@click.command("subset")
@click.argument("project")
@click.argument("title")
@click.option("--filter", "filters", default="", help=FILTER)
@click.option("--share", type=float, help="Percent of the objects, drawn from each group.")
@click.option("--number", type=int, help="At most so many objects of each group.")
@click.option("--per", type=click.Choice(PERS), default="project", help="What a group is; all together by default.")
@click.option("--seed", type=int, default=1, help="The same seed draws the same objects.")
@click.option("--labels/--no-labels", default=True, help="With labels; they come by default.")
@click.option("--history/--no-history", default=True, help="With the labels' history; without labels it does not come.")
@click.option("--predictions/--no-predictions", default=True, help="With what is predicted now.")
@click.option("--comments/--no-comments", default=True, help="With comments.")
@click.option("--dry-run", is_flag=True, help="Only say which objects these are.")
@click.option("--as", "email", help=AS.format("PROJECT"))
def subset_command(project: str, title: str, dry_run: bool, email: str | None, **given: Any) -> None:
    """Make a project TITLE of some objects of PROJECT (its number or title). Images are shared."""
    settings, url = _ready()
    what = What(**{name: given.pop(name) for name in ("labels", "history", "predictions", "comments")})
    wish = Wish(**given)
    with database.connect(url) as db:
        home = as_manager(db, find_project(db, project).id)
        account_id = manager_of(db, home.id, email, SUBSETS["does"])
        if dry_run:
            _say_chosen(choose(db, home.id, account_id, wish))
            return
        made = subset.ask(db, home, account_id, title, wish, what)
    done = _followed(settings, url, made)
    click.echo(f"{title}: {counted(done.n_objects, 'object')} of {home.title}, project {done.to_id}.")


@click.command("merge")
@click.argument("source")
@click.argument("target")
@click.option(
    "--samples",
    type=click.Choice(["refuse", "join", "apart"]),
    default="refuse",
    help="Samples of one name: refuse, join them with the fields of TARGET, or keep them apart under another name.",
)
@click.option(
    "--columns",
    type=click.Choice(["refuse", "rename"]),
    default="refuse",
    help="Columns of one name and two types: refuse, or let them come under another name.",
)
@click.option(
    "--objects",
    type=click.Choice(["refuse", "apart"]),
    default="refuse",
    help="Objects of one id: refuse, or keep them apart under another id.",
)
@click.option("--dry-run", is_flag=True, help="Only say what would come and collide; fails where it would be refused.")
@click.option("--as", "email", help=AS.format("TARGET"))
def merge_command(
    source: str, target: str, samples: str, columns: str, objects: str, dry_run: bool, email: str | None
) -> None:
    """Put project SOURCE into project TARGET (numbers or titles). SOURCE is then deleted, and kept for 30 days.

    Objects come with labels and their history, what is predicted now, comments, images and columns; what mass edits of
    columns had written before does not, nor do batches, cards, learning sets and classifiers."""
    settings, url = _ready()
    with database.connect(url) as db:
        coming = as_manager(db, find_project(db, source).id)
        home = as_manager(db, find_project(db, target).id)
        manager_of(db, coming.id, email, "merge away")
        account_id = manager_of(db, home.id, email, MERGES["does"])
        found, answers = collisions.find(db, coming.id, home.id), Answers(samples, columns, objects)
        if dry_run:
            _say_collisions(found)
            merging.check(db, home, coming, answers)
            return
        made = merging.ask(db, home, coming, account_id, answers)
    done = _followed(settings, url, made)
    click.echo(f"{counted(done.n_objects, 'object')} of {coming.title} are in {home.title}, project {home.id}.")
    if samples == "join" and found.n_differing:
        click.echo(_differing_words(found, f"The fields of {home.title} stand in"))


@click.command("delete")
@click.argument("project", required=False)
@click.option("--filter", "filters", default="", help=FILTER)
@click.option("--all", "everything", is_flag=True, help="The whole project.")
@click.option("--title", default="", help="The project's title, as a confirmation; else it is asked for.")
@click.option("--list", "listed", is_flag=True, help="What was deleted and can come back.")
@click.option("--back", type=int, help="Bring back the deletion of this number.")
@click.option("--as", "email", help=AS.format("PROJECT, or for --back who deleted"))
def delete_command(
    project: str | None, filters: str, everything: bool, title: str, listed: bool, back: int | None, email: str | None
) -> None:
    """Delete PROJECT (its number or title), or objects of it. For 30 days all of it can be brought back."""
    settings, url = _ready()
    with database.connect(url) as db:
        if listed:
            _list(db, project)
            return
        if back is not None:
            made = _bring_back(db, back, email)
        elif project is None or bool(filters) == everything:
            raise Refused("Say the project, and --filter for some of its objects or --all for the whole of it.")
        else:
            made = _delete(db, find_project(db, project).id, filters, title, email)
    done = _followed(settings, url, made)
    what = f"{counted(done.n_objects, 'object')} of {done.title}" if done.kind == "objects" else done.title
    click.echo(f"{what}: {_end(done)}")


def _end(done: Reshaping) -> str:
    if done.expires_at is None:
        return "there again."
    return f"deleted. Until {done.expires_at:%Y-%m-%d} it comes back by: shoal delete --back {done.id}"


def _delete(db: Db, project_id: int, filters: str, title: str, email: str | None) -> Reshaping:
    home = as_manager(db, project_id)
    account_id = manager_of(db, home.id, email, DELETES["does"])
    if not filters:
        typed = title or click.prompt(f"To delete the whole project, type its title ({home.title})")
        return hiding.remove(db, home, account_id, typed)
    wish = Wish(filters)
    chosen = choose(db, home.id, account_id, wish)
    _say_chosen(chosen)
    typed = title or click.prompt(f"To delete these, type the project's title ({home.title})")
    hiding.check_typed(typed, home.title, "delete objects of it")
    return removing.ask(db, home, account_id, wish, len(chosen))


def _bring_back(db: Db, number: int, email: str | None) -> Reshaping:
    made = asked.find(db, number)
    if made.kind == "objects":
        account_id = manager_of(db, made.project_id, email, DELETES["does"]) if email else made.account_id
        return removing.bring_back(db, as_manager(db, made.project_id), account_id, made.id)
    if made.kind != "project" or made.state != "done":
        raise NotFound(f"{number} is no deletion that can be taken back: see shoal delete --list.")
    if email:
        return apart.bring_project_back(db, Viewer(account_with(db, email)), number)
    merge = apart.of_deleted(db, made)
    if merge is not None:
        return apart.bring_merged_back(db, merge, merge.account_id, manages_all=True)
    hiding.restore(db, made)
    return asked.find(db, number)


def _list(db: Db, project: str | None) -> None:
    if project:
        found = emptying.list_bin(db, find_project(db, project).id)
    else:
        found = hiding.list_all(db) + emptying.list_all(db)
    for one in found:
        until = f"{one.expires_at:%Y-%m-%d}" if one.expires_at else "-"
        what = counted(one.n_objects, "object") if one.kind == "objects" else "the project"
        click.echo(line_of(one.id, one.title, what, f"kept until {until}"))
    if not found:
        click.echo("Nothing that was deleted can be brought back.")


def _ready() -> tuple[Settings, str]:
    settings = load_settings()
    url = ready_database(settings)
    search.configure(settings)
    return settings, url


def _followed(settings: Settings, url: str, made: Reshaping) -> Reshaping:
    """As it is at its end."""
    if made.is_active:
        foreground.run_waiting(settings, url, made.job_id or 0)
    with database.connect(url) as db:
        return asked.find(db, made.id)


def _say_chosen(chosen: Chosen) -> None:
    click.echo(
        f"{counted(len(chosen), 'object')} of {counted(chosen.n_samples, 'sample')}, {counted(chosen.n_taxa, 'taxon')}."
    )
    for name, n in chosen.taxa:
        click.echo(f"  {n:,}\t{name}")


def _say_collisions(found: Collisions) -> None:
    click.echo(f"{counted(found.n_objects, 'object')} of {counted(found.n_samples, 'sample')} would come.")
    if found.n_samples_in_both:
        click.echo(f"Samples in both: {found.n_samples_in_both:,} ({', '.join(found.samples[:10])}).")
    if found.n_differing:
        click.echo(_differing_words(found, "Joined, the fields there stand in"))
    if found.n_same_ids:
        click.echo(f"Objects whose id is there too: {found.n_same_ids:,} ({', '.join(found.same_ids[:10])}).")
    if found.n_new_columns:
        more = ", …" if found.n_new_columns > len(found.new_columns) else ""
        click.echo(f"Columns that are new there: {found.n_new_columns:,} ({', '.join(found.new_columns)}{more}).")
    for clash in found.columns:
        click.echo(f"Column {clash.column}: {clash.type}, and {clash.type_there} there.")
    if found.needs_new_vectors:
        click.echo(f"Vectors: of {found.embedder}, made anew by {found.embedder_there}.")
    if found.people:
        click.echo(f"No members there: {', '.join(found.people)}.")


def _differing_words(found: Collisions, stand: str) -> str:
    """`stand`: what is said before the number of samples of which some values do not come."""
    told = "; ".join(f"{one.sample}: {', '.join(one.fields)}" for one in found.differing[:10])
    more = "; …" if found.n_differing > 10 else ""
    return f"{stand} {counted(found.n_differing, 'sample')}, where those that come differ ({told}{more})."
