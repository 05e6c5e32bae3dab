"""Selecting, naming, confirming and taking back, by key and by pointer."""

from collections.abc import Callable

from playwright.sync_api import expect

from app import database
from tests.browser.conftest import Person, Site
from tests.browser.window import Window
from tests.small_projects import SmallProject

OpenWindow = Callable[..., Window]
MakeBoard = Callable[..., SmallProject]


def test_it_labels_a_selection_by_keys_alone(ana: Person, make_board: MakeBoard, open_window: OpenWindow) -> None:
    project, window = make_board(ana), open_window(ana)
    window.open_board(project)

    window.press("ArrowRight", "Shift+ArrowRight", "Shift+ArrowRight")
    assert window.n_selected == 3
    window.page.keyboard.type("oith")
    window.press("Enter")

    window.reload()
    assert [window.label(k) for k in project.ids[:4]] == [("V", "Oithona")] * 3 + [("U", "")]


def test_it_labels_a_selection_by_the_pointer_alone(
    ana: Person, make_board: MakeBoard, open_window: OpenWindow
) -> None:
    project, window = make_board(ana), open_window(ana)
    window.open_board(project)

    window.tile(project.ids[1]).click()
    window.tile(project.ids[5]).click(modifiers=["Shift"])
    window.tile(project.ids[3]).click()
    assert window.n_selected == 4
    window.page.locator("#label-field").click()
    window.page.locator("#label-field").fill("fib")
    window.page.get_by_role("option", name="fiber < detritus", exact=True).click()
    window.page.get_by_role("button", name="Dubious").click()

    window.reload()
    labelled = [k for k in project.ids[:7] if window.label(k) == ("D", "fiber < detritus")]
    assert labelled == [project.ids[k] for k in (1, 2, 4, 5)]


def test_it_confirms_what_was_dubious_with_enter_alone(
    ana: Person, make_board: MakeBoard, open_window: OpenWindow
) -> None:
    project, window = make_board(ana), open_window(ana)
    window.open_board(project)
    window.press("ArrowRight", "Space")
    window.page.keyboard.type("cala")
    window.press("Shift+Enter")
    window.wait_until_sent()
    assert window.label(project.ids[0]) == ("D", "Calanoida")

    window.press("Space", "Enter")

    window.reload()
    assert window.label(project.ids[0]) == ("V", "Calanoida")


def test_undo_and_redo_go_on_after_a_reload(ana: Person, make_board: MakeBoard, open_window: OpenWindow) -> None:
    project, window = make_board(ana), open_window(ana)
    window.open_board(project)
    for name in ("oith", "detr"):
        window.tile(project.ids[0]).click()
        window.page.keyboard.type(name)
        window.press("Enter")
    window.reload()
    assert window.label(project.ids[0]) == ("V", "detritus")

    window.press("Control+z")
    window.reload()
    assert window.label(project.ids[0]) == ("V", "Oithona")
    window.press("Control+z")
    window.reload()
    assert window.label(project.ids[0]) == ("U", "")
    expect(window.page.locator("[data-command=undo]")).to_be_disabled()

    window.press("Control+Shift+Z")
    window.reload()
    window.page.get_by_role("button", name="Redo").click()
    window.reload()
    assert window.label(project.ids[0]) == ("V", "detritus")


def test_what_no_longer_passes_the_filter_leaves_and_undo_brings_it_back(
    ana: Person, make_board: MakeBoard, open_window: OpenWindow
) -> None:
    project, window = make_board(ana), open_window(ana)
    window.open_board(project, "?status=U")
    window.press("Control+a")
    assert window.n_selected == 30
    window.press("Escape")
    window.tile(project.ids[2]).click()
    window.page.keyboard.type("oith")
    window.press("Enter")

    expect(window.tile(project.ids[2])).to_be_hidden()
    expect(window.page.locator("[data-count=U]")).to_have_text("29")
    expect(window.page.locator("#n-total")).to_have_text("29")
    window.press("Control+z")
    expect(window.tile(project.ids[2])).to_be_visible()

    window.reload()
    expect(window.tiles).to_have_count(30)


def test_the_cursor_keeps_its_place_when_what_was_labelled_leaves(
    ana: Person, make_board: MakeBoard, open_window: OpenWindow
) -> None:
    project, window = make_board(ana), open_window(ana)
    window.open_board(project, "?status=U")
    window.tile(project.ids[7]).click()
    window.page.keyboard.type("oith")
    window.press("Enter")
    window.wait_until_sent()

    window.press("Space")
    expect(window.tile(project.ids[8])).to_have_attribute("aria-selected", "true")
    assert window.n_selected == 1
    window.name("detr")

    window.reload()
    window.open_board(project)
    assert [window.label(k)[1] for k in project.ids[6:10]] == ["", "Oithona", "detritus", ""]


