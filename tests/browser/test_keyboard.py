"""Every control of the main pages is reached by Tab, shows that it has the focus, and Esc closes what is open."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Person, Site
from tests.browser.content import Content, fill
from tests.browser.test_axe import filled
from tests.browser.window import Window
from tests.small_projects import SmallProject

PAGES = (
    "/", "/help", "/jobs", "/jobs/{job_id}", "/taxonomy", "/taxonomy/{taxon_id}", "/me", "/accounts",
    "/projects/{project_id}", "/projects/{project_id}/samples", "/projects/{project_id}/samples/{sample_id}",
    "/projects/{project_id}/settings", "/projects/{project_id}/members", "/projects/{project_id}/acts",
    "/projects/{project_id}/import", "/projects/{project_id}/objects/{object_id}",
)  # fmt: skip

# What tells one control from the others, also after a part of the page was replaced by a newer one.
KEY = """(it) => [it.tagName, it.id, it.name, it.type, it.getAttribute("href"), it.getAttribute("aria-label"),
  it.dataset?.command ?? it.dataset?.themeChoice].join(" ")"""
# Controls that a person can see; of radio buttons with one name, Tab reaches one.
CONTROLS = f"""() => {{
  const key = {KEY};
  const seen = (it) => it.checkVisibility({{ visibilityProperty: true, opacityProperty: true }});
  const all = [...document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex]")];
  const radios = new Set();
  const controls = all.filter((it) => {{
    if (it.tabIndex < 0 || it.disabled || !seen(it) || it.type === "hidden") return false;
    if (it.type !== "radio") return true;
    const first = !radios.has(it.name);
    radios.add(it.name);
    return first;
  }});
  return controls.map(key);
}}"""
FOCUSED = f"""() => {{
  const it = document.activeElement;
  const style = getComputedStyle(it);
  const marked = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0;
  return {{ key: ({KEY})(it), marked }};
}}"""


@pytest.fixture
def content(site: Site, person: Callable[[str], Person], make_board: Callable[..., SmallProject]) -> Content:
    return fill(site, person, make_board)


def walk(window: Window, url: str) -> list[str]:
    """Presses Tab until it goes round; what it did not reach, or did not mark."""
    page = window.page
    page.goto(url)
    page.wait_for_timeout(400)
    controls = page.evaluate(CONTROLS)
    missed, faults = set(controls), []
    for _ in range(len(controls) + 10):
        page.keyboard.press("Tab")
        focused = page.evaluate(FOCUSED)
        if focused["key"] in missed and not focused["marked"]:
            faults.append(f"{url}: no mark of the focus on {focused['key']}")
        missed.discard(focused["key"])
        if not missed:
            break
    return faults + [f"{url}: Tab does not reach {key}" for key in missed]


def test_tab_reaches_every_control_and_shows_where_it_is(content: Content, open_window: Callable[..., Window]) -> None:
    window = open_window(content.manager)
    faults = [fault for path in PAGES for fault in walk(window, filled(path, content))]
    assert not faults, "\n".join(faults)


def test_the_first_tab_leads_past_the_header(content: Content, open_window: Callable[..., Window]) -> None:
    window = open_window(content.manager)
    window.page.goto("/jobs")
    window.press("Tab")
    expect(window.page.get_by_role("link", name="Skip to the content")).to_be_focused()
    window.press("Enter", "Tab")
    assert window.page.evaluate("document.getElementById('main').contains(document.activeElement)")


def test_the_menu_opens_by_key_and_esc_closes_it(content: Content, open_window: Callable[..., Window]) -> None:
    window = open_window(content.manager)
    window.page.goto("/jobs")
    menu = window.page.get_by_label("Account and looks")
    menu.focus()
    window.press("Enter")
    expect(window.page.get_by_role("link", name="Your account")).to_be_visible()
    window.press("Tab", "Escape")
    expect(window.page.get_by_role("link", name="Your account")).to_be_hidden()
    expect(menu).to_be_focused()


def test_esc_closes_the_sheets_of_the_board(content: Content, open_window: Callable[..., Window]) -> None:
    window = open_window(content.manager)
    window.open_board(content.project)
    window.press("?")
    expect(window.page.locator("#keys")).to_be_visible()
    expect(window.page.locator("#keys").get_by_role("link", name="Help")).to_be_visible()
    window.press("Escape")
    expect(window.page.locator("#keys")).to_be_hidden()
    window.page.get_by_role("button", name="+ filter").focus()
    window.press("Enter")
    expect(window.page.locator("#add-filter")).to_be_visible()
    window.press("Escape")
    expect(window.page.locator("#add-filter")).to_be_hidden()
