"""What a person waits for in a browser, at a slow network's distance: python -m tests.benchmarks.paint.

A real `shoal serve`, a real Chromium with 40 ms of delay on every request (and so, without encryption, no HTTP/2), as
many different pictures as a section needs twenty times over, and somebody who labels meanwhile.

- tiles_200_ms: from the click on a taxon, in the page, until the page that it leads to has 200 tiles, all of them in
  view, with their pictures decoded, and has painted twice. Every taxon is clicked once, so no picture was seen before,
  after a look at the page before; one page follows the other in the same document.
- singly_ms: the same page where each picture is asked for by itself.
- batch_200_ms: from the key that turns a batch's page until the next 200 tiles, whose pictures were fetched ahead as
  people look, are painted; batch_first_ms: the same for the first page, from the moment that its address is gone to.
- select_5000_ms: from the key (Ctrl+A) until 5,000 selected tiles are painted.
- fps: frames a second while 20,000 tiles scroll past at 3,000 pixels a second, in the slowest second and on average.
"""

import argparse
import json
import statistics
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import BrowserContext, Page, sync_playwright
from rich.console import Console
from rich.table import Table

from tests.benchmarks.generate import labelling_client
from tests.benchmarks.search import fresh_home
from tests.benchmarks.site import Site, serving
from tests.browser.conftest import FLAGS, find_chromium

DELAY_MS = 40
Clicks = list[dict[str, float]]
# A large screen, on which 200 tiles of the smaller size are in view at once.
LARGE = {"width": 2560, "height": 1440}
SIZE = 60
USUAL = {"width": 1440, "height": 900}
CLICKS = 9
LOOK_MS = 600  # the least that people need to see where they are, after one page and before the next click
TURNS = 8
SELECTIONS = 7
MOST_TILES = 20_000