def test_a_taxon_that_is_missing_is_created_where_it_is_wanted(
    ana: Person, make_board: MakeBoard, open_window: OpenWindow
) -> None:
    project, window = make_board(ana), open_window(ana)
    window.open_board(project)
    name = f"curled {project.id}"

    window.tile(project.ids[0]).click()
    window.page.keyboard.type(name)
    window.page.get_by_role("option", name="Create").click()
    window.page.keyboard.type("fib")
    window.press("Enter")
    window.page.get_by_role("button", name="Create and validate 1 object").click()
    expect(window.page.get_by_role("heading", name="Create a taxon")).to_be_hidden()

    window.reload()
    assert window.label(project.ids[0]) == ("V", name)


def n_taxa(site: Site, name: str) -> int:
    with database.connect(site.database_url) as db:
        return int(db.execute("select count(*) as n from taxon where name = %s", [name]).fetchone().n)


def test_enter_alone_never_creates_a_taxon(
    site: Site, ana: Person, make_board: MakeBoard, open_window: OpenWindow
) -> None:
    project, window = make_board(ana), open_window(ana)
    window.open_board(project)
    window.tile(project.ids[0]).click()
    window.page.keyboard.type("Qqqq")
    window.press("Enter")
    expect(window.page.locator("#new-taxon-parent")).to_be_focused()
    window.press("Enter", "Enter")

    expect(window.page.get_by_text("Say where it belongs")).to_be_visible()
    window.page.get_by_role("button", name="Cancel").click()
    assert n_taxa(site, "Qqqq") == 0
    assert window.n_selected == 1

    window.press("Enter")
    window.page.get_by_label("at the root").check()
    window.page.get_by_role("button", name="Create and validate 1 object").click()
    window.reload()
    assert window.label(project.ids[0]) == ("V", "Qqqq")


def test_a_name_with_a_slip_is_offered_the_near_one_before_a_new_class(
    site: Site, ana: Person, make_board: MakeBoard, open_window: OpenWindow
) -> None:
    project, window = make_board(ana), open_window(ana)
    window.open_board(project)
    window.tile(project.ids[0]).click()
    window.page.keyboard.type("Oitona")
    window.press("Shift+Enter")
    window.page.locator(".near").get_by_role("button", name="Oithona", exact=True).click()

    window.reload()
    assert window.label(project.ids[0]) == ("D", "Oithona")
    assert n_taxa(site, "Oitona") == 0


def test_what_was_labelled_and_has_left_is_in_no_later_range(
    ana: Person, make_board: MakeBoard, open_window: OpenWindow
) -> None:
    project, window = make_board(ana), open_window(ana)
    window.open_board(project, "?status=U")
    window.fill_slot("1", "oith")
    for k in (3, 4):
        window.tile(project.ids[k]).click()
    window.press("1")
    expect(window.tiles).to_have_count(28)
    window.tile(project.ids[7]).click(modifiers=["Shift"])
    window.press("1")
    expect(window.tiles).to_have_count(27)
    window.press("Shift+ArrowRight", "1")
    expect(window.tiles).to_have_count(25)

    window.reload()
    window.open_board(project)
    assert [k for k in range(30) if window.label(project.ids[k])[0] == "V"] == [3, 4, 7, 8, 9]


def test_what_has_no_taxon_to_confirm_stays_selected_with_the_field_to_name_it(
    ana: Person, make_board: MakeBoard, open_window: OpenWindow
) -> None:
    project, window = make_board(ana), open_window(ana)
    window.open_board(project)
    validate = window.page.locator("[data-command=validate]")
    for k in (0, 1, 2):
        window.tile(project.ids[k]).click()
    expect(validate).to_contain_text("Validate 3 as…")
    expect(validate).to_be_disabled()
    window.press("Enter")
    expect(window.toast("3 objects without a taxon: name one first.")).to_be_visible()
    assert window.n_selected == 3
    expect(window.page.locator("#label-field")).to_be_focused()
    window.name("oith")
    window.wait_until_sent()
    expect(window.page.locator("#n-selected")).to_have_text("Nothing selected")
    expect(window.page.locator("#facts")).to_be_empty()

    for k in (2, 3):
        window.tile(project.ids[k]).click()
    expect(validate).to_contain_text("Validate as seen")
    window.press("Enter")
    expect(window.toast("1 object without a taxon: name one first.")).to_be_visible()
    expect(window.page.locator("#tiles .tile[aria-selected=true]")).to_have_id(f"o{project.ids[3]}")
