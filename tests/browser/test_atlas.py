"""Thumbnails come a section at a time, come singly where that fails, and go when they are far away."""

from collections.abc import Callable

from playwright.sync_api import Route, expect

from tests.browser.conftest import Person
from tests.browser.window import Window
from tests.small_projects import SmallProject

MakeBoard = Callable[..., SmallProject]
OpenWindow = Callable[..., Window]
SHOWN = "[...document.querySelectorAll('.tile img')].slice(0, 20).every(image => image.naturalWidth > 0)"


def test_the_thumbnails_of_a_section_come_in_one_request_that_began_with_the_page(
    person: Callable[[str], Person], make_board: MakeBoard, open_window: OpenWindow
) -> None:
    ana = person("Ana")
    project, window = make_board(ana), open_window(ana)
    asked: list[str] = []
    window.page.on("request", lambda request: asked.append(request.url))
    window.open_board(project)
    window.wait_for(SHOWN)
    assert sum("/atlas/" in url for url in asked) == 1
    assert not [url for url in asked if "/thumbnails/" in url]


def test_where_a_section_cannot_be_had_at_once_its_thumbnails_come_singly(
    person: Callable[[str], Person], make_board: MakeBoard, open_window: OpenWindow
) -> None:
    ana = person("Ana")
    project, window = make_board(ana), open_window(ana)
    window.forgive("404")
    window.page.route("**/atlas/**", lambda route: route.fulfill(status=404))
    window.open_board(project)
    window.wait_for(SHOWN)


def test_a_section_comes_after_a_lost_connection(
    person: Callable[[str], Person], make_board: MakeBoard, open_window: OpenWindow
) -> None:
    ana = person("Ana")
    project, window = make_board(ana), open_window(ana)
    lost = 3
    window.forgive("ERR_INTERNET_DISCONNECTED")

    def lose(route: Route) -> None:
        nonlocal lost
        lost -= 1
        route.continue_() if lost < 0 else route.abort("internetdisconnected")

    window.page.route("**/atlas/**", lose)
    window.open_board(project)
    window.wait_for(SHOWN)


def test_tiles_keep_their_places_before_their_pictures_come(
    person: Callable[[str], Person], make_board: MakeBoard, open_window: OpenWindow
) -> None:
    ana = person("Ana")
    project, window = make_board(ana), open_window(ana)
    held: list[Route] = []
    window.page.route("**/atlas/**", lambda route: held.append(route))
    window.open_board(project)
    before = window.tile(project.ids[-1]).bounding_box()
    for route in held:
        route.continue_()
    window.page.unroute("**/atlas/**")
    window.wait_for(SHOWN)
    after = window.tile(project.ids[-1]).bounding_box()
    assert before and after
    assert all(abs(after[side] - before[side]) <= 1 for side in ("x", "y", "width", "height"))


def test_pictures_far_from_view_are_given_back_and_come_again(
    person: Callable[[str], Person], make_board: MakeBoard, open_window: OpenWindow
) -> None:
    ana = person("Ana")
    project, window = make_board(ana, n=1200), open_window(ana)
    window.open_board(project, "?size=200")
    window.wait_for(SHOWN)
    for _ in range(8):
        window.page.locator("#tiles").evaluate("list => list.scrollTo(0, list.scrollHeight)")
        window.page.wait_for_timeout(200)
    window.wait_for("!document.querySelector('.tile img').hasAttribute('src')")
    window.page.locator("#tiles").evaluate("list => list.scrollTo(0, 0)")
    window.wait_for(SHOWN)


def test_a_section_comes_after_the_server_was_busy_and_no_picture_is_called_broken(
    person: Callable[[str], Person], make_board: MakeBoard, open_window: OpenWindow
) -> None:
    ana = person("Ana")
    project, window = make_board(ana), open_window(ana)
    window.forgive("503")
    window.page.route("**/thumbnails/**", lambda route: route.fulfill(status=503))
    busy = [503, 503]
    window.page.route("**/atlas/**", lambda route: route.fulfill(status=busy.pop()) if busy else route.continue_())
    window.open_board(project)
    window.wait_for(SHOWN)
    assert not busy
    assert window.page.locator(".no-image").count() == 0


def test_a_picture_that_comes_after_all_takes_the_sign_away(
    person: Callable[[str], Person], make_board: MakeBoard, open_window: OpenWindow
) -> None:
    ana = person("Ana")
    project, window = make_board(ana), open_window(ana)
    window.forgive("404")
    for address in ("**/atlas/**", "**/thumbnails/**"):
        window.page.route(address, lambda route: route.fulfill(status=404))
    window.open_board(project)
    tile = window.tile(project.ids[0])
    expect(tile.locator(".no-image")).to_have_count(1)
    window.page.unroute("**/thumbnails/**")
    tile.locator("img").evaluate("image => (image.src = `${image.src}?again`)")
    expect(tile.locator("img")).to_be_visible()
    expect(tile.locator(".no-image")).to_have_count(0)
