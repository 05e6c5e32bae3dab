"""The field in which a taxon is named: whose names stand first, taken by keys and by the pointer."""

import pytest
from playwright.sync_api import expect

from app import database
from tests.browser.conftest import MakePerson, OpenBay, Person, Site
from tests.small_projects import SmallProject

# In the order in which they are to be offered, which is not that of the alphabet.
OFFERED = ("Cowe recent", "Cowd preset", "Cowc project", "Cowb everywhere")


@pytest.fixture
def bay(site: Site, bay: SmallProject, ana: Person, person: MakePerson) -> SmallProject:
    """The first name is Ana's, the second on the preset list, the third Ben's, and the fourth nobody's."""
    ben = person("Ben")
    with database.connect(site.database_url) as db:
        for name in OFFERED:
            row = db.execute(
                "insert into taxon (name, display_name, type) values (%(name)s, %(name)s, 'P') returning id",
                {"name": name},
            ).fetchone()
            bay.taxa[name] = row.id
        bay.db = db
        bay.do(ana, bay.ids[20:21], taxon=OFFERED[0])
        bay.do(ben, bay.ids[21:22], taxon=OFFERED[2])
        db.execute(
            "insert into preset_taxon (project_id, taxon_id, position) values (%s, %s, 1)",
            [bay.id, bay.taxa[OFFERED[1]]],
        )
    return bay


def test_recent_names_stand_before_preset_ones_the_projects_and_all(bay: SmallProject, open_bay: OpenBay) -> None:
    window = open_bay()
    window.tile(bay.ids[0]).click()
    window.page.keyboard.type("cow")
    offered = window.page.locator("#label-field-list")
    expect(offered.locator(".name-cut")).to_have_text(list(OFFERED))
    expect(offered.locator(".group")).to_have_text(["Recent", "Preset list", "In this project", "All taxa"])
    window.press("ArrowDown", "ArrowDown", "Enter")
    window.wait_until_sent()

    window.tile(bay.ids[1]).click()
    window.page.locator("#label-field").click()
    window.page.locator("#label-field").fill("cow")
    expect(offered.locator(".name-cut")).to_have_text([OFFERED[2], *OFFERED[:2], OFFERED[3]])
    offered.get_by_text(OFFERED[3]).click()
    window.page.get_by_role("button", name="Validate").click()

    window.reload()
    assert [window.label(k) for k in bay.ids[:2]] == [("V", OFFERED[2]), ("V", OFFERED[3])]
