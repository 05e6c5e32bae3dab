"""Cards, worked by keyboard alone and by pointer alone; what is said of them holds after a reload."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, expect

from app import database
from app.clusters import job, runs
from app.labels.changes import seen_states
from tests.browser.conftest import MakeBoard, OpenWindow, Person, Site, Unheard
from tests.browser.window import Window, reload
from tests.small_projects import SmallProject

OpenCards = Callable[..., tuple[SmallProject, Window]]


@pytest.fixture
def open_cards(site: Site, ana: Person, make_board: MakeBoard, open_window: OpenWindow) -> OpenCards:
    """Ana's 40 digits cut into four cards, and a window on them."""

    def open_it(n_wanted: int | None = 4) -> tuple[SmallProject, Window]:
        project = make_board(ana, n=40, embedded=True)
        with database.connect(site.database_url) as db:
            run = runs.make(db, project.id, ana.id, runs.CardWish(n_cards=n_wanted))
        job.cut(site.database_url, site.settings.home, run, Unheard())
        window = open_window(ana)
        go(window, project)
        return project, window

    return open_it


def go(window: Window, project: SmallProject) -> None:
    window.page.goto(f"/projects/{project.id}/clusters")
    window.wait_for("customElements.get('shoal-cards') !== undefined")


def again(window: Window) -> None:
    reload(window.page)
    window.wait_for("customElements.get('shoal-cards') !== undefined")


def cards(window: Window) -> Locator:
    return window.page.locator("#tiles .card-tile:visible")


def n_objects(window: Window) -> int:
    return sum(int(card.get_attribute("data-n") or 0) for card in cards(window).all())


def wait_until_seen(window: Window) -> None:
    expect(window.page.locator("#tiles .cell img").first).to_have_js_property("complete", True)
    window.page.wait_for_timeout(900)


def validated(site: Site, project: SmallProject) -> int:
    with database.connect(site.database_url) as db:
        return sum(state.status == "V" for state in seen_states(db, project.id, project.ids).values())


def test_cards_are_split_merged_and_taken_back_by_keyboard_alone(open_cards: OpenCards) -> None:
    _, window = open_cards()
    expect(cards(window)).to_have_count(4)
    window.page.locator("#tiles").focus()
    window.press("ArrowRight", "Space")
    expect(window.page.locator("#n-selected")).to_contain_text("1 card selected")
    window.press("F6")
    expect(cards(window)).to_have_count(5)
    again(window)
    expect(cards(window)).to_have_count(5)
    assert n_objects(window) == 40

    window.page.locator("#tiles").focus()
    window.press("ArrowRight", "Space", "ArrowRight", "Space")
    window.page.keyboard.press("Shift+Digit7")  # & on an American keyboard
    expect(cards(window)).to_have_count(4)
    again(window)
    expect(cards(window)).to_have_count(4)
    assert n_objects(window) == 40

    window.press("Control+z")
    expect(cards(window)).to_have_count(5)
    window.press("Control+z")
    expect(cards(window)).to_have_count(4)
    again(window)
    expect(cards(window)).to_have_count(4)
    window.press("Control+y")
    expect(cards(window)).to_have_count(5)
    again(window)
    expect(cards(window)).to_have_count(5)


def test_cards_are_split_merged_and_taken_back_by_pointer_alone(open_cards: OpenCards) -> None:
    _, window = open_cards()
    button = window.page.get_by_role("button", name="Split")
    expect(button).to_be_disabled()
    undo, redo = (window.page.locator(f"[data-command={way}]") for way in ("undo", "redo"))
    expect(undo).to_be_disabled()
    cards(window).first.click()
    button.click()
    expect(cards(window)).to_have_count(5)
    expect(undo).to_be_enabled()
    expect(redo).to_be_disabled()
    again(window)
    expect(undo).to_be_enabled()
    expect(cards(window)).to_have_count(5)
    for place in (0, 1, 2):
        cards(window).nth(place).click()
    expect(window.page.locator("#n-selected")).to_contain_text("3 cards selected")
    window.page.get_by_role("button", name="Merge").click()
    expect(cards(window)).to_have_count(3)
    again(window)
    expect(cards(window)).to_have_count(3)
    undo.click()
    expect(cards(window)).to_have_count(5)
    again(window)
    expect(cards(window)).to_have_count(5)
    expect(redo).to_be_enabled()
    assert n_objects(window) == 40


