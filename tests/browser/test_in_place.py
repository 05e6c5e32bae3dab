"""One board follows another without a new document: history, keys, the focus, and nothing left of the boards before."""

from playwright.sync_api import CDPSession, expect

from app import database
from tests.browser.conftest import OpenBay, Person, Site
from tests.browser.window import Window, reload
from tests.small_projects import SmallProject


def mark(window: Window) -> None:
    window.page.evaluate("window.isSameDocument = true")


def is_same_document(window: Window) -> bool:
    return bool(window.page.evaluate("window.isSameDocument === true"))


def go(window: Window, project: SmallProject, taxon: str, n: int) -> None:
    """Click on a taxon of the tree, and see its n objects."""
    window.page.locator(f'#tree li[data-taxon-id="{project.taxa[taxon]}"] a').click()
    expect(window.tiles).to_have_count(n)


def label(bay: SmallProject, ana: Person, site: Site) -> None:
    """Three are Oithona similis, two fiber."""
    with database.connect(site.database_url) as db:
        bay.db = db
        bay.do(ana, bay.ids[:3], taxon="Oithona similis")
        bay.do(ana, bay.ids[3:5], taxon="fiber")


def test_back_and_forward_show_what_their_addresses_say(
    bay: SmallProject, ana: Person, site: Site, open_bay: OpenBay
) -> None:
    label(bay, ana, site)
    window = open_bay()
    mark(window)
    go(window, bay, "Oithona similis", 3)
    expect(window.page.locator("#tiles")).to_be_focused()
    go(window, bay, "fiber", 2)
    window.page.locator(".chip a").click()
    expect(window.tiles).to_have_count(30)

    for n, chips in ((2, 1), (3, 1), (30, 0)):
        window.page.go_back()
        expect(window.tiles).to_have_count(n)
        expect(window.page.locator(".chip")).to_have_count(chips)
    window.page.go_forward()
    expect(window.tiles).to_have_count(3)
    assert f"taxon={bay.taxa['Oithona similis']}" in window.page.url
    assert is_same_document(window)
    reload(window.page)
    expect(window.tiles).to_have_count(3)


def test_after_thirty_boards_one_press_makes_one_act_and_nothing_of_them_is_left(
    bay: SmallProject, ana: Person, site: Site, open_bay: OpenBay
) -> None:
    label(bay, ana, site)
    window = open_bay()
    mark(window)
    cdp = window.page.context.new_cdp_session(window.page)
    for _ in range(4):
        there_and_back(window, bay)
    before = in_memory(cdp)
    for _ in range(11):
        there_and_back(window, bay)
    after = in_memory(cdp)
    assert is_same_document(window)
    assert after["JSEventListeners"] < 1.2 * before["JSEventListeners"]
    assert after["Nodes"] < 1.2 * before["Nodes"]

    sent: list[str] = []
    window.page.on("request", lambda request: request.method == "POST" and sent.append(request.url.rsplit("/", 1)[1]))
    window.tile(bay.ids[3]).click()
    window.press("Enter")
    window.wait_until_sent()
    assert sent == ["acts"]
    with window.page.expect_response("**/undo"):
        window.press("Control+z")
    window.wait_until_sent()
    assert sent == ["acts", "undo"]


def there_and_back(window: Window, bay: SmallProject) -> None:
    go(window, bay, "Oithona similis", 3)
    go(window, bay, "fiber", 2)


def in_memory(cdp: CDPSession) -> dict[str, float]:
    cdp.send("Performance.enable")
    cdp.send("HeapProfiler.collectGarbage")
    return {metric["name"]: metric["value"] for metric in cdp.send("Performance.getMetrics")["metrics"]}


def test_what_leads_elsewhere_is_left_to_the_browser(
    bay: SmallProject, ana: Person, site: Site, open_bay: OpenBay
) -> None:
    label(bay, ana, site)
    window = open_bay()
    mark(window)
    fiber = window.page.locator(f'#tree li[data-taxon-id="{bay.taxa["fiber"]}"] a')
    with window.page.context.expect_page() as opened:
        fiber.click(modifiers=["Control"])
    expect(opened.value.locator("#tiles .tile")).to_have_count(2)
    expect(window.tiles).to_have_count(30)
    assert is_same_document(window)

    window.page.context.clear_cookies()
    fiber.click()
    window.page.wait_for_url("**/login**")
    assert not is_same_document(window)
