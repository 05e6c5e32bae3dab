"""Coming in, and staying out."""

from collections.abc import Callable

from playwright.sync_api import expect

from tests.browser.conftest import PASSWORD, Person
from tests.browser.window import Window
from tests.small_projects import SmallProject


def test_a_person_logs_in_and_lands_on_the_board_that_was_asked_for(
    person: Callable[[str], Person], make_board: Callable[..., SmallProject], open_window: Callable[..., Window]
) -> None:
    ana = person("Ana")
    project, window = make_board(ana, n=3), open_window()

    window.page.goto(f"/projects/{project.id}")
    window.page.get_by_label("Email").fill(ana.email)
    window.page.get_by_label("Password").fill(PASSWORD)
    window.press("Enter")

    expect(window.tiles).to_have_count(3)
    window.reload()
    expect(window.tiles).to_have_count(3)
    window.page.get_by_label("Account and looks").click()
    window.page.get_by_role("button", name="Log out").click()
    window.page.goto(f"/projects/{project.id}")
    expect(window.page).to_have_url(f"/login?next=/projects/{project.id}")


def test_a_wrong_password_is_told_beside_the_form(
    person: Callable[[str], Person], open_window: Callable[..., Window]
) -> None:
    ana, window = person("Ana"), open_window()
    window.forgive("status of 4")
    window.page.goto("/login")

    window.page.get_by_label("Email").fill(ana.email)
    window.page.get_by_label("Password").fill("not the password")
    window.press("Enter")

    expect(window.page.get_by_role("alert")).to_be_visible()
    expect(window.page.get_by_label("Email")).to_have_value(ana.email)