def test_several_cards_that_were_seen_whole_are_named_by_one_word_and_undone(site: Site, open_cards: OpenCards) -> None:
    project, window = open_cards()
    cards_of_few = [card for card in cards(window).all() if int(card.get_attribute("data-n") or 0) <= 14]
    assert len(cards_of_few) >= 2
    wait_until_seen(window)
    n = sum(int(card.get_attribute("data-n") or 0) for card in cards_of_few[:2])
    for card in cards_of_few[:2]:
        card.click()
    window.page.locator("#tiles").focus()
    window.page.keyboard.type("oith")
    expect(window.page.locator("#label-field-list [role=option]").first).to_be_visible()
    window.press("Enter")
    expect(window.toast(f"{n} objects validated as Oithona")).to_be_visible()
    expect(cards(window)).to_have_count(2)
    again(window)
    expect(cards(window)).to_have_count(2)
    assert validated(site, project) == n

    window.page.locator("#tiles").focus()
    window.press("Control+z")
    expect(cards(window)).to_have_count(4)
    assert validated(site, project) == 0


def test_a_card_is_named_by_the_tree_beside_it_dropped_or_clicked_or_found(site: Site, open_cards: OpenCards) -> None:
    project, window = open_cards(8)
    n = cards(window).count()
    wait_until_seen(window)
    window.page.locator("#tiles").focus()
    window.press("ArrowRight", "Space")
    window.page.keyboard.type("oith")
    expect(window.page.locator("#label-field-list [role=option]").first).to_be_visible()
    window.press("Enter")
    expect(cards(window)).to_have_count(n - 1)

    cards(window).first.click()
    window.grab(cards(window).first)
    expect(window.page.locator(".drag-ghost")).to_have_text("1 card")
    window.carry_to(window.tree_row("Oithona"))
    expect(window.page.locator(".drag-ghost")).to_have_text("1 card → Oithona")
    window.page.mouse.up()
    expect(cards(window)).to_have_count(n - 2)

    cards(window).first.click()
    window.tree_row("Oithona").click()
    expect(window.page.locator("#label-field")).to_have_value("Oithona")
    window.press("Enter")
    expect(cards(window)).to_have_count(n - 3)

    window.press("ArrowRight", "Space", "F4")
    window.page.keyboard.type("oith")
    window.press("Enter", "Enter")
    expect(cards(window)).to_have_count(n - 4)
    again(window)
    expect(cards(window)).to_have_count(n - 4)
    assert validated(site, project) == 40 - n_objects(window)
    expect(window.page.locator('[data-count="V"]')).to_have_text(str(validated(site, project)))


def test_a_card_that_was_not_seen_whole_opens_as_a_batch_for_its_name(site: Site, open_cards: OpenCards) -> None:
    project, window = open_cards(1)
    window.forgive("409")
    expect(cards(window)).to_have_count(1)
    window.page.locator("#tiles").focus()
    window.press("ArrowRight")
    window.page.keyboard.type("oith")
    expect(window.page.locator("#label-field-list [role=option]").first).to_be_visible()
    window.press("Enter")
    window.page.wait_for_url("**/batches/*")
    with database.connect(site.database_url) as db:
        row = db.execute("select source, n, taxon_id from batch where project_id = %s", [project.id]).fetchone()
    assert (row.source, row.n, row.taxon_id) == ("cluster", 40, project.taxa["Oithona"])
    assert validated(site, project) == 0


@pytest.mark.parametrize("way", ["keyboard", "pointer"])
def test_selected_cards_open_as_one_batch(site: Site, open_cards: OpenCards, way: str) -> None:
    project, window = open_cards()
    if way == "keyboard":
        window.page.locator("#tiles").focus()
        window.press("ArrowRight", "Space", "ArrowRight", "Space", "Enter")
    else:
        cards(window).nth(0).click()
        cards(window).nth(1).click()
        window.page.get_by_role("button", name="Open as a batch").click()
    window.page.wait_for_url("**/batches/*")
    with database.connect(site.database_url) as db:
        row = db.execute("select source, n, query from batch where project_id = %s", [project.id]).fetchone()
    assert row.source == "cluster" and len(row.query["cluster_ids"]) == 2 and 0 < row.n < 40


@pytest.mark.parametrize("way", ["keyboard", "pointer"])
def test_objects_are_sent_out_of_a_card(open_cards: OpenCards, way: str) -> None:
    _, window = open_cards()
    inside = window.page.locator("#members .cell")
    if way == "keyboard":
        window.page.locator("#tiles").focus()
        window.press("ArrowRight", "Shift+Space")
        expect(inside.first).to_be_visible()
        window.press("Space", "ArrowRight", "Space", "Delete")
    else:
        cards(window).first.click()
        window.page.get_by_role("button", name="Inside").click()
        inside.nth(0).click()
        inside.nth(1).click()
        window.page.get_by_role("button", name="Send out").click()
    expect(cards(window)).to_have_count(5)
    expect(cards(window).filter(has_text="2 objects")).to_have_count(1)
    again(window)
    expect(cards(window)).to_have_count(5)
    assert n_objects(window) == 40


