"""`shoal ecotaxa`: take a project in from EcoTaxa and follow it, and send labels back."""

import csv
import os
import sys
from pathlib import Path

import click

from app import database, search
from app.commands import find_project, ready_database
from app.database import Db
from app.ecotaxa import differences, taxa, visits
from app.ecotaxa.client import EcoTaxa, read_address
from app.ecotaxa.differences import Unmapped
from app.ecotaxa.visits import Visit
from app.errors import NotFound, Refused
from app.exchange.command import remove_empty
from app.exchange.resolve import find_taxa
from app.jobs import foreground
from app.nouns import counted
from app.projects.queries import make_project
from app.projects.spoken_for import manager_of, owner_of
from app.settings import Settings, load_settings

TOKEN = "SHOAL_ECOTAXA_TOKEN"  # noqa: S105 - the name of a variable
SHOWN = 20
NOT_SENT = 3
WORDS = {"V": "validated", "D": "dubious", "": "no label"}


@click.group("ecotaxa")
def ecotaxa() -> None:
    """EcoTaxa: pull a project and follow it, push labels back.

    URL is the address of the project's page there, such as https://ecotaxa.obs-vlfr.fr/prj/1234. The token is read from
    SHOAL_ECOTAXA_TOKEN, else it is asked for; it is never kept in clear.
    """


@ecotaxa.command("pull")
@click.argument("url")
@click.argument("project")
@click.option("--create", is_flag=True, help="Make the project if there is none of that title.")
@click.option("--as", "email", help="E-mail of the person who pulls; by default the one who made the project.")
@click.option("--keep", type=click.Choice(["ours", "theirs"]), help="Decide all conflicts first: whose word stands.")
@click.option("--fields", is_flag=True, help="Take over what differs in the fields of objects that are here, too.")
def pull(url: str, project: str, create: bool, email: str | None, keep: str | None, fields: bool) -> None:
    """Take EcoTaxa's project at URL into PROJECT (its number or title), or what changed there since the last pull."""
    settings, database_url = _ready()
    token = _token(url)
    with database.connect(database_url) as db:
        project_id, title, account_id, is_new = _open(db, project, create, email)
        visits.set_link(db, project_id, url, None)
        if keep and differences.decide(db, project_id, "ours" if keep == "ours" else "theirs"):
            click.echo(f"Conflicts decided: {keep} stand.", err=True)
        asked = visits.ask(db, settings, project_id, title, account_id, "pull", token, fields)
    try:
        done = _do(settings, database_url, asked)
    except Refused:
        with database.connect(database_url) as db:
            if is_new and remove_empty(db, project_id):
                click.echo(f"The project “{title}”, made for this pull, is gone again: it was empty.", err=True)
        raise
    _say(database_url, done)


@ecotaxa.command("push")
@click.argument("url")
@click.argument("project")
@click.option(
    "--mapping",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Categories for taxa that EcoTaxa does not know: lines of a taxon, a tab, and EcoTaxa's number.",
)
@click.option("--as", "email", help="E-mail of the person who pushes; by default the one who made the project.")
@click.option("--yes", is_flag=True, help="Send what differs without asking.")
@click.option("--dry-run", is_flag=True, help="Only show what differs.")
def push(url: str, project: str, mapping: Path | None, email: str | None, yes: bool, dry_run: bool) -> None:
    """Show how PROJECT differs from EcoTaxa's project at URL, and send the labels that changed here alone.

    Ends with 3 where labels are left that could not be sent.
    """
    settings, database_url = _ready()
    token = _token(url)
    with database.connect(database_url) as db:
        project_id, title, account_id, _ = _open(db, project, False, email)
        visits.set_link(db, project_id, url, None)
        said = _read_mapping(db, mapping) if mapping else {}
        before = taxa.said(db, project_id, list(said))
        taxa.say(db, project_id, said)
        asked = visits.ask(db, settings, project_id, title, account_id, "compare", token)
    try:
        compared = _do(settings, database_url, asked)
        _say(database_url, compared)
    finally:
        if dry_run:
            with database.connect(database_url) as db:
                taxa.say(db, project_id, before)
    n = compared.report.n_send
    if n and not dry_run and (yes or click.confirm(f"Send {counted(n, 'label')} to EcoTaxa?", err=True)):
        with database.connect(database_url) as db:
            asked = visits.ask(db, settings, project_id, title, account_id, "push", token)
        compared = _do(settings, database_url, asked)
        click.echo(visits.told("push", compared.report)[-1])
    left = compared.report
    sys.exit(NOT_SENT if left.n_conflict or left.n_unmapped or left.n_blocked else 0)


