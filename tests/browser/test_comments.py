"""Comments on many objects at once, and taking one back."""

from collections.abc import Callable

from playwright.sync_api import expect

from app import database
from tests.browser.conftest import Site
from tests.browser.window import Window
from tests.small_projects import SmallProject

OpenBench = Callable[..., tuple[SmallProject, Window]]


def comments(site: Site, project: SmallProject) -> list[tuple[int, str]]:
    with database.connect(site.database_url) as db:
        rows = db.execute("select object_id, text from comment where project_id = %s order by id", [project.id])
        return [tuple(row) for row in rows]


def test_a_selection_is_commented_on_by_keys_alone(site: Site, open_bench: OpenBench) -> None:
    project, window = open_bench()
    window.press("ArrowRight", "Shift+ArrowRight", "Shift+ArrowRight", "'")
    expect(window.page.get_by_role("heading", name="Comment on 3 objects")).to_be_visible()
    window.page.keyboard.type("two eggs, 1 lost")
    window.press("Enter")
    expect(window.tile(project.ids[0]).locator(".signs [title='1 comment']")).to_be_visible()
    assert window.n_selected == 3

    window.reload()
    assert comments(site, project) == [(k, "two eggs, 1 lost") for k in project.ids[:3]]
    expect(window.page.locator("#tiles .signs [title='1 comment']")).to_have_count(3)
    window.press("ArrowRight", "Space", "'")
    window.page.keyboard.type("again")
    window.press("Enter")
    expect(window.tile(project.ids[0]).locator(".signs [title='2 comments']")).to_be_visible()


def test_a_selection_is_commented_on_by_the_pointer_alone(site: Site, open_bench: OpenBench) -> None:
    project, window = open_bench()
    window.tile(project.ids[4]).click()
    window.tile(project.ids[6]).click()
    window.page.locator("[data-command=comment]").click()
    window.page.locator("#comment-sheet textarea").fill("<b>odd</b>")
    window.page.locator("#comment-sheet").get_by_role("button", name="Comment").click()

    window.reload()
    assert comments(site, project) == [(project.ids[k], "<b>odd</b>") for k in (4, 6)]


def test_escape_says_nothing(site: Site, open_bench: OpenBench) -> None:
    project, window = open_bench()
    window.tile(project.ids[4]).click()
    window.press("'")
    window.page.keyboard.type("never")
    window.press("Escape")
    expect(window.page.locator("#comment-sheet")).to_be_hidden()

    window.reload()
    assert comments(site, project) == []


def test_a_comment_whose_answer_was_lost_is_written_once(site: Site, open_bench: OpenBench) -> None:
    project, window = open_bench()
    window.forgive("ERR_CONNECTION_RESET")

    def lose_the_answer(route) -> None:
        route.fetch()
        route.abort("connectionreset")

    window.page.route("**/comments", lose_the_answer, times=1)
    window.tile(project.ids[0]).click()
    window.press("'")
    window.page.keyboard.type("odd")
    window.press("Enter")
    expect(window.toast("kept in this browser")).to_be_visible()

    window.reload()
    assert comments(site, project) == [(project.ids[0], "odd")]


def test_the_author_deletes_a_comment_on_the_objects_page(site: Site, open_bench: OpenBench) -> None:
    project, window = open_bench()
    window.tile(project.ids[0]).click()
    window.press("'")
    window.page.keyboard.type("wrong")
    window.press("Enter")
    window.wait_until_sent()
    window.page.goto(f"/projects/{project.id}/objects/{project.ids[0]}")
    window.page.locator(".comment", has_text="wrong").get_by_role("button", name="Delete").click()
    expect(window.page.get_by_text("No comments.")).to_be_visible()

    window.open_board(project)
    expect(window.page.locator("#tiles .signs [title*=comment]")).to_have_count(0)
    assert comments(site, project) == []


def test_a_question_can_be_asked_in_a_comment(site: Site, open_bench: OpenBench) -> None:
    project, window = open_bench(n=3)
    window.tile(project.ids[0]).click()
    window.press("F2")
    window.page.keyboard.type("is this ok? yes")
    expect(window.page.locator("#keys")).to_be_hidden()
    window.press("Enter")

    window.reload()
    assert comments(site, project) == [(project.ids[0], "is this ok? yes")]


def test_a_comment_that_waited_is_sent_and_shown_by_the_objects_page(site: Site, open_bench: OpenBench) -> None:
    project, window = open_bench(n=3)
    window.forgive("ERR_CONNECTION_RESET")
    window.page.route("**/comments", lambda route: route.abort("connectionreset"))
    window.tile(project.ids[0]).click()
    window.press("'")
    window.page.keyboard.type("odd")
    window.press("Enter")
    expect(window.toast("kept in this browser")).to_be_visible()
    window.page.unroute("**/comments")
    window.page.goto(f"/projects/{project.id}/objects/{project.ids[0]}")
    expect(window.page.locator(".comment", has_text="odd")).to_be_visible()
    assert comments(site, project) == [(project.ids[0], "odd")]
