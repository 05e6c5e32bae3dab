"""Every kind of filter, put on one board by keys alone and by the pointer alone, and all of them kept over a reload."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from playwright.sync_api import expect

from app import database
from app.labels.runs import publish
from tests.browser.conftest import MakePerson, OpenBay, Person, Site
from tests.browser.window import Window
from tests.small_projects import SmallProject, predict


@dataclass(frozen=True)
class Kind:
    """How it is found in the sheet, what its chip then says, and how many objects all filters up to it leave."""

    label: str
    typed: str  # until it is the first of the list
    key: str
    said: str
    n: int
    keys: tuple[str, ...]  # from what has the focus when it is chosen to the last key; "…" waits for one choice
    pointed: dict[str, str]  # a control by its name and what goes into it; "" is a box to tick or a choice to click


KINDS = (
    Kind("depth", "depth", "depth", "3 to 20 m", 18, ("3", "Tab", "20", "Enter"), {"from (m)": "3", "to (m)": "20"}),
    Kind("date", "date", "date", "2024-05-05", 17, ("05052024", "Enter"), {"from: day": "2024-05-05"}),
    Kind("month", "month", "month", "May", 17, (*["Tab"] * 4, "Space", "Enter"), {"May": ""}),
    Kind("time of day", "time of day", "time", "02:00", 11, ("0200AM", "Tab", "Tab", "0200PM", "Enter"),
         {"from (UTC)": "02:00", "to (UTC)": "14:00"}),
    Kind("sun", "sun", "sun", "day", 5, ("Space", "Enter"), {"day": ""}),
    Kind("place", "place", "place", "175", 3, ("10", "Tab", "174", "Tab", "-175", "Tab", "0", "Enter"),
         {"north (°)": "10", "west (°)": "174", "east (°)": "-175", "south (°)": "0"}),
    Kind("sample", "sample", "sample", "sample0", 3, ("sample0", "…", "Enter"), {"sample0": ""}),
    Kind("acquisition", "acquisition", "acquisition", "acq0", 3, ("acq0", "…", "Enter"), {"acq0": ""}),
    Kind("instrument", "instrument", "instrument", "zooscan", 3, ("zoo", "…", "Enter"), {"zooscan": ""}),
    Kind("import", "import", "import", "cruise12", 2, ("cruise", "…", "Enter"), {"cruise12": ""}),
    Kind("status", "status", "status", "validated", 2, (*["Tab"] * 3, "Space", "Enter"), {"validated": ""}),
    Kind("provenance", "provenance", "provenance", "in a batch", 2, ("Tab", "Space", "Enter"), {"in a batch": ""}),
    Kind("labelled by", "labelled by", "who", "others than me", 2, ("others", "…", "Enter"), {"others than me": ""}),
    Kind("ever labelled by", "ever", "ever", "Ben", 2, ("Ben", "…", "Enter"), {"Ben": ""}),
    Kind("labelled", "When the present", "when", "2020-05-06", 2, ("05062020", "Enter"), {"from: day": "2020-05-06"}),
    Kind("comment", "comment", "comment", "antenna", 1, ("Tab", "antenna", "Enter"),
         {"the text that it contains": "antenna"}),
    Kind("taxon", "taxon", "taxon", "Copepoda, with children", 1, ("copepoda", "Enter"), {"Taxon": "Copepoda"}),
    Kind("predicted as", "predicted as", "predicted", "Calanoida", 1, ("calanoida", "Enter"),
         {"Predicted as": "Calanoida"}),
    Kind("score", "score", "score", "0.5", 1, ("0.5", "Tab", "0.9", "Enter"), {"from": "0.5", "to": "0.9"}),
    Kind("area", "area", "f.area", "1 to 3", 1, ("1", "Tab", "3", "Enter"), {"from": "1", "to": "3"}),
    Kind("sample station", "station", "f.sample.station", "st0", 1, ("Tab", "st0", "Enter"), {"text": "st0"}),
)  # fmt: skip

CHOSEN_BY_A_CLICK = {"sample", "acquisition", "instrument", "import", "who", "ever"}


@pytest.fixture
def window(site: Site, survey: SmallProject, person: MakePerson, open_bay: OpenBay) -> Window:
    """Ana's board. Ben labelled objects 4 to 7 in one act; 5 is commented on; 0 to 7 came with one import."""
    ben = person("Ben")
    with database.connect(site.database_url) as db:
        survey.db = db
        survey.do(ben, survey.ids[4:8], taxon="Oithona")
        run_id = predict(survey, dict.fromkeys(survey.ids, "Calanoida"))
        publish(db, survey, run_id)
        comment_and_import(db, survey, ben)
    return open_bay()


