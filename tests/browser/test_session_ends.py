"""A session that ends while somebody works: log in beside, come back, and nothing is lost."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from app import database
from tests.browser.conftest import PASSWORD, Person, Site
from tests.browser.window import Window
from tests.small_projects import SmallProject

OpenBench = Callable[..., tuple[SmallProject, Window]]


@pytest.fixture
def bench(open_bench: OpenBench) -> tuple[SmallProject, Window]:
    project, window = open_bench(n=230)
    window.forgive("401")
    return project, window


def end_sessions(site: Site, person: Person) -> None:
    with database.connect(site.database_url) as db:
        db.execute("delete from session where account_id = %s", [person.id])


def log_in_beside(window: Window, site: Site, person: Person) -> None:
    """By the link that the toast offers."""
    with window.page.expect_popup() as opened:
        window.page.locator(".toast", has_text="session has ended").get_by_role("link", name="Log in").first.click()
    login = opened.value
    login.get_by_label("Email").fill(person.email)
    login.get_by_label("Password").fill(PASSWORD)
    login.keyboard.press("Enter")
    login.wait_for_url(f"{site.address}/")
    login.close()
    window.page.bring_to_front()
    window.page.evaluate("dispatchEvent(new Event('focus'))")


def test_several_acts_and_a_comment_wait_for_the_login_beside_and_go_out_in_order(
    site: Site, ana: Person, bench: tuple[SmallProject, Window]
) -> None:
    project, window = bench
    window.fill_slot("1", "oith")
    window.fill_slot("2", "detr")
    end_sessions(site, ana)
    window.tile(project.ids[0]).click()
    window.tile(project.ids[1]).click()
    window.press("1")
    window.tile(project.ids[1]).hover()
    window.press("2")
    window.tile(project.ids[5]).click()
    window.press("'")
    window.page.keyboard.type("seen after dinner")
    window.press("Enter")
    expect(window.toast("Your session has ended. 3 acts kept in this browser")).to_be_visible()

    log_in_beside(window, site, ana)

    expect(window.toast("Your session has ended")).to_have_count(0)
    window.reload()
    assert [window.label(project.ids[k]) for k in (0, 1)] == [("V", "Oithona"), ("V", "detritus")]
    expect(window.tile(project.ids[5]).locator("[title='1 comment']")).to_be_visible()


def test_scrolling_on_asks_for_the_login_and_goes_on_after_it(
    site: Site, ana: Person, bench: tuple[SmallProject, Window]
) -> None:
    _, window = bench
    end_sessions(site, ana)
    window.page.locator("#tiles").evaluate("list => list.scrollTo(0, list.scrollHeight)")

    log_in_beside(window, site, ana)
    expect(window.tiles).to_have_count(230)

    window.reload()
    window.page.locator("#tiles").evaluate("list => list.scrollTo(0, list.scrollHeight)")
    expect(window.tiles).to_have_count(230)


def test_what_was_chosen_meanwhile_is_kept_after_the_login(
    site: Site, ana: Person, bench: tuple[SmallProject, Window]
) -> None:
    _, window = bench
    end_sessions(site, ana)
    window.press(",")

    with window.page.expect_response(lambda answer: answer.url.endswith("/preferences") and answer.ok):
        log_in_beside(window, site, ana)

    window.reload()
    expect(window.page.locator("[data-command=contrast]")).to_have_attribute("aria-pressed", "true")
