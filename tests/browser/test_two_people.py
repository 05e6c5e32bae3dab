"""Two people at the same objects."""

from collections.abc import Callable

from playwright.sync_api import expect

from tests.browser.conftest import Person
from tests.browser.window import Window
from tests.small_projects import SmallProject


def test_what_another_changed_meanwhile_is_left_and_told_by_name(
    person: Callable[[str], Person], make_board: Callable[..., SmallProject], open_window: Callable[..., Window]
) -> None:
    ana, jo = person("Ana"), person("Jo")
    project = make_board(ana, jo)
    of_ana, of_jo = open_window(ana), open_window(jo)
    of_ana.open_board(project)
    of_jo.open_board(project)
    of_jo.tile(project.ids[1]).click()
    of_jo.page.keyboard.type("oith")
    of_jo.press("Enter")
    of_jo.wait_until_sent()

    of_ana.press("ArrowRight", "Shift+ArrowRight", "Shift+ArrowRight")
    of_ana.page.keyboard.type("detr")
    of_ana.press("Enter")

    expect(of_ana.toast("1 object was changed by Jo meanwhile: left as it is.")).to_be_visible()
    assert of_ana.label(project.ids[1]) == ("V", "Oithona")
    of_ana.reload()
    assert [of_ana.label(k)[1] for k in project.ids[:3]] == ["detritus", "Oithona", "detritus"]
    of_jo.reload()
    assert [of_jo.label(k)[1] for k in project.ids[:3]] == ["detritus", "Oithona", "detritus"]