def comment_and_import(db: database.Db, survey: SmallProject, who: Person) -> None:
    db.execute(
        "insert into comment (project_id, object_id, account_id, text) values (%s, %s, %s, 'a broken antenna')",
        [survey.id, survey.ids[5], who.id],
    )
    row = db.execute(
        """
        insert into import (project_id, account_id, source, fingerprint, status, report, n_objects)
        values (%s, %s, 'cruise12', 'none', 'done', '{}', 8)
        returning id
        """,
        [survey.id, who.id],
    ).fetchone()
    db.execute("update object set import_id = %s where id = any(%s)", [row.id, survey.ids[:8]])
    db.execute("update project set data_version = data_version + 1 where id = %s", [survey.id])


def add_by_keys(window: Window, kind: Kind) -> None:
    sheet = window.page.locator("#add-filter")
    window.press(":")
    expect(window.page.locator("#filter-kind")).to_be_focused()
    window.page.keyboard.type(kind.typed)
    expect(sheet.locator(".kinds [role=option]").first).to_contain_text(kind.typed)
    if kind.label == "labelled":  # its help begins so, and stands in the list below what is named so
        expect(sheet.locator(".kinds [role=option]")).to_have_count(1)
    window.press("Enter")
    expect(sheet.locator(".chosen")).to_be_visible()
    for key in kind.keys:
        if key == "…":
            expect(sheet.locator(".chosen [role=option]:visible")).to_have_count(1)
        elif key in ("Tab", "Space", "Enter"):
            window.press(key)
        else:
            window.page.keyboard.type(key)


def add_by_pointer(window: Window, kind: Kind) -> None:
    sheet = window.page.locator("#add-filter")
    window.page.get_by_role("button", name="+ filter").click()
    window.page.locator("#filter-kind").fill(kind.label)
    sheet.locator(".kinds .choice").get_by_text(kind.label, exact=True).first.click()
    for name, value in kind.pointed.items():
        if value:
            sheet.get_by_label(name, exact=True).locator("visible=true").fill(value)
        else:
            sheet.locator("label:visible, [role=option]:visible").filter(has_text=name).first.click()
    if kind.key in ("taxon", "predicted"):
        (name,) = kind.pointed.values()
        sheet.locator(f"#filter-{kind.key}-list").get_by_text(name, exact=True).click()
    if kind.key not in CHOSEN_BY_A_CLICK:
        sheet.get_by_role("button", name="Add", exact=True).click()


@pytest.mark.parametrize("add", [add_by_keys, add_by_pointer])
def test_all_kinds_of_filter_stand_together(window: Window, add: Callable[[Window, Kind], None]) -> None:
    chips = window.page.locator(".chip")
    for n_chips, kind in enumerate(KINDS, 1):
        add(window, kind)
        expect(chips).to_have_count(n_chips)
        expect(window.page.locator(f'.chip[data-key="{kind.key}"]')).to_contain_text(kind.said)
        expect(window.page.locator("#n-total")).to_have_text(str(kind.n))

    window.reload()
    expect(window.tiles).to_have_count(1)
    for kind in KINDS:
        expect(window.page.locator(f'.chip[data-key="{kind.key}"]')).to_contain_text(kind.said)
    expect(window.page.locator(".chip.invalid")).to_have_count(0)


def test_a_score_is_chosen_by_sliding(window: Window) -> None:
    sheet = window.page.locator("#add-filter")
    window.page.get_by_role("button", name="+ filter").click()
    window.page.locator("#filter-kind").fill("score")
    sheet.locator(".kinds .choice").get_by_text("score", exact=True).first.click()
    slider = sheet.get_by_label("from: slide").locator("visible=true")
    box = slider.bounding_box()
    window.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    field = sheet.get_by_label("from", exact=True).locator("visible=true")
    assert 0.4 < float(field.input_value()) < 0.6
    field.fill("0.25")
    expect(slider).to_have_value("0.25")
    sheet.get_by_role("button", name="Add", exact=True).click()
    expect(window.page.locator('.chip[data-key="score"]')).to_contain_text("0.25")
    window.page.locator('.chip[data-key="score"] .edit').click()
    expect(slider).to_have_value("0.25")