def selected(window: Window) -> list[str]:
    found = window.page.locator('#tiles .card-tile[aria-selected="true"]:visible')
    return [str(card.get_attribute("data-n")) for card in found.all()]


def test_after_a_send_out_the_name_is_for_what_stays(site: Site, open_cards: OpenCards) -> None:
    project, window = open_cards()
    wait_until_seen(window)
    window.page.locator("#tiles").focus()
    window.press("ArrowRight")
    n = int(cards(window).first.get_attribute("data-n") or 0)
    window.press("Space", "Shift+Space")
    expect(window.page.locator("#members .cell").first).to_be_visible()
    window.press("Space", "Delete")
    expect(window.toast("2 cards in the place of 1")).to_be_visible()
    assert selected(window) == [str(n - 1)]
    expect(window.page.locator("#n-selected")).to_have_text(f"1 card selected · {n - 1} objects")
    wait_until_seen(window)
    window.page.keyboard.type("oith")
    expect(window.page.locator("#label-field-list [role=option]").first).to_be_visible()
    window.press("Enter")
    expect(window.toast(f"{n - 1} objects validated as Oithona")).to_be_visible()
    assert validated(site, project) == n - 1


def test_after_a_split_the_cursor_stands_on_one_part_and_none_is_selected(open_cards: OpenCards) -> None:
    _, window = open_cards()
    window.page.locator("#tiles").focus()
    window.press("ArrowRight", "Space", "F6")
    expect(cards(window)).to_have_count(5)
    expect(window.page.locator("#n-selected")).to_contain_text("The card under the cursor")
    assert selected(window) == []
    window.press("Control+z")
    expect(cards(window)).to_have_count(4)
    expect(window.page.locator("#n-selected")).to_contain_text("1 card selected")


def test_the_panel_follows_the_cursor_the_name_and_what_was_labelled(open_cards: OpenCards) -> None:
    _, window = open_cards(8)
    wait_until_seen(window)
    window.page.locator("#tiles").focus()
    says, enter = window.page.locator("#n-selected"), window.page.locator(".commands [data-command=open]")
    sizes = [int(card.get_attribute("data-n") or 0) for card in cards(window).all()]
    window.press("ArrowRight")
    expect(says).to_contain_text(f"The card under the cursor · {sizes[0]} object")
    window.press("ArrowRight")
    expect(says).to_contain_text(f"The card under the cursor · {sizes[1]} object")
    expect(enter).to_contain_text("Open as a batch")
    window.page.keyboard.type("oith")
    expect(window.page.locator("#label-field-list [role=option]").first).to_be_visible()
    expect(enter).to_contain_text("Validate as…")
    window.press("ArrowDown", "ArrowUp", "Enter")
    expect(window.page.locator("#n-left")).to_have_text(str(40 - sizes[1]))
    expect(says).to_contain_text(f"The card under the cursor · {sizes[2]} object")
    expect(enter).to_contain_text("Open as a batch")


def test_control_click_selects_one_more_and_unselects_one(open_cards: OpenCards) -> None:
    _, window = open_cards()
    for place in (0, 1, 2, 1):
        cards(window).nth(place).click(modifiers=["Control"])
    expect(window.page.locator("#n-selected")).to_contain_text("2 cards selected")


def test_cards_are_asked_for_where_there_are_none(
    site: Site, ana: Person, make_board: MakeBoard, open_window: OpenWindow
) -> None:
    project, window = make_board(ana, n=12, embedded=True), open_window(ana)
    go(window, project)
    window.page.get_by_role("button", name="Propose cards").click()
    expect(window.page.get_by_text("waits for its turn")).to_be_visible()
    with database.connect(site.database_url) as db:
        run = runs.latest(db, project.id)
    job.cut(site.database_url, site.settings.home, run, Unheard())
    with database.connect(site.database_url) as db:
        db.execute("update job set status = 'done', ended_at = now() where id = %s", [run.job_id])
    expect(cards(window).first).to_be_visible(timeout=10_000)
    again(window)
    assert n_objects(window) == 12


def test_the_cutting_is_cancelled(ana: Person, make_board: MakeBoard, open_window: OpenWindow) -> None:
    project, window = make_board(ana, n=12, embedded=True), open_window(ana)
    go(window, project)
    window.page.get_by_role("button", name="Propose cards").click()
    window.page.get_by_role("button", name="Cancel").click()
    expect(window.page.get_by_text("The cutting was cancelled.")).to_be_visible()
    again(window)
    expect(window.page.get_by_text("The cutting was cancelled.")).to_be_visible()


