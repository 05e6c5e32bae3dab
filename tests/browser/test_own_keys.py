"""Keys of one's own: given on a page of their own by pressing them, obeyed and shown by boards, batches and cards."""

from typing import Any

from playwright.sync_api import Page, expect

from app.accounts.command_keys import PAGES
from tests.browser.conftest import MakeBoard, OpenBatch, OpenWindow, Person


def change(page: Page, words: str, key: str) -> None:
    page.get_by_role("button", name=f"Another key for: {words}").click()
    page.keyboard.press(key)


def keys_of(page: Page) -> dict[str, Any]:
    return dict(page.request.get("/api/v1/me/keys").json())


def test_the_page_names_each_command_that_the_server_knows(ana: Person, open_window: OpenWindow) -> None:
    page = open_window(ana).page
    page.goto("/me/keys")
    rows = page.locator("command-keys tbody tr")
    expect(rows.first).to_be_visible()
    named = rows.evaluate_all("rows => rows.map((row) => [row.dataset.command, row.children[2].textContent])")
    told = {
        name: sorted(page for one, where in named if one == name for page in where.split(", ")) for name, _ in named
    }
    assert told == {
        name: sorted(page for page in PAGES if name in PAGES[page]) for name in set().union(*PAGES.values())
    }
    assert ["aside", "batch"] in named and ["aside", "board, cards"] in named  # by other keys


def test_a_command_of_the_batch_has_another_key_and_says_so(open_batch: OpenBatch) -> None:
    batch = open_batch()
    page = batch.page
    url = page.url
    page.goto("/me/keys")
    change(page, "move the boundary line down by a row", "/")
    expect(page.get_by_text("is the key of “open the stack")).to_be_visible()
    with page.expect_navigation():
        page.get_by_role("button", name="Take it from there").click()
    with page.expect_navigation():
        change(page, "the brush, or no brush", "0")
    assert keys_of(page) == {
        "line:row:1": [{"chord": "Slash", "label": "/"}], "stack": [],
        "brush": [{"chord": "Digit0", "label": "0"}],
    }  # fmt: skip

    page.goto(url)
    batch.expect_shown()
    expect(page.locator(".panel [data-command=line][data-way='1'] kbd")).to_have_text("/")
    batch.press("]")
    assert batch.line == 0
    batch.press("/")
    assert batch.line > 0
    batch.button("all").click()
    batch.press("?")
    expect(page.locator("#keys tr", has_text="move the boundary line by a row")).to_contain_text("/")
    batch.press("Escape")

    page.goto("/me/keys")
    with page.expect_navigation():
        page.get_by_role("button", name="The usual key for: move the boundary line down by a row").click()
    with page.expect_navigation():
        page.get_by_role("button", name="All usual keys again").click()
    assert keys_of(page) == {}


def test_letters_and_the_browsers_keys_are_refused_and_a_board_obeys_its_own(
    ana: Person, make_board: MakeBoard, open_window: OpenWindow
) -> None:
    project, window = make_board(ana, n=4), open_window(ana)
    window.forgive("400")
    page = window.page
    page.goto("/me/keys")
    change(page, "select everything loaded", "b")
    expect(page.get_by_text("Letters begin the name of a taxon")).to_be_visible()
    change(page, "select everything loaded", "Escape")
    with page.expect_navigation():
        change(page, "select everything loaded", "0")
    window.open_board(project)
    window.press("Control+a")
    assert window.n_selected == 0
    window.press("0")
    assert window.n_selected == 4
    page.goto("/help")
    expect(page.locator("#key-tables tr", has_text="select everything loaded")).to_contain_text("0")
    expect(page.locator("#batches kbd[data-key=all]")).to_have_text("0")
