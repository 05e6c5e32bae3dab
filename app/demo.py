"""`shoal demo`: two projects of real images, or one of your own, and a link that logs you in."""

import os
import shutil
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from app import database
from app.commands import server_options
from app.database import Db
from app.jobs import foreground
from app.settings import Settings, load_settings

OWNER = "owner@example.org"
PHYTOPLANKTON = Path(__file__).parent / "demo_data" / "phytoplankton.zip"
DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
DIGIT_SIZE_PX = 32


@dataclass(frozen=True)
class Demo:
    """A project to make: its title, its embedder, and what writes its images into a folder.

    The folder gets `labelled/TAXON/FILE`, whose images become validated labels, and `unlabelled/FILE`.
    """

    name: str
    title: str
    description: str
    embedder: str
    write: Callable[[Path], None]


@click.command()
@server_options
@click.option(
    "--images",
    type=click.Path(exists=True, path_type=Path),
    help="Make one project of this folder or zip of images (or EcoTaxa export) instead.",
)
@click.option("--no-serve", is_flag=True, help="Make the projects, and do not serve them.")
def demo(host: str | None, port: int | None, images: Path | None, no_serve: bool) -> None:
    """Make two demo projects that need no network, serve them, and print a link that logs you in.

    105 phytoplankton of six classes, and 1,797 handwritten digits; some are labelled, most wait for you. What is there
    already is found, so that a second demo starts in seconds, and one that was interrupted goes on.
    """
    from app.serve import bring_up_to_date, serve

    settings = load_settings(host=host, port=port)
    url = database.open_database(settings)
    bring_up_to_date(url)
    owner_id = find_owner(url)
    if images is not None:
        fill_from(settings, url, owner_id, images.absolute())
    else:
        for one in DEMOS:
            fill_demo(settings, url, owner_id, one)
    if not no_serve:
        serve(settings, on_ready=lambda address: say_welcome(url, owner_id, address))


def say_welcome(url: str, owner_id: int, address: str) -> None:
    from app.accounts.links import make_link

    with database.connect(url) as db:
        link = make_link(db, owner_id, "login", address)
    click.echo(f"\nShoal is at {address}\nLog in with this link, which works once, for an hour:\n\n    {link}\n")
    click.echo("Ctrl+C stops Shoal; nothing is lost, and `shoal demo` starts it again.")


def find_owner(url: str) -> int:
    """The account that the demo logs in: an application manager, made at the first time."""
    with database.connect(url) as db:
        row = db.execute("select id from account where lower(email) = %s", [OWNER]).fetchone()
        if row:
            return int(row.id)
        from app.accounts.queries import make_account

        return make_account(db, OWNER, "Demo owner", is_application_manager=True)


def fill_demo(settings: Settings, url: str, owner_id: int, one: Demo) -> None:
    """Make a demo project, or finish it where an earlier demo was interrupted."""
    project_id = find_or_make(settings, url, owner_id, one.title, one.description, one.embedder)
    folder = settings.home / "demo" / one.name
    if not is_whole(url, project_id):
        write_whole(folder, one.write)
        for part, options in (("labelled", {"taxa_from_folders": True, "create_taxa": True}), ("unlabelled", {})):
            import_here(settings, url, project_id, owner_id, folder / part, options, f"{one.name}, {part}")
    foreground.drain(settings, url, project_id)
    mark_whole(url, project_id)
    shutil.rmtree(folder, ignore_errors=True)
    say_filled(url, project_id)


def fill_from(settings: Settings, url: str, owner_id: int, images: Path) -> None:
    """A project of the person's own images, named like their folder; once more adds what is new."""
    title = images.stem if images.is_file() else images.name
    project_id = find_or_make(settings, url, owner_id, title, f"Images of {images}", None)
    import_here(settings, url, project_id, owner_id, images, {"skip_existing": True, "create_taxa": True}, title)
    foreground.drain(settings, url, project_id)
    say_filled(url, project_id)


def import_here(
    settings: Settings, url: str, project_id: int, owner_id: int, source: Path, options: dict[str, Any], said: str
) -> None:
    args = {"source": str(source), "options": options}
    foreground.run(settings, url, "import", f"Import {said}", project_id, owner_id, args)