def test_another_number_of_cards_and_another_order(open_cards: OpenCards) -> None:
    _, window = open_cards(1)
    choice = window.page.locator("#n-cards option").last
    n_leaves = int(choice.get_attribute("value") or "0")
    window.page.locator("#n-cards").select_option(str(n_leaves))
    expect(cards(window)).to_have_count(n_leaves)
    window.page.locator("#card-order").select_option("size")
    window.page.wait_for_url("**order=size**")
    again(window)
    sizes = [int(card.get_attribute("data-n") or 0) for card in cards(window).all()]
    assert sizes == sorted(sizes, reverse=True) and sum(sizes) == 40


@pytest.mark.parametrize("way", ["keyboard", "pointer"])
def test_a_card_is_accepted_under_an_audit(site: Site, open_cards: OpenCards, way: str) -> None:
    project, window = open_cards(1)
    if way == "keyboard":
        window.page.locator("#tiles").focus()
        window.press("ArrowRight", "F9")
    else:
        cards(window).first.click()
        window.page.get_by_role("button", name="Audit").click()
    expect(window.toast("Enter draws the sample")).to_be_visible()
    window.page.keyboard.type("oith")
    expect(window.page.locator("#label-field-list [role=option]").first).to_be_visible()
    window.press("Enter")
    window.page.wait_for_url("**/audits/*")
    with database.connect(site.database_url) as db:
        row = db.execute("select taxon_id, source from audit where project_id = %s", [project.id]).fetchone()
    assert (row.taxon_id, row.source) == (project.taxa["Oithona"], "found")
    assert validated(site, project) == 0


@pytest.mark.parametrize("way", ["keyboard", "pointer"])
def test_cards_are_set_aside_on_a_pile(site: Site, open_cards: OpenCards, way: str) -> None:
    project, window = open_cards()
    n = int(cards(window).first.get_attribute("data-n") or 0)
    if way == "keyboard":
        window.page.locator("#tiles").focus()
        window.press("ArrowRight", "Space", "Insert")
    else:
        cards(window).first.click()
        window.page.get_by_role("button", name="Set aside").click()
    expect(window.page.locator("#aside-sheet")).to_be_visible()
    window.page.keyboard.type("to be asked")
    with window.page.expect_response("**/piles"):
        window.press("Enter")
    again(window)
    with database.connect(site.database_url) as db:
        row = db.execute(
            """
            select name, (select count(*) from pile_object where pile_id = pile.id) as n
            from pile
            where project_id = %s
            """,
            [project.id],
        ).fetchone()
    assert (row.name, row.n) == ("to be asked", n)


def test_a_taxon_that_is_not_there_is_created_from_the_cards(site: Site, open_cards: OpenCards) -> None:
    project, window = open_cards(8)
    wait_until_seen(window)
    n = cards(window).count()
    window.page.locator("#tiles").focus()
    window.press("ArrowRight", "Space")
    window.press(".")
    window.page.keyboard.insert_text("wobbler of cards")
    expect(window.page.locator("#label-field-list .create")).to_have_text("Create “wobbler of cards”…")
    window.press("Enter")
    sheet = window.page.locator("#new-taxon")
    expect(sheet).to_be_visible()
    expect(sheet.locator("[name=name]")).to_have_value("wobbler of cards")
    sheet.locator("[name=at_root]").check()
    sheet.get_by_role("button", name="Create and validate 1 card").click()
    expect(cards(window)).to_have_count(n - 1)
    with database.connect(site.database_url) as db:
        row = db.execute(
            "select count(*) as n from label join taxon on taxon.id = taxon_id where project_id = %s and name = %s",
            [project.id, "wobbler of cards"],
        ).fetchone()
    assert row.n == 40 - n_objects(window)


def test_a_name_that_the_tree_does_not_have_leaves_the_cards_selected(open_cards: OpenCards) -> None:
    _, window = open_cards()
    window.page.locator("#tiles").focus()
    window.press("ArrowRight", "Space", "F4")
    window.page.keyboard.type("zzz")
    address = window.page.url
    window.press("Enter")
    expect(window.page.locator(".toast")).to_contain_text("No taxon here is named “zzz”.")
    window.press("Escape", "Enter")  # the field is empty: the first row, which is no taxon
    assert window.page.url == address
    expect(window.page.locator("#n-selected")).to_contain_text("1 card selected")
