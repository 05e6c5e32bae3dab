"""A real server, a real Chromium and real images: what a person sees and does, in windows that fail on any error."""

import io
import itertools
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from PIL import Image
from playwright.sync_api import Browser, sync_playwright
from sklearn.datasets import load_digits

from app import database
from app.accounts import queries as accounts
from app.accounts.sessions import cookie_name, start_session
from app.database.launcher import Cluster
from app.objects.store import open_store
from app.projects.queries import set_member
from app.search import embedders
from app.search.embed import embed_project
from app.settings import Settings, load_settings
from indexer.images import open_image, thumbnail
from tests.browser.batches import BatchWindow
from tests.browser.window import Window
from tests.small_projects import SmallProject, make_project

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
PASSWORD = "lobster quadrille 7"
MakeBoard = Callable[..., SmallProject]
OpenWindow = Callable[..., Window]
OpenBay = Callable[..., Window]
OpenBench = Callable[..., tuple[SmallProject, Window]]
OpenBatch = Callable[..., BatchWindow]
numbers = itertools.count(1)


@dataclass(frozen=True)
class Person:
    id: int
    name: str
    email: str


MakePerson = Callable[[str], Person]
MakeReview = Callable[..., tuple[Person, SmallProject]]


class Unheard:
    """The report of work that nobody watches."""

    def progress(self, done: int, total: int | None = None, unit: str = "", message: str = "") -> None:
        pass

    def log(self, line: str) -> None:
        pass

    def checkpoint(self) -> None:
        pass


@dataclass(frozen=True)
class Site:
    """A running Shoal and the database behind it."""

    address: str
    database_url: str
    settings: Settings


