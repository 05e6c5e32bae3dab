"""A browser window on Shoal, and the words in which tests say what a person does and sees there."""

from playwright.sync_api import ConsoleMessage, Error, Locator, Page, expect

from tests.small_projects import SmallProject

RELOADS = 5


def reload(page: Page) -> None:
    """Load the page again. What a click has set off may be leading elsewhere at this moment: then once it is there."""
    for _ in range(RELOADS):
        try:
            page.reload()
            return
        except Error as error:
            if "Not attached to an active page" not in error.message:
                raise
            page.wait_for_load_state()
    page.reload()


class Window:
    """One person's window. Whatever its console complains of is kept in `faults`."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.faults: list[str] = []
        self.forgiven: list[str] = []
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.faults.append(f"{page.url}: {error}"))

    def _console(self, message: ConsoleMessage) -> None:
        expected = any(words in message.text for words in self.forgiven)
        if message.type in ("error", "warning") and not expected:
            self.faults.append(f"{self.page.url}: {message.text}")

    def forgive(self, words: str) -> None:
        """Let the console complain in these words: the test makes it happen."""
        self.forgiven.append(words)

    def open_board(self, project: SmallProject, query: str = "") -> None:
        self.page.goto(f"/projects/{project.id}{query}")
        expect(self.tiles.first).to_be_visible()
        self.wait_for("customElements.get('shoal-board') !== undefined")

    def reload(self) -> None:
        """What is true after this is true on the server."""
        self.wait_until_sent()
        reload(self.page)
        self.wait_for("customElements.get('shoal-board') !== undefined")

    def wait_until_sent(self) -> None:
        field = self.page.locator("#label-field")
        if field.count():
            expect(field).to_have_value("")
        self.wait_for("Object.keys(localStorage).every((key) => !key.startsWith('shoal.outbox'))")
        expect(self.page.locator(".tile.sending")).to_have_count(0)

    def wait_for(self, condition: str) -> None:
        """Playwright's own waiting evaluates text in the page, which our policy forbids."""
        for _ in range(200):
            if self.page.evaluate(condition):
                return
            self.page.wait_for_timeout(50)
        raise AssertionError(f"still not after 10 s: {condition}")

    @property
    def tiles(self) -> Locator:
        return self.page.locator("#tiles .tile:visible")

    def tile(self, object_id: int) -> Locator:
        return self.page.locator(f"#o{object_id}")

    def label(self, object_id: int) -> tuple[str, str]:
        """Status and taxon as the tile shows them."""
        tile = self.tile(object_id)
        shown = tile.locator(".caption").get_attribute("class") or ""
        status = next(word[-1] for word in shown.split() if word.startswith("status-"))
        name = tile.locator(".name-cut")
        return status, name.get_attribute("title") or "" if name.count() else ""

    @property
    def n_selected(self) -> int:
        words = self.page.locator("#n-selected").inner_text()
        return 0 if words.startswith("Nothing") else int(words.split()[0].replace("\u202f", ""))

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def toast(self, words: str) -> Locator:
        return self.page.locator(".toast", has_text=words)

    def name(self, typed: str, *, dubious: bool = False) -> None:
        """Label what is selected with the first taxon of that name."""
        self.page.keyboard.type(typed)
        self.press("Shift+Enter" if dubious else "Enter")

    def fill_slot(self, digit: str, typed: str) -> None:
        """Give a digit its taxon, in the sheet behind the panel's button."""
        self.page.get_by_role("button", name="Change…").click()
        self.page.locator(f"#slot-{digit}").fill(typed)
        expect(self.page.locator(f"#slot-{digit}-list [role=option]").first).to_be_visible()
        with self.page.expect_response("**/preferences"):
            self.press("Enter")
        self.press("Escape")
        expect(self.page.locator("#slot-sheet")).to_be_hidden()

    def tree_row(self, name: str) -> Locator:
        return self.page.locator("#tree li[data-taxon-id]", has=self.page.get_by_text(name, exact=True)).first

    def grab(self, tile: Locator) -> None:
        """Press on a tile and move far enough that a drag begins."""
        box = tile.bounding_box()
        assert box
        self.page.mouse.move(box["x"] + 20, box["y"] + 20)
        self.page.mouse.down()
        self.page.mouse.move(box["x"] + 30, box["y"] + 26, steps=3)

    def carry_to(self, target: Locator) -> None:
        box = target.bounding_box()
        assert box
        self.page.mouse.move(box["x"] + 40, box["y"] + box["height"] / 2, steps=6)
