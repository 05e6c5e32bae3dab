"""`shoal user`: accounts from the command line, for whoever runs the server."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from getpass import GetPassWarning

import click

from app.accounts import queries
from app.accounts.links import LIFETIMES, make_link
from app.accounts.removal import NoSuccessor, remove_account
from app.commands import ready_database
from app.database import Db, connect
from app.errors import Conflict
from app.settings import Settings, load_settings


@contextmanager
def open_accounts() -> Iterator[tuple[Db, Settings]]:
    """The database of the settings, in one transaction."""
    settings = load_settings()
    with connect(ready_database(settings)) as db:
        yield db, settings


def base_url(settings: Settings) -> str:
    """The address that people type, else that of the server that runs on this home, else where one would run."""
    from app.serve import address, running_address

    return settings.base_url or running_address(settings.home) or address(settings)


@click.group()
def user() -> None:
    """Accounts: add, list, link, password, block, unblock, remove, manager."""


@user.command()
@click.argument("email")
@click.option("--name", default="", help="The person's name; without it, what stands before the @.")
@click.option("--manager", is_flag=True, help="Make it an application manager, who makes projects and sees all.")
def add(email: str, name: str, manager: bool) -> None:
    """Make an account and print a link with which its person chooses a password."""
    with open_accounts() as (db, settings):
        account_id = queries.make_account(db, email, name, is_application_manager=manager)
        address = make_link(db, account_id, "invitation", base_url(settings))
    click.echo(f"{email} has an account{' and is application manager' if manager else ''}.")
    click.echo(f"Works once, for 7 days: {address}")


@user.command("list")
def list_users() -> None:
    """Every account, one a line: email, name, what it is."""
    with open_accounts() as (db, _):
        accounts = queries.list_accounts(db)
    for account in accounts:
        marks = [
            "application manager" if account.is_application_manager else "",
            "blocked" if account.blocked_at else "",
            "" if account.has_password else "no password yet",
        ]
        click.echo("\t".join([account.email, account.name, ", ".join(mark for mark in marks if mark)]))
    if not accounts:
        click.echo("No accounts yet. Make the first: shoal user add EMAIL --manager", err=True)


@user.command()
@click.argument("email")
@click.option(
    "--for", "purpose", type=click.Choice(list(LIFETIMES)), default="login", show_default=True, help="What it is for."
)
def link(email: str, purpose: str) -> None:
    """Print a link that works once: to log in, or to choose a (new) password."""
    with open_accounts() as (db, settings):
        click.echo(make_link(db, _find_open(db, email), purpose, base_url(settings)))


def _find_open(db: Db, email: str) -> int:
    """An account that is not blocked: nobody gets in with a link or a password of one that is."""
    account = queries.find_account(db, email)
    if account.blocked_at:
        raise Conflict(f"{email} is blocked, and nobody gets in with it: shoal user unblock {email}")
    return int(account.id)


@user.command()
@click.argument("email")
@click.option("--password", help="The new password; asked for if it is not given.")
def password(email: str, password: str | None) -> None:
    """Set a password. All sessions of the account end."""
    with open_accounts() as (db, _):
        account_id = _find_open(db, email)
        queries.set_password(db, account_id, password or _ask_password())
    click.echo(f"{email} has a new password. All its sessions have ended.")


def _ask_password() -> str:
    try:
        with warnings.catch_warnings():
            # Where it is piped in, nothing is shown of it anyway.
            warnings.simplefilter("ignore", GetPassWarning)
            given: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    except click.Abort:
        raise click.UsageError("Nobody gave a password: type it twice, or give it with --password.") from None
    return given


@user.command()
@click.argument("email")
def block(email: str) -> None:
    """Let nobody in with this account any more. Its labels stay."""
    with open_accounts() as (db, _):
        queries.block_account(db, queries.find_account(db, email).id)
    click.echo(f"{email} is blocked. “shoal user unblock {email}” lets it in again; its tokens stay revoked.")


@user.command()
@click.argument("email")
def unblock(email: str) -> None:
    """Let a blocked account in again."""
    with open_accounts() as (db, _):
        queries.unblock_account(db, queries.find_account(db, email).id)
    click.echo(f"{email} may log in again.")


@user.command()
@click.argument("email")
@click.option("--forget-name", is_flag=True, help="History says “someone who left” instead of the name.")
@click.option("--successor", default="", help="Email of who manages the projects that nobody else manages.")
def remove(email: str, forget_name: bool, successor: str) -> None:
    """Remove an account: deleted if it did nothing, else its name stays beside what it did."""
    with open_accounts() as (db, _):
        account_id = queries.find_account(db, email).id
        successor_id = queries.find_account(db, successor).id if successor else None
        try:
            whole = remove_account(db, account_id, forget_name=forget_name, successor_id=successor_id)
        except NoSuccessor as refusal:
            raise Conflict(f"{refusal.sentence} Here: --successor EMAIL.") from refusal
    click.echo(f"{email} is gone." if whole else f"{email} is removed. What it did stays.")


@user.command()
@click.argument("email")
@click.option("--no", "take_away", is_flag=True, help="Take the right away.")
def manager(email: str, take_away: bool) -> None:
    """Make an account an application manager, who makes projects and sees all."""
    with open_accounts() as (db, _):
        account = queries.find_account(db, email)
        if take_away and not account.is_application_manager:
            raise Conflict(f"{email} is no application manager: there is nothing to take away.")
        queries.make_application_manager(db, account.id, not take_away)
    click.echo(f"{email} is {'no application manager any more' if take_away else 'an application manager'}.")