def find_or_make(
    settings: Settings, url: str, owner_id: int, title: str, description: str, embedder: str | None
) -> int:
    """The owner's project of that title. Its embedder is chosen before anything is in it."""
    with database.connect(url) as db:
        row = db.execute(
            "select id from project where title = %s and created_by = %s order by id limit 1", [title, owner_id]
        ).fetchone()
        if row:
            return int(row.id)
        from app.projects.queries import make_project

        project_id = make_project(db, owner_id, title, description=description)
        if embedder:
            from app.search import embedders

            click.echo(f"Preparing the embedder {embedder}", err=True)
            embedders.assign(db, settings, project_id, embedder)
        return project_id


def is_whole(url: str, project_id: int) -> bool:
    """Whether an earlier demo brought this project to its end."""
    with database.connect(url) as db:
        row = db.execute("select settings ? 'demo' as whole from project where id = %s", [project_id]).fetchone()
    return bool(row.whole)


def mark_whole(url: str, project_id: int) -> None:
    with database.connect(url) as db:
        db.execute("update project set settings = settings || '{\"demo\": true}' where id = %s", [project_id])


def say_filled(url: str, project_id: int) -> None:
    with database.connect(url) as db:
        row = counted(db, project_id)
    click.echo(f"{row.title}: {row.objects:,} images, {row.labels:,} labelled, {row.vectors:,} embedded.", err=True)


def counted(db: Db, project_id: int) -> Any:
    """What a project holds."""
    return db.execute(
        """
        select title,
               (select count(*) from object where project_id = project.id) as objects,
               (select count(*) from label where project_id = project.id and status = 'V') as labels,
               (select count(*)
                from object_vector
                where embedder_id = project.embedder_id
                  and project_id = project.id) as vectors
        from project
        where id = %s
        """,
        [project_id],
    ).fetchone()


def write_whole(folder: Path, write: Callable[[Path], None]) -> None:
    """A half-written folder never has its name: what was interrupted is written again."""
    if folder.exists():
        return
    for half in folder.parent.glob(f"{folder.name}.*.new"):
        shutil.rmtree(half)
    fresh = folder.with_name(f"{folder.name}.{os.getpid()}.new")
    write(fresh)
    fresh.rename(folder)


def write_phytoplankton(folder: Path) -> None:
    """Every second image of each class labelled. File names lose the class, or there would be nothing to find out."""
    with zipfile.ZipFile(PHYTOPLANKTON) as archive:
        names = sorted(name for name in archive.namelist() if name.endswith(".jpg"))
        for name, taxon, is_labelled in halved((name, name.split("/")[-2]) for name in names):
            part = Path("labelled", taxon) if is_labelled else Path("unlabelled")
            target = folder / part / name.rpartition("_")[2]
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(archive.read(name))


def write_digits(folder: Path) -> None:
    """scikit-learn's digits, 8 x 8 of 16 greys, enlarged so that one sees something; every tenth labelled."""
    import numpy as np
    from PIL import Image
    from sklearn.datasets import load_digits

    images, digits = load_digits(return_X_y=True)
    greys = np.round(images.reshape(-1, 8, 8) * (255 / 16)).astype(np.uint8)
    for number, (grey, digit) in enumerate(zip(greys, digits, strict=True)):
        part = Path("labelled", DIGITS[digit]) if number % 10 == 0 else Path("unlabelled")
        (folder / part).mkdir(parents=True, exist_ok=True)
        large = Image.fromarray(grey).resize((DIGIT_SIZE_PX, DIGIT_SIZE_PX), Image.Resampling.BICUBIC)
        large.save(folder / part / f"digit_{number:04}.png")


def halved(images: Iterator[tuple[str, str]]) -> Iterator[tuple[str, str, bool]]:
    """(name, taxon) with whether it is one of each taxon's every second."""
    seen: dict[str, int] = {}
    for name, taxon in images:
        seen[taxon] = seen.get(taxon, 0) + 1
        yield name, taxon, seen[taxon] % 2 == 1


DEMOS = (
    Demo(
        "phytoplankton",
        "Phytoplankton (demo)",
        "105 phytoplankton images by FlowCam, six classes, from the package planktonclas 0.2.4 (Apache-2.0). "
        "Every second one of each class is labelled.",
        "lite0-128-rot4",
        write_phytoplankton,
    ),
    Demo(
        "digits",
        "Handwritten digits (demo)",
        "1,797 handwritten digits of scikit-learn. Every tenth is labelled; embedded without rotations, or a 6 is a 9.",
        "lite0-128",
        write_digits,
    ),
)
