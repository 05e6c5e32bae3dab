"""People invited, found, corrected and removed; one's own page; by keyboard and by pointer."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from playwright.sync_api import expect

from app import database
from app.accounts.queries import make_application_manager
from app.objects.preferences import PreferenceChange, write
from tests.browser.conftest import Person, Site
from tests.browser.window import Window, reload
from tests.small_projects import SmallProject

OpenWindow = Callable[..., Window]
MakeBoard = Callable[..., SmallProject]
PASSWORD = "seven quiet copepods"


@pytest.fixture
def chief(site: Site, person: Callable[[str], Person]) -> Person:
    made = person("Chief")
    with database.connect(site.database_url) as db:
        make_application_manager(db, made.id, True)
    return made


def manages(site: Site, project: SmallProject, who: Person) -> None:
    with database.connect(site.database_url) as db:
        db.execute("update member set role = 'manager' where project_id = %s and account_id = %s", [project.id, who.id])


def label(site: Site, project: SmallProject, who: Person, n: int = 1) -> None:
    """What the board does when `who` names the first objects."""
    with database.connect(site.database_url) as db:
        replace(project, db=db).do(who, project.ids[:n], taxon="Oithona")


def choose_password(window: Window, link: str) -> None:
    window.page.goto(link)
    window.page.get_by_label("New password").fill(PASSWORD)
    window.page.get_by_label("The same again").fill(PASSWORD)
    window.press("Enter")
    expect(window.page.get_by_role("heading", name="Projects", exact=True)).to_be_visible()


def test_a_person_is_invited_by_a_link_that_works_once(
    chief: Person, open_window: OpenWindow, person: Callable[[str], Person]
) -> None:
    email = person("Seed").email.replace("seed", "grace")
    window, guest = open_window(chief), open_window()
    window.page.goto("/accounts")
    window.page.get_by_label("Email", exact=True).fill(email)
    window.press("Tab")
    window.page.keyboard.type("Grace Hopper")
    window.press("Enter")
    link = window.page.locator("#once-link").inner_text()
    window.page.get_by_role("button", name="Copy").click()

    choose_password(guest, link)
    reload(guest.page)
    expect(guest.page.get_by_text(email)).to_be_visible()
    guest.page.get_by_label("Account and looks").click()
    guest.page.get_by_role("button", name="Log out").click()
    guest.forgive("status of 404")
    guest.page.goto(link)
    expect(guest.page.get_by_text("This link was used already")).to_be_visible()
    window.page.goto("/accounts")
    expect(window.page.locator("#once-link")).to_have_count(0)


def test_somebody_is_found_and_corrected_by_keys_alone(
    chief: Person, open_window: OpenWindow, person: Callable[[str], Person]
) -> None:
    ada, window = person("Ada"), open_window(chief)
    window.forgive("status of 422")
    window.page.goto("/accounts")
    window.press("/")
    window.page.keyboard.type(ada.email)
    window.press("Enter")
    expect(window.page.locator("tbody tr")).to_have_count(1)
    window.press("ArrowDown")
    expect(window.page.get_by_role("link", name="Ada")).to_be_focused()
    window.press("Enter")
    expect(window.page.get_by_role("heading", name="Ada")).to_be_visible()

    orcid = window.page.get_by_label("ORCID")
    orcid.focus()
    window.page.keyboard.type("0000-0002-1825-0098")
    window.press("Enter")
    expect(window.page.get_by_role("alert")).to_contain_text("last digit does not fit")
    orcid.fill("https://orcid.org/0000-0002-1825-0097")
    window.press("Enter")
    expect(window.page.get_by_role("link", name="0000-0002-1825-0097")).to_be_visible()
    reload(window.page)
    expect(orcid).to_have_value("0000-0002-1825-0097")


def test_who_is_blocked_is_out_at_once_and_comes_back(
    chief: Person, open_window: OpenWindow, person: Callable[[str], Person]
) -> None:
    ada = person("Ada")
    window, theirs = open_window(chief), open_window(ada)
    theirs.page.goto("/me")
    window.page.goto(f"/accounts/{ada.id}")
    window.page.get_by_role("button", name="Block", exact=True).click()
    expect(window.page.get_by_text("blocked", exact=False).first).to_be_visible()

    theirs.page.goto("/me")
    expect(theirs.page).to_have_url("/login?next=/me")
    reload(window.page)
    window.page.get_by_role("button", name="Unblock").click()
    window.page.get_by_role("button", name="Link to choose a new password").click()
    choose_password(theirs, window.page.locator("#once-link").inner_text())


def test_a_removed_person_stays_in_history_and_hands_projects_over(
    site: Site, chief: Person, make_board: MakeBoard, open_window: OpenWindow, person: Callable[[str], Person]
) -> None:
    ada, ben = person("Ada"), person("Benedict")
    project = make_board(ada, n=3)
    manages(site, project, ada)
    label(site, project, ada)
    window = open_window(chief)
    window.forgive("status of 409")
    window.page.goto(f"/accounts/{ada.id}")
    window.page.get_by_label(f"Type {ada.email}").fill(ada.email)
    window.page.get_by_role("button", name="Remove").click()
    expect(window.page.get_by_role("alert")).to_contain_text("Nobody else manages")
    successor = window.page.get_by_role("combobox")
    successor.click()
    successor.press_sequentially(ben.email[:9])
    window.page.get_by_role("option", name=ben.email).click()
    expect(successor).to_have_value(ben.email)
    window.page.get_by_role("button", name="Remove").click()
    expect(window.page.get_by_text("The account is removed.")).to_be_visible()

    window.page.goto(f"/projects/{project.id}/acts")
    expect(window.page.get_by_role("cell", name="Ada removed")).to_be_visible()
    window.page.goto(f"/projects/{project.id}/members")
    expect(window.page.locator("tbody tr")).to_have_count(1)
    expect(window.page.get_by_label("Role of Benedict", exact=True)).to_have_value("manager")


def test_a_manager_adds_a_member_by_typing_a_name(
    site: Site, make_board: MakeBoard, open_window: OpenWindow, person: Callable[[str], Person]
) -> None:
    ada, cleo = person("Ada"), person("Cleopatra")
    project = make_board(ada, n=3)
    manages(site, project, ada)
    window = open_window(ada)
    window.page.goto(f"/projects/{project.id}/members")
    window.wait_for("customElements.get('person-field') !== undefined")
    window.page.get_by_label("Name or email", exact=True).focus()
    window.page.keyboard.type(cleo.email[:11])
    expect(window.page.get_by_role("option", name=cleo.email)).to_be_visible()
    window.press("Enter", "Enter")

    role = window.page.get_by_label("Role of Cleopatra", exact=True)
    expect(role).to_have_value("annotator")
    role.select_option("visitor")
    window.page.get_by_role("button", name="Save the role of Cleopatra").click()
    reload(window.page)
    expect(role).to_have_value("visitor")
    window.page.get_by_role("button", name="Remove Cleopatra from this project").click()
    expect(window.page.locator("tbody tr")).to_have_count(1)


def test_a_manager_invites_a_new_person_into_the_project(
    site: Site, make_board: MakeBoard, open_window: OpenWindow, person: Callable[[str], Person]
) -> None:
    ada = person("Ada")
    project, email = make_board(ada, n=3), ada.email.replace("ada", "newcomer")
    manages(site, project, ada)
    window, guest = open_window(ada), open_window()
    window.page.goto(f"/projects/{project.id}/members")
    window.page.get_by_label("Email of the new person").fill(email)
    window.page.get_by_label("Name of the new person").fill("Nora")
    window.page.get_by_role("button", name="Invite").click()

    choose_password(guest, window.page.locator("#once-link").inner_text())
    guest.open_board(project)
    with database.connect(site.database_url) as db:
        (nora,) = db.execute("select id, name, email from account where email = %s", [email]).fetchall()
    label(site, project, Person(*nora))
    window.page.goto(f"/projects/{project.id}/members")
    expect(window.page.get_by_title("The acts of Nora")).to_have_text("1")
    window.page.get_by_role("link", name="Nora").click()
    expect(window.tiles).to_have_count(1)


def test_ones_own_page_ends_a_session_and_takes_an_act_back(
    site: Site, make_board: MakeBoard, open_window: OpenWindow, person: Callable[[str], Person]
) -> None:
    ada = person("Ada")
    project, window, elsewhere = make_board(ada, n=3), open_window(ada), open_window(ada)
    elsewhere.page.goto("/me")
    label(site, project, ada)

    window.page.goto("/me")
    assert window.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    expect(window.page.locator("#sessions tbody tr")).to_have_count(2)
    window.page.get_by_role("button", name="End all others").click()
    expect(window.page.locator("#sessions tbody tr")).to_have_count(1)
    expect(window.page.locator("#sessions tbody tr")).to_contain_text("this one")
    elsewhere.page.goto("/me")
    expect(elsewhere.page).to_have_url("/login?next=/me")

    window.page.get_by_role("button", name="Undo: validated as Oithona, 1 object").click()
    window.page.get_by_role("button", name="Take back 1 object").click()
    window.page.get_by_role("link", name="undid: Oithona").click()
    expect(window.tiles).to_have_count(1)
    assert window.label(project.ids[0]) == ("U", "")


def test_the_digits_of_a_project_are_changed_on_ones_own_page(
    site: Site, make_board: MakeBoard, open_window: OpenWindow, person: Callable[[str], Person]
) -> None:
    ada = person("Ada")
    project, window = make_board(ada, n=3), open_window(ada)
    with database.connect(site.database_url) as db:
        write(db, project.id, ada.id, PreferenceChange(slots={"4": project.taxa["fiber"]}))
    window.page.goto("/me")
    expect(window.page.locator(".slots")).to_contain_text("4 fiber < detritus")
    window.page.locator("own-keys select").select_option("7")
    field = window.page.locator("own-keys input")
    field.click()
    field.press_sequentially("oith")
    expect(window.page.get_by_role("option", name="Oithona", exact=True)).to_be_visible()
    window.press("Enter")
    expect(window.page.locator(".slots")).to_contain_text("7 Oithona")
    window.page.get_by_role("button", name="Empty 4: fiber < detritus").click()
    expect(window.page.locator(".slots li")).to_have_count(1)
    reload(window.page)
    expect(window.page.locator(".slots")).to_contain_text("7 Oithona")
