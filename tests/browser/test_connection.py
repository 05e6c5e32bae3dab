"""Acts survive a lost connection, a closed window and a session that ends, and happen once."""

from collections.abc import Callable

from playwright.sync_api import expect

from app import database
from tests.browser.conftest import PASSWORD, Person, Site
from tests.browser.window import Window
from tests.small_projects import SmallProject

MakePerson = Callable[[str], Person]
MakeBoard = Callable[..., SmallProject]
OpenWindow = Callable[..., Window]


def name_first(window: Window, project: SmallProject) -> None:
    window.tile(project.ids[0]).click()
    window.page.keyboard.type("oith")
    expect(window.page.get_by_role("option", name="Oithona").first).to_be_visible()
    window.press("Enter")


def acts_of(site: Site, project: SmallProject) -> int:
    with database.connect(site.database_url) as db:
        row = db.execute("select count(*) as n from act where project_id = %s", [project.id]).fetchone()
    return int(row.n)


def test_an_act_is_sent_again_after_a_lost_connection(
    site: Site, person: MakePerson, make_board: MakeBoard, open_window: OpenWindow
) -> None:
    ana = person("Ana")
    project, window = make_board(ana), open_window(ana)
    window.forgive("ERR_INTERNET_DISCONNECTED")
    window.open_board(project)
    window.page.route("**/acts", lambda route: route.abort("internetdisconnected"), times=1)

    name_first(window, project)
    expect(window.toast("1 act kept in this browser")).to_be_visible()

    window.reload()
    assert window.label(project.ids[0]) == ("V", "Oithona")
    assert acts_of(site, project) == 1


def test_an_act_whose_answer_was_lost_happens_once(
    site: Site, person: MakePerson, make_board: MakeBoard, open_window: OpenWindow
) -> None:
    ana = person("Ana")
    project, window = make_board(ana), open_window(ana)
    window.forgive("ERR_CONNECTION_RESET")
    window.open_board(project)

    def lose_the_answer(route) -> None:
        route.fetch()
        route.abort("connectionreset")

    window.page.route("**/acts", lose_the_answer, times=1)
    name_first(window, project)

    window.reload()
    assert window.label(project.ids[0]) == ("V", "Oithona")
    assert acts_of(site, project) == 1


def test_an_act_that_was_not_sent_waits_in_the_browser_for_the_next_visit(
    person: MakePerson, make_board: MakeBoard, open_window: OpenWindow
) -> None:
    ana = person("Ana")
    project, window = make_board(ana), open_window(ana)
    window.forgive("ERR_INTERNET_DISCONNECTED")
    window.open_board(project)
    window.page.route("**/acts", lambda route: route.abort("internetdisconnected"))
    name_first(window, project)
    expect(window.toast("1 act kept in this browser")).to_be_visible()
    window.page.goto("about:blank")
    window.page.unroute_all()

    window.open_board(project)

    window.reload()
    assert window.label(project.ids[0]) == ("V", "Oithona")


def test_an_act_goes_through_after_a_login_in_another_tab(
    site: Site, person: MakePerson, make_board: MakeBoard, open_window: OpenWindow
) -> None:
    ana = person("Ana")
    project, window = make_board(ana), open_window(ana)
    window.forgive("401")
    window.open_board(project)
    window.tile(project.ids[0]).click()
    window.page.keyboard.type("oith")
    expect(window.page.get_by_role("option", name="Oithona").first).to_be_visible()
    with database.connect(site.database_url) as db:
        db.execute("delete from session where account_id = %s", [ana.id])
    window.press("Enter")

    with window.page.expect_popup() as opened:
        window.toast("Your session has ended").get_by_role("link", name="Log in").click()
    login = opened.value
    login.get_by_label("Email").fill(ana.email)
    login.get_by_label("Password").fill(PASSWORD)
    login.keyboard.press("Enter")
    login.wait_for_url(f"{site.address}/")
    login.close()
    window.page.bring_to_front()
    window.page.evaluate("dispatchEvent(new Event('focus'))")

    window.reload()
    assert window.label(project.ids[0]) == ("V", "Oithona")


def log_in_as(window: Window, site: Site, account: Person) -> None:
    """In another tab of the same browser."""
    login = window.page.context.new_page()
    login.goto("/login")
    login.get_by_label("Email").fill(account.email)
    login.get_by_label("Password").fill(PASSWORD)
    login.keyboard.press("Enter")
    login.wait_for_url(f"{site.address}/")
    login.close()
    window.page.bring_to_front()
    window.page.evaluate("dispatchEvent(new Event('focus'))")


def test_nobodys_acts_are_sent_as_those_of_who_logs_in_next(
    site: Site, person: MakePerson, make_board: MakeBoard, open_window: OpenWindow
) -> None:
    ana, ben = person("Ana"), person("Ben")
    project, window = make_board(ana, ben), open_window(ana)
    window.forgive("401")
    window.open_board(project)
    window.page.context.clear_cookies()
    log_in_as(window, site, ben)
    name_first(window, project)

    expect(window.toast("now logged in as Ben")).to_be_visible()
    assert acts_of(site, project) == 0

    window.page.context.clear_cookies()
    log_in_as(window, site, ana)
    window.reload()
    assert window.label(project.ids[0]) == ("V", "Oithona")
    with database.connect(site.database_url) as db:
        made_by = db.execute("select account_id from act where project_id = %s", [project.id]).fetchall()
    assert [row.account_id for row in made_by] == [ana.id]


def test_a_name_typed_while_the_server_is_away_waits_and_creates_nothing(
    site: Site, person: MakePerson, make_board: MakeBoard, open_window: OpenWindow
) -> None:
    ana = person("Ana")
    project, window = make_board(ana), open_window(ana)
    window.forgive("ERR_INTERNET_DISCONNECTED")
    window.open_board(project)
    window.tile(project.ids[0]).click()
    window.page.route("**/taxa?**", lambda route: route.abort("internetdisconnected"))
    window.page.keyboard.type("Oith")
    expect(window.page.get_by_text("Asked again by itself")).to_be_visible()
    window.press("Enter")

    expect(window.toast("could not be looked up")).to_be_visible()
    expect(window.page.get_by_role("heading", name="Create a taxon")).to_be_hidden()
    expect(window.page.locator("#label-field")).to_have_value("Oith")
    assert window.n_selected == 1

    window.page.unroute_all()
    expect(window.page.get_by_role("option", name="Oithona").first).to_be_visible()
    window.press("Enter")
    window.reload()
    assert window.label(project.ids[0]) == ("V", "Oithona")


def test_a_section_that_did_not_load_is_fetched_again_on_demand(
    person: MakePerson, make_board: MakeBoard, open_window: OpenWindow
) -> None:
    ana = person("Ana")
    project, window = make_board(ana, n=230), open_window(ana)
    window.forgive("ERR_INTERNET_DISCONNECTED")
    window.page.route("**/tiles?**", lambda route: route.abort("internetdisconnected"), times=1)
    window.open_board(project)
    window.page.locator("#tiles").evaluate("list => list.scrollTo(0, list.scrollHeight)")

    expect(window.page.get_by_text("The next objects could not be loaded.")).to_be_visible()
    window.page.get_by_role("button", name="Try again").click()

    expect(window.tiles).to_have_count(230)