def find_chromium() -> str:
    """Playwright's own or the system's; without any, tests are skipped here and fail in CI."""
    names = ("chromium", "chromium-browser", "google-chrome")
    path = os.environ.get("SHOAL_CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    if path:
        return path
    reason = "no Chromium on this machine: install it, or name it in SHOAL_CHROMIUM"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A browser on a machine that is busy elsewhere may miss its time: such a test gets a second try, which is told."""
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.flaky(reruns=1))


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    path = find_chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def site(server: Cluster, template: str, tmp_path_factory: pytest.TempPathFactory, chromium: Browser) -> Iterator[Site]:
    """`shoal serve` on a free port, with a database of its own, for all browser tests."""
    name = f"browser_{secrets.token_hex(6)}"
    url = server.url.replace("///shoal", f"///{name}")
    with psycopg.connect(server.url, autocommit=True) as admin:
        admin.execute(f"create database {name} template {template}")
    home = tmp_path_factory.mktemp("browser")
    told = {"SHOAL_HOME": str(home), "DATABASE_URL": url}
    process, address = start_server(home, told)
    yield Site(address, url, load_settings(told))
    process.terminate()
    process.communicate(timeout=20)
    with psycopg.connect(server.url, autocommit=True) as admin:
        admin.execute(f"drop database {name} with (force)")


def start_server(home: Path, told: dict[str, str]) -> tuple[subprocess.Popen[str], str]:
    command = [sys.executable, "-m", "app.cli", "serve", "--port", "0", "--no-worker"]
    with (home / "errors.txt").open("w") as errors:
        process = subprocess.Popen(
            command, env=os.environ | told, stdout=subprocess.PIPE, stderr=errors, text=True, bufsize=1
        )
    for line in process.stdout or ():
        if line.startswith("Shoal is at "):
            return process, line.split()[3]
    pytest.fail("shoal serve did not start:\n" + (home / "errors.txt").read_text()[-3000:])


@pytest.fixture
def person(site: Site) -> Callable[[str], Person]:
    """Makes an account: `person("Ana")`."""

    def make(name: str) -> Person:
        email = f"{name.lower()}{next(numbers)}@example.org"
        with database.connect(site.database_url) as db:
            account_id = accounts.make_account(db, email, name, password=PASSWORD)
        return Person(account_id, name, email)

    return make


@pytest.fixture
def open_window(site: Site, chromium: Browser) -> Iterator[Callable[..., Window]]:
    """Opens a browser window in which `account` is logged in; at the end nothing may have gone wrong in any of them."""
    windows: list[Window] = []

    def open_it(account: Person | None = None, **options: object) -> Window:
        context = chromium.new_context(viewport={"width": 1440, "height": 900}, base_url=site.address, **options)
        if account:
            with database.connect(site.database_url) as db:
                token = start_session(db, account.id, "browser test", "127.0.0.1")
            cookie = {"name": cookie_name(site.settings.secure_cookies), "value": token, "url": site.address}
            context.add_cookies([cookie])
        windows.append(Window(context.new_page()))
        return windows[-1]

    yield open_it
    faults = [fault for window in windows for fault in window.faults]
    for window in windows:
        window.page.context.close()
    assert not faults


@pytest.fixture
def make_board(site: Site) -> Callable[..., SmallProject]:
    """Makes a project of handwritten digits that `people` label in; with vectors where likeness is asked for."""

    def make(*people: Person, n: int = 30, embedded: bool = False, ragged: bool = False) -> SmallProject:
        with database.connect(site.database_url) as db:
            project = make_project(db, n, title=f"Bay {next(numbers)}", pixel_size_um=12.0)
            for who in people:
                set_member(db, project.id, who.id, "annotator")
            give_images(db, site.settings, project, ragged)
            if embedded:
                embedders.assign(db, site.settings, project.id, "lite0-128")
            db.commit()
        if embedded:
            embed_project(site.database_url, site.settings, project.id, Unheard())
        return project

    return make


@pytest.fixture
def ana(person: Callable[[str], Person]) -> Person:
    return person("Ana")


@pytest.fixture
def bay(ana: Person, make_board: MakeBoard) -> SmallProject:
    """Ana's project of 30 objects."""
    return make_board(ana)


@pytest.fixture
def review(site: Site, ana: Person, person: MakePerson, make_board: MakeBoard) -> MakeReview:
    """Makes a project that Ana manages and Ben labelled: `ben, project = review(Oithona=4, doubts={"fiber": 1})`."""

    def make(doubts: dict[str, int] | None = None, **labels: int) -> tuple[Person, SmallProject]:
        ben = person("Ben")
        project = make_board(ana, ben)
        said = [("V", *pair) for pair in labels.items()] + [("D", *pair) for pair in (doubts or {}).items()]
        ids = iter(project.ids)
        with database.connect(site.database_url) as db:
            set_member(db, project.id, ana.id, "manager")
            for status, taxon, n in said:
                replace(project, db=db).do(ben, list(itertools.islice(ids, n)), taxon=taxon, status=status)
        return ben, project

    return make


@pytest.fixture
def survey(bay: SmallProject, site: Site) -> SmallProject:
    """Ana's 30 objects of three samples, each with a depth, a day, a time of day and a place of its own."""
    with database.connect(site.database_url) as db:
        db.execute(
            """
            update object
               set depth_min_m = number, depth_max_m = number, latitude = number, longitude = 170 + number %% 20,
                   date = date '2024-05-01' + number, time = make_time(number %% 24, 0, 0),
                   sun_position = case when number %% 2 = 0 then 'N' else 'D' end
              from (select id, row_number() over (order by id)::int - 1 as number
                      from object
                     where project_id = %(project)s) as numbered
             where object.id = numbered.id
               and project_id = %(project)s
            """,
            {"project": bay.id},
        )
        db.execute("update acquisition set instrument = 'zooscan' where project_id = %s", [bay.id])
        db.execute("update project set data_version = data_version + 1 where id = %s", [bay.id])
    return bay


@pytest.fixture
def open_bay(ana: Person, bay: SmallProject, open_window: OpenWindow) -> OpenBay:
    """Opens Ana's board on it: `window = open_bay("?status=U", width=900, color_scheme="dark")`."""

    def open_it(query: str = "", width: int = 1440, **options: object) -> Window:
        window = open_window(ana, **options)
        window.page.set_viewport_size({"width": width, "height": 900})
        window.open_board(bay, query)
        return window

    return open_it


@pytest.fixture
def open_bench(ana: Person, make_board: MakeBoard, open_window: OpenWindow) -> OpenBench:
    """Opens Ana's board on a project of her own: `project, window = open_bench(n=30, query="?status=U")`."""

    def open_it(n: int = 30, query: str = "", embedded: bool = False) -> tuple[SmallProject, Window]:
        project, window = make_board(ana, n=n, embedded=embedded), open_window(ana)
        window.open_board(project, query)
        return project, window

    return open_it


def give_images(db: database.Db, settings: Settings, project: SmallProject, ragged: bool = False) -> None:
    """Object k shows the digit k modulo 10, each in another hand; what a test before made of their sizes is undone.

    `ragged`: small and large, broad and high ones, as plankton is.
    """
    digits = load_digits()
    by_digit = [iter(digits.images[digits.target == digit]) for digit in range(10)]
    writer = open_store(settings).pack_writer()
    rows = []
    for k, object_id in enumerate(project.ids):
        size = (30 + 37 * k % 110, 30 + 53 * k % 130) if ragged else (64, 48 + 4 * (k % 8))
        picture = Image.fromarray((255 - next(by_digit[k % 10]) * 15.9).astype("uint8")).resize(size)
        file = io.BytesIO()
        picture.save(file, "PNG")
        small = writer.add(thumbnail(open_image(file.getvalue())))
        rows.append((file.getvalue(), writer.add(file.getvalue()), small, *picture.size, object_id))
    writer.finish()
    with db.cursor() as cursor:
        cursor.executemany(
            """
            with new as (
                insert into content (hash, n_bytes, format, mode, width_px, height_px, blob, thumbnail)
                select sha256(data), length(data), 'PNG', 'L', %s, %s, %s, %s
                  from (select %s::bytea as data) as given
                on conflict (hash) do update set width_px = excluded.width_px, height_px = excluded.height_px
            )
            update image
               set hash = sha256(%s)
             where project_id = %s
               and object_id = %s
            """,
            [(*size, blob, small, data, data, project.id, id) for data, blob, small, *size, id in rows],
        )


@pytest.fixture
def open_batch(site: Site, ana: Person, make_board: MakeBoard, open_window: OpenWindow) -> OpenBatch:
    """Opens Ana's batch of a project of her own: `batch = open_batch(n=30, source={"kind": "filter", "query": ""})`."""

    def open_it(
        n: int = 30, source: dict[str, Any] | None = None, width: int = 1440,
        embedded: bool = False, ragged: bool = False, **more: Any,
    ) -> BatchWindow:  # fmt: skip
        project, window = make_board(ana, n=n, embedded=embedded, ragged=ragged), open_window(ana)
        window.page.set_viewport_size({"width": width, "height": 900})
        batch = BatchWindow(window, project, site)
        return batch.make(source or {"kind": "filter", "query": "status=U"}, **more)

    return open_it
