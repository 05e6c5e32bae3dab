"""axe-core finds nothing serious on any page, wide and narrow, light and dark; the pages come from the routes."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.browser.conftest import Person, Site
from tests.browser.content import Content, fill
from tests.browser.window import Window
from tests.small_projects import SmallProject
from tests.test_access import ADDRESSES

# Answers that no person opens as a page: parts of one, files, and data for scripts.
PARTS = {
    "/accounts/found", "/favicon.ico", "/find/offered", "/health", "/jobs/bar", "/static/{name:path}", "/taxa",
    "/projects/{project_id:int}/acts/{act_id:int}/undo",
    "/projects/{project_id:int}/atlas/{name:str}",
    "/projects/{project_id:int}/batches/{batch_id:int}/page",
    "/projects/{project_id:int}/batches/{batch_id:int}/proposals",
    "/projects/{project_id:int}/choices",
    "/projects/{project_id:int}/classifiers/columns",
    "/projects/{project_id:int}/classifiers/offered",
    "/projects/{project_id:int}/classifiers/{classifier_id:int}/confusion",
    "/projects/{project_id:int}/classifiers/{classifier_id:int}/progress",
    "/projects/{project_id:int}/crop/notice",
    "/projects/{project_id:int}/ecotaxa/progress",
    "/projects/{project_id:int}/edits/{edit_id:int}/progress",
    "/projects/{project_id:int}/edits/{edit_id:int}/undo",
    "/projects/{project_id:int}/disk/progress",
    "/projects/{project_id:int}/examples",
    "/projects/{project_id:int}/images/{hash:str}",
    "/projects/{project_id:int}/exports/list",
    "/projects/{project_id:int}/exports/{export_id:int}",
    "/projects/{project_id:int}/imports/{import_id:int}/faults.tsv",
    "/projects/{project_id:int}/learning-sets/new/comparison",
    "/projects/{project_id:int}/learning-sets/new/preview",
    "/projects/{project_id:int}/learning-sets/new/taxa",
    "/projects/{project_id:int}/learning-sets/{set_id:int}/exports/{export_id:int}",
    "/projects/{project_id:int}/learning-sets/{set_id:int}/progress",
    "/projects/{project_id:int}/members/found",
    "/projects/{project_id:int}/objects/{object_id:int}/brief",
    "/projects/{project_id:int}/predictions/notice",
    "/projects/{project_id:int}/predictions/progress",
    "/projects/{project_id:int}/presets/validated",
    "/projects/{project_id:int}/references",
    "/projects/{project_id:int}/references/offered",
    "/projects/{project_id:int}/reshapings",
    "/projects/{project_id:int}/spaces/notice",
    "/projects/{project_id:int}/spaces/progress",
    "/projects/{project_id:int}/start/brief",
    "/projects/{project_id:int}/start/ways",
    "/projects/{project_id:int}/statistics/{name:str}",
    "/projects/{project_id:int}/summaries/trial",
    "/projects/{project_id:int}/summaries/{export_id:int}/result",
    "/projects/{project_id:int}/thumbnails/{hash:str}",
    "/projects/{project_id:int}/tiles",
    "/projects/{project_id:int}/tree",
    "/projects/{project_id:int}/tuning",
    "/projects/{project_id:int}/tuning/notice",
    "/taxonomy/lists/{import_id:int}/progress",
    "/taxonomy/portable",
    "/taxonomy/waiting",
    "/taxonomy/{taxon_id:int}/merge",
    "/projects/{project_id:int}/undo-all",
}  # fmt: skip
PAGES = sorted(
    {
        address.path
        for address in ADDRESSES
        if address.method == "GET" and not address.path.startswith("/api/") and address.path not in PARTS
    }
)
# States of pages that no route stands for.
STATES = (
    "/no/such/page",
    "/jobs?status=failed",
    "/taxonomy?q=copopoda",
    "/taxonomy/{created_id}",
    "/taxonomy/{created_id}/merge?to={taxon_id}",
    "/projects/{project_id}?taxon={taxon_id}&status=V&f.area=1..9&who=999999",
    "/projects/{project_id}?sample=1",
    "/projects/{project_id}/samples?q=nothing",
    "/projects/{project_id}/alike?examples={object_id}",
    "/?q=nothing",
    "/projects/{project_id}/statistics?by=people",
    "/projects/{project_id}/statistics?by=samples",
    "/projects/{project_id}/statistics?by=days",
    "/projects/{project_id}/statistics?by=taken",
    "/find?q=a",
    "/find?q=nothing",
)

N_PARTS = 2
AXE = Axe()


@pytest.fixture
def content(site: Site, person: Callable[[str], Person], make_board: Callable[..., SmallProject]) -> Content:
    return fill(site, person, make_board)


def filled(path: str, content: Content) -> str:
    """A route's address with the parameters of something that is there."""
    return re.sub(r"\{(\w+)(:\w+)?\}", lambda found: str(content.parameters[found[1]]), path)


def faults_of(page: Page, rules: list[str]) -> list[str]:
    """What axe-core finds serious or critical by these rules (all where none are named), each with its place."""
    options = {"resultTypes": ["violations"]} | ({"runOnly": rules} if rules else {})
    if not page.evaluate("window.axe !== undefined"):
        page.evaluate(AXE.axe_script)
    found = page.evaluate("options => axe.run(options)", options)["violations"]
    return [
        f"{fault['id']} ({fault['impact']}): {node['html'][:160]} {said(node)}"
        for fault in found
        if fault["impact"] in ("serious", "critical")
        for node in fault["nodes"][:4]
    ]


def said(node: dict[str, Any]) -> str:
    return " ".join(node["any"][0]["message"].split()) if node["any"] else ""


def look_over(window: Window, url: str) -> list[str]:
    """One page wide and narrow, in light and dark; also that nothing makes it wider than its window."""
    page, faults = window.page, []
    page.set_viewport_size({"width": 1440, "height": 900})
    page.goto(url)
    page.wait_for_timeout(300)
    for width in (1440, 900):
        page.set_viewport_size({"width": width, "height": 900})
        # The dark theme changes colours and nothing else.
        for theme, rules in (("dark", ["color-contrast"]), ("light", [])):
            page.emulate_media(color_scheme=theme)
            faults += [f"{url}, {width}, {theme}: {fault}" for fault in faults_of(page, rules)]
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            faults.append(f"{url}: wider than the window of {width}")
    return faults


@pytest.mark.parametrize("part", range(N_PARTS))
def test_nothing_serious_is_found_on_any_page(content: Content, open_window: Callable[..., Window], part: int) -> None:
    known, anonymous = open_window(content.manager), open_window()
    known.forgive("status of 404")
    faults = []
    for path in (*PAGES, *STATES)[part::N_PARTS]:
        window = anonymous if path.startswith("/login") else known
        faults += look_over(window, filled(path, content))
    assert not faults, "\n".join(faults)
