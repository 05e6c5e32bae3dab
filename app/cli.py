"""The commands of `shoal`. Each is imported when it is called, so that `shoal --help` is there at once."""

import os
import sys
from importlib import import_module
from typing import Any

import click

from app.errors import Refused

# name: where the command is, and what the list of commands says of it
COMMANDS = {
    "demo": ("app.demo:demo", "Make demo projects, serve them, and print a link that logs you in."),
    "serve": ("app.commands:serve", "Serve Shoal, with a worker beside it."),
    "worker": ("app.commands:worker", "Work on the jobs in the queue; more machines are more workers."),
    "migrate": ("app.commands:migrate", "Bring the database up to date."),
    "user": ("app.accounts.command:user", "Accounts: add, list, link, password, block, unblock, manager."),
    "import": ("app.exchange.command:import_command", "Take images or an EcoTaxa bundle into a project."),
    "export": ("app.exporting.command:export", "Write a project out, for EcoTaxa or for other programs."),
    "ecotaxa": ("app.ecotaxa.command:ecotaxa", "EcoTaxa: pull a project and follow it, push labels back."),
    "edit": ("app.edits.command:edit", "Mass edits of columns and labels: set, table, labels, list, undo."),
    "embed": ("app.commands:embed", "Give vectors to a project's images that have none yet."),
    "train-embedder": ("app.tuning.command:train_embedder", "Train an embedder on a project's labels, or on a folder."),
    "embedder": ("app.commands:embedder", "Embedders: list, add."),
    "crop": ("app.search.crop_command:crop", "Find burnt-in footers and scale bars, and keep them out of the vectors."),
    "index": ("app.commands:index", "Build a project's index anew."),
    "space": ("app.spaces.command:space", "Learn from a project's labels what is alike."),
    "train": ("app.classifiers.command:train", "Train a classifier, and say what to expect of it."),
    "learning-set": ("app.learning.command:learning_set", "Learning sets: make, list, export, import."),
    "freeze": ("app.frozen.command:freeze", "Freeze what is validated as a named version, or tell what changed."),
    "taxonomy": ("app.taxonomy.command:taxonomy", "The taxonomy: bring a list of taxa, write the portable list."),
    "statistics": ("app.statistics.command:statistics", "Say as CSV what a project has by taxon, person, sample, day."),
    "predict": ("app.prediction.command:predict", "Predict with a classifier, or take predictions in from a file."),
    "backup": ("app.keeping.command:backup", "Back up the database and the images, while Shoal serves."),
    "restore": ("app.keeping.command:restore", "Bring a backup back, on this or another machine."),
    "upgrade": ("app.keeping.command:upgrade", "After a newer Shoal was installed: back up, then bring up to date."),
    "disk": ("app.keeping.disk_command:disk", "Show what each project takes on disk."),
    "subset": ("app.reshaping.command:subset_command", "Make a project of some of a project's objects."),
    "merge": ("app.reshaping.command:merge_command", "Put one project into another."),
    "delete": ("app.reshaping.command:delete_command", "Delete a project or objects of it, or bring them back."),
    "gc": ("app.keeping.command:gc", "Remove what nothing refers to any more."),
    "archive": ("app.keeping.archive_command:archive", "Write a whole project into one file, or restore one."),
    "config": ("app.commands:config", "Show every setting, its value and where it comes from."),
    "doctor": ("app.doctor:doctor", "Check everything that Shoal stands on, and say what to do."),
}


class Lazy(click.Group):
    """A group that knows its commands' names and imports one when it is needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[name][0].partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, said) for name, (_, said) in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> Any:
        """What cannot be done is said in one sentence, without a traceback."""
        try:
            return super().invoke(ctx)
        except Refused as refusal:
            click.echo(refusal.sentence, err=True)
            ctx.exit(refusal.exit_code)
        except EOFError as error:
            # Click would take it for the end of what a person types, and say "Aborted!" only.
            click.echo(f"A file breaks off before its end, it is damaged: {error}", err=True)
            ctx.exit(1)


@click.group(cls=Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--home", help="Folder for the database, the images and the indexes (SHOAL_HOME).")
@click.version_option(package_name="shoal", prog_name="shoal")
def main(home: str | None) -> None:
    """Shoal sorts very large collections of images by likeness."""
    if home:
        os.environ["SHOAL_HOME"] = home


if __name__ == "__main__":
    sys.exit(main())
