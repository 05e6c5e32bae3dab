"""A window on the screen of a batch, and the words in which tests say what a person does and sees there."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol
from uuid import uuid4

from playwright.sync_api import Locator, expect

from app import database
from app.labels.acts import Act, Labeller, apply
from tests.browser.window import Window, reload
from tests.small_projects import SmallProject

DELAY_MS = 40


class Served(Protocol):
    """The server that the window looks at."""

    @property
    def address(self) -> str: ...

    @property
    def database_url(self) -> str: ...


def know_taxa(site: Served, project: SmallProject, account: Labeller) -> None:
    """The last two objects are labelled, so that the label field has taxa to offer."""
    with database.connect(site.database_url) as db:
        for object_id, taxon in zip(project.ids[-2:], ("Oithona", "fiber"), strict=True):
            apply(db, project, account, Act(uuid4(), "label", [object_id], ["0.0"], project.taxa[taxon]))


class BatchWindow:
    """One person's window on a batch."""

    def __init__(self, window: Window, project: SmallProject, site: Served) -> None:
        self.window, self.page, self.project, self.site = window, window.page, project, site

    def slow_down(self) -> None:
        """A network that takes its time, without HTTP/2."""
        session = self.page.context.new_cdp_session(self.page)
        session.send("Network.enable")
        session.send(
            "Network.emulateNetworkConditions",
            {"offline": False, "latency": DELAY_MS, "downloadThroughput": -1, "uploadThroughput": -1},
        )

    def make(self, source: dict[str, Any], **more: Any) -> "BatchWindow":
        """Have a batch made, and open it."""
        answer = self.page.request.post(
            f"/api/v1/projects/{self.project.id}/batches",
            data={"source": source, **more},
            headers={"origin": self.site.address},
        )
        assert answer.ok, answer.text()
        self.page.goto(f"/projects/{self.project.id}/batches/{answer.json()['id']}")
        self.expect_shown()
        return self

    def expect_shown(self) -> None:
        """A page, or the end, is there to be worked on."""
        expect(self.page.locator("#tiles")).not_to_have_attribute("aria-busy", "true")
        expect(self.page.locator("#tiles .tile:visible").or_(self.page.locator("#ended:visible")).first).to_be_visible()

    @property
    def tiles(self) -> Locator:
        return self.page.locator("#tiles .tile:visible")

    @property
    def ids(self) -> list[int]:
        """Objects on the page in their order."""
        return [int(id) for id in self.tiles.evaluate_all("tiles => tiles.map((tile) => tile.dataset.id)")]

    def tile(self, object_id: int) -> Locator:
        return self.page.locator(f"#o{object_id}")

    @property
    def marked(self) -> list[int]:
        found = self.page.locator("#tiles .tile[aria-selected=true]:visible")
        return [int(id) for id in found.evaluate_all("tiles => tiles.map((tile) => tile.dataset.id)")]

    @property
    def not_this(self) -> list[int]:
        found = self.page.locator("#tiles .tile.not-this:visible")
        return [int(id) for id in found.evaluate_all("tiles => tiles.map((tile) => tile.dataset.id)")]

    @property
    def line(self) -> int:
        """How many tiles stand before the boundary line."""
        return int(
            self.page.locator("#tiles .boundary").evaluate(
                "line => [...document.querySelectorAll('#tiles .tile:not([hidden])')]"
                ".filter((tile) => line.compareDocumentPosition(tile) & Node.DOCUMENT_POSITION_PRECEDING).length"
            )
        )

    def press(self, *keys: str) -> None:
        self.window.press(*keys)

    def button(self, command: str) -> Locator:
        return self.page.locator(f".panel [data-command={command}]").first

    def reload(self) -> None:
        """What is true after this is true on the server."""
        self.wait_until_kept()
        reload(self.page)
        self.expect_shown()

    def wait_until_kept(self) -> None:
        self.window.wait_for("Object.keys(localStorage).every((key) => !/^shoal.(outbox|marks)/.test(key))")

    def wait_until_seen(self) -> None:
        """As long as a person needs to look."""
        self.page.wait_for_timeout(900)

    @contextmanager
    def turned(self) -> Iterator[None]:
        """Another page is in hand afterwards."""
        with self.page.expect_response("**/batches/*/page?n=*"):
            yield
        self.expect_shown()

    def type_name(self, typed: str) -> None:
        """Name what is marked by the first taxon found, with the field's list looked at."""
        self.page.keyboard.type(typed)
        expect(self.page.locator("#label-field-list [role=option]").first).to_be_visible()

    def labels(self) -> dict[int, tuple[str, str]]:
        """Status and taxon of each labelled object, as the database has them."""
        with database.connect(self.site.database_url) as db:
            rows = db.execute(
                """
                select label.object_id, label.status, taxon.display_name
                  from label
                  join taxon on taxon.id = label.taxon_id
                 where label.project_id = %s
                   and label.status <> 'U'
                """,
                [self.project.id],
            ).fetchall()
        return {row[0]: (row[1], row[2]) for row in rows}

    def labelled_of(self, ids: list[int]) -> dict[int, tuple[str, str]]:
        """Those of these objects that are labelled."""
        labels = self.labels()
        return {id: labels[id] for id in ids if id in labels}

    def refused(self) -> set[int]:
        """Objects with a refusal in force."""
        with database.connect(self.site.database_url) as db:
            rows = db.execute(
                """
                select refusal.object_id
                  from refusal
                  join act on act.id = refusal.act_id
                 where refusal.project_id = %s
                   and act.reversed_by is null
                """,
                [self.project.id],
            ).fetchall()
        return {row[0] for row in rows}

    def n_acts(self) -> int:
        with database.connect(self.site.database_url) as db:
            return int(db.execute("select count(*) from act where project_id = %s", [self.project.id]).fetchone()[0])