# A clock that runs in the page. A click leads on in the same document, so what was there before it is told apart.
CLOCK = """
let clicked = 0, before = null, loaded = 0, swapped = 0;
addEventListener("click", () => {
  [clicked, before, loaded, swapped] = [performance.now(), document.getElementById("tiles"), 0, 0];
  performance.clearResourceTimings();
}, true);
const painted = (then) => requestAnimationFrame(() => requestAnimationFrame(() => then(performance.now())));
const arrived = (isIt) => {
  const entries = performance.getEntriesByType("resource");
  const found = entries.find(({ name, startTime }) => startTime > clicked && isIt(name));
  return (found?.responseEnd ?? clicked) - clicked;
};
const told = (tiles, images) => Promise.all(images.map((image) => image.decode())).then(() => painted((at) => {
  window.shown = {
    ms: at - clicked, html: arrived((name) => name === location.href), swapped: swapped - clicked,
    atlas: arrived((name) => name.includes("/atlas/")),
    in_view: tiles.filter((tile) => tile.getBoundingClientRect().bottom < innerHeight).length,
  };
}));
document.addEventListener("load", ({ target }) => {
  const list = document.getElementById("tiles");
  if (window.shown || list === before || target.tagName !== "IMG" || ++loaded < 200) return;
  const tiles = [...list.querySelectorAll(".tile")].slice(0, 200);
  const images = tiles.map((tile) => tile.querySelector("img"));
  if (images.every((image) => image.naturalWidth)) told(tiles, images, (before = list));
}, true);
new MutationObserver(() => {
  const list = document.getElementById("tiles");
  if (list && list !== before && !swapped) swapped = performance.now();
}).observe(document, { childList: true, subtree: true });
addEventListener("keydown", (event) => {
  const from = event.timeStamp;
  if (event.key === "a") painted((at) => (window.selected = at - from));
}, true);
"""
# The same for pages of a batch, which say when their pictures are set.
TURN_CLOCK = """
let turned = 0;
addEventListener("keydown", ({ key }) => key === "\\\\" && ([turned, window.turned] = [performance.now(), null]), true);
addEventListener("shoal:pictures", ({ detail: images }) => {
  Promise.all(images.map((image) => image.decode())).then(() => painted((at) => {
    const in_view = images.filter((image) => image.getBoundingClientRect().bottom < innerHeight).length;
    window.turned = { ms: at - turned, n: images.length, in_view };
  }));
});
"""
# The atlas does not come, so the page asks for each thumbnail.
SINGLY = """
const plain = window.fetch;
window.fetch = (url, ...rest) =>
  String(url).includes("/atlas/") ? Promise.resolve(new Response("", { status: 404 })) : plain(url, ...rest);
"""
SCROLL = """async (pixels) => {
  const list = document.getElementById("tiles");
  const times = [];
  list.scrollTop = 0;
  await new Promise((done) => {
    let last = null;
    const step = (at) => {
      if (last !== null) { times.push(at - last); list.scrollTop += (pixels * (at - last)) / 1000; }
      last = at;
      if (list.scrollTop + list.clientHeight < list.scrollHeight - 2 && times.reduce((a, b) => a + b, 0) < 20000)
        requestAnimationFrame(step);
      else done();
    };
    requestAnimationFrame(step);
  });
  return times;
}"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--objects", type=int, default=20_000)
    parser.add_argument("--folder", type=Path, help="where the database is made; default: the temporary folder")
    given = parser.parse_args()
    with fresh_home(given.folder) as home, serving(home, given.objects, 64, pictures=4_000) as site:
        report(*measure(site))


def measure(site: Site) -> tuple[Clicks, Clicks, Clicks, list[float], list[float]]:
    with labelling_client(site.database_url, site.made, batch=100, pause_s=1.0):
        with browser(site, LARGE) as context:
            clicked = clicks(context, site)
        with browser(site, LARGE, SINGLY) as context:
            singly = clicks(context, site)
        with browser(site, LARGE, after=TURN_CLOCK) as context:
            turned = turns(context, site)
        with browser(site, USUAL) as context:
            selected, frames = long_board(context, site)
    return clicked, singly, turned, selected, frames


@contextmanager
def browser(site: Site, viewport: dict[str, int], script: str = "", after: str = "") -> Iterator[BrowserContext]:
    """A new browser, as empty as on a person's first day, in which the second account is logged in."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=find_chromium(), args=FLAGS)
        context = chromium.new_context(viewport=viewport, base_url=site.address)  # type: ignore[arg-type]
        name, token = site.cookie(site.made.accounts[1])
        context.add_cookies([{"name": name, "value": token, "url": site.address}])
        context.add_init_script(script + CLOCK + after)
        yield context
        chromium.close()


def delayed_page(context: BrowserContext) -> Page:
    page = context.new_page()
    network = {"offline": False, "latency": DELAY_MS, "downloadThroughput": -1, "uploadThroughput": -1}
    context.new_cdp_session(page).send("Network.emulateNetworkConditions", network)
    return page


def clicks(context: BrowserContext, site: Site) -> Clicks:
    """A click on one taxon after another; what came when, in ms since then."""
    page = delayed_page(context)
    page.goto(f"/projects/{site.made.id}?size={SIZE}")
    wait_for(page, "window.shown")
    orders = page.locator("#tree li[data-taxon-id]", has_text="Order")
    taxa = orders.evaluate_all("rows => rows.map(row => row.dataset.taxonId)")
    times = []
    for taxon in taxa[:CLICKS]:
        page.wait_for_timeout(LOOK_MS)
        page.evaluate("window.shown = null")
        page.locator(f'#tree li[data-taxon-id="{taxon}"] a').first.click()
        page.wait_for_url(f"**taxon={taxon}*")
        times.append(wait_for(page, "window.shown"))
    return times