def _ready() -> tuple[Settings, str]:
    settings = load_settings()
    url = ready_database(settings)
    search.configure(settings)
    return settings, url


def _token(url: str) -> str:
    """From the environment, else asked for; who has none logs in there."""
    token = os.environ.get(TOKEN, "").strip()
    if token:
        return token
    token = click.prompt("Token (nothing: log in there)", hide_input=True, default="", show_default=False, err=True)
    if token.strip():
        return str(token.strip())
    remote = EcoTaxa(read_address(url)[0], "")
    try:
        return remote.log_in(
            click.prompt("E-mail at EcoTaxa", err=True), click.prompt("Password there", hide_input=True, err=True)
        )
    finally:
        remote.close()


def _open(db: Db, name: str, create: bool, email: str | None) -> tuple[int, str, int, bool]:
    """The project's number and title, whose visit this is, and whether the project was made for it."""
    try:
        found = find_project(db, name)
    except NotFound as error:
        if not create:
            raise NotFound(f"{error.sentence} With --create, pull makes it.") from error
        account_id = owner_of(db, email)
        return make_project(db, account_id, name), name, account_id, True
    account_id = manager_of(db, found.id, email, "pull into or push from")
    return found.id, found.title, account_id or owner_of(db, None), False


def _do(settings: Settings, database_url: str, asked: Visit) -> Visit:
    foreground.run_waiting(settings, database_url, asked.job_id or 0)
    with database.connect(database_url) as db:
        return visits.find_visit(db, asked.project_id, asked.id)


def _say(database_url: str, done: Visit) -> None:
    """What differs, by taxon; then the report."""
    kinds: tuple[differences.Kind, ...] = ("send", "unmapped", "blocked", "conflict")
    with database.connect(database_url) as db:
        for kind in kinds:
            for group in differences.groups(db, done.project_id, kind)[:SHOWN]:
                click.echo(f"{kind}\t{group.n}\t{_word(group.their_status, group.theirs)}"
                           f"\t{_word(group.our_status, group.ours)}")  # fmt: skip
        for one in differences.unmapped(db, done.project_id)[:SHOWN]:
            click.echo(f"no category\t{one.n}\t{one.taxon}\t{_why_unmapped(one)}")
        if done.report.n_unmapped:
            click.echo("Name a category for these with --mapping FILE: taxon, tab, EcoTaxa's number.", err=True)
    for line in visits.told(done.action, done.report):
        click.echo(line)


def _why_unmapped(one: Unmapped) -> str:
    if one.remote_id is None:
        return "none is named"
    return (
        f"{one.remote_id}: {one.remote_name}, deprecated there"
        if one.remote_name
        else f"{one.remote_id}: unknown there"
    )


def _word(status: str, taxon: str) -> str:
    return f"{WORDS[status]} {taxon}".strip()


def _read_mapping(db: Db, path: Path) -> dict[int, int | None]:
    """Taxa by name or number, and EcoTaxa's number for each."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = [(number, cells) for number, cells in enumerate(csv.reader(file, delimiter="\t"), 1) if any(cells)]
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(f"{path} cannot be read ({error}).") from error
    bad = next((number for number, cells in lines if len(cells) != 2 or not cells[1].strip().isdecimal()), None)
    if bad:
        raise Refused(f"{path}, line {bad}: write a taxon, a tab, and EcoTaxa's number of a category.")
    names = [cells[0].strip() for _, cells in lines]
    numbers = [int(name) for name in names if name.isascii() and name.isdecimal() and len(name) < 10]
    known = db.execute("select id from taxon where id = any(%s)", [numbers])
    found = find_taxa(db, names) | {str(row.id): row.id for row in known}
    unknown = [name for name in names if name not in found]
    if unknown:
        raise Refused(f"{path} names taxa that are not known here, or mean several: {', '.join(unknown[:10])}.")
    return {found[cells[0].strip()]: int(cells[1]) for _, cells in lines}
