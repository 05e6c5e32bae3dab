"""Two people at the same objects."""

from collections.abc import Callable
from uuid import uuid4

from playwright.sync_api import expect

from app import database
from app.edits.label_wishes import LabelsWish
from app.edits.labels import edit_labels
from tests.browser.conftest import Person, Site
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


def test_who_takes_back_what_a_mass_edit_erased_hears_of_the_edit(
    site: Site, person: Callable[[str], Person], make_board: Callable[..., SmallProject],
    open_window: Callable[..., Window],
) -> None:  # fmt: skip
    ana, jo = person("Ana"), person("Jo")
    project = make_board(ana, jo)
    of_ana = open_window(ana)
    of_ana.open_board(project)
    of_ana.tile(project.ids[1]).click()
    of_ana.page.keyboard.type("oith")
    of_ana.press("Enter")
    of_ana.wait_until_sent()
    with database.connect(site.database_url) as db:
        edit_labels(db, project, jo.id, uuid4(), LabelsWish("erase", who=ana.id))

    of_ana.press("Control+z")

    expect(of_ana.toast("1 object was changed by the edit “labels erased, of Ana” of Jo meanwhile")).to_be_visible()