def turns(context: BrowserContext, site: Site) -> Clicks:
    """The first page of a batch, and then one after the other; what came when, in ms since the key."""
    page = delayed_page(context)
    url, origin = f"/projects/{site.made.id}", {"origin": site.address}
    page.request.put(f"{url}/preferences", data={"size": SIZE}, headers=origin)
    wish = {"source": {"kind": "filter", "query": ""}, "limit": 200 * (TURNS + 3), "page": 200}
    made = page.request.post(f"/api/v1{url}/batches", data=wish, headers=origin).json()
    page.goto(f"{url}/batches/{made['id']}")
    times = [wait_for(page, "window.turned")]
    page.keyboard.press("\\")  # how many tiles fit is known since the first page
    wait_for(page, "window.turned")
    for _ in range(TURNS):
        page.wait_for_timeout(LOOK_MS)
        page.keyboard.press("\\")
        times.append(wait_for(page, "window.turned"))
    return times


def wait_for(page: Page, what: str, seconds: float = 60) -> dict[str, float]:
    """Playwright's own waiting evaluates text in the page, which our policy forbids."""
    for _ in range(int(seconds / 0.02)):
        if found := page.evaluate(what):
            return dict(found) if isinstance(found, dict) else {"ms": found}
        page.wait_for_timeout(20)
    raise SystemExit(f"The page did not come to {what} in {seconds} s.")


def long_board(context: BrowserContext, site: Site) -> tuple[list[float], list[float]]:
    """Times of selecting 5,000 tiles, and of each frame while all tiles scroll by."""
    page = delayed_page(context)
    page.goto(f"/projects/{site.made.id}")
    wait_for(page, "document.querySelector('#tiles .tile')?.id")
    load(page, 5_000)
    selected = []
    for _ in range(SELECTIONS):
        page.evaluate("window.selected = null")
        page.locator("#tiles").focus()
        page.keyboard.press("Control+a")
        selected.append(wait_for(page, "window.selected")["ms"])
        page.keyboard.press("Escape")
        page.wait_for_timeout(300)
    load(page, min(MOST_TILES, site.made.objects))
    return selected, page.evaluate(SCROLL, 3000)


def load(page: Page, n: int) -> None:
    """Scroll to the end until so many tiles are there."""
    while page.locator("#tiles .tile").count() < n:
        page.locator("#tiles").evaluate("list => list.scrollTo(0, list.scrollHeight)")
        page.wait_for_timeout(50)


def seconds_of(frames: list[float]) -> list[float]:
    """Frames in each whole second."""
    counts, passed, n = [], 0.0, 0
    for frame in frames:
        passed, n = passed + frame, n + 1
        if passed >= 1000:
            counts.append(1000 * n / passed)
            passed, n = 0.0, 0
    return counts


def report(clicked: Clicks, singly: Clicks, turned: Clicks, selected: list[float], frames: list[float]) -> None:
    table = Table("since the click, median ms", "at once", "singly")
    for key in ("html", "swapped", "atlas", "ms"):
        parts = [statistics.median([one[key] or 0 for one in way]) for way in (clicked, singly)]
        table.add_row(key, *(f"{part:.0f}" for part in parts))
    Console(width=100).print(table)
    ms, single_ms = (statistics.median([one["ms"] for one in way]) for way in (clicked, singly))
    counts = seconds_of(frames)
    print(
        json.dumps(
            {
                "tiles_200_ms": round(ms),
                "tiles_200_max_ms": round(max(one["ms"] for one in clicked)),
                "in_view": round(min(one["in_view"] for one in clicked)),
                "singly_ms": round(single_ms),
                "times_sooner": round(single_ms / ms, 1),
                "batch_200_ms": round(statistics.median([one["ms"] for one in turned[1:]])),
                "batch_200_max_ms": round(max(one["ms"] for one in turned[1:])),
                "batch_tiles": round(min(one["n"] for one in turned[1:])),
                "batch_first_ms": round(turned[0]["ms"]),
                "select_5000_ms": round(statistics.median(selected), 1),
                "fps": round(min(counts), 1),
                "fps_mean": round(1000 * len(frames) / sum(frames), 1),
            }
        )
    )


if __name__ == "__main__":
    main()
