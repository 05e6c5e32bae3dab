// Which tiles were seen: painted in the window for 300 ms. Reported per object, some at a time. Emits "seen".

import { postJson } from "./requests.js";

const LONG_MS = 300;
const LOOK_MS = 50;
const REPORT_MS = 600;
const HALF = 0.5;

export class Seen extends EventTarget {
  #watch;
  #inView = new Map(); // tile -> since when it is painted there, null: not painted yet
  #seen = new Set();
  #unreported = new Set();
  #painted = new WeakSet();
  #looking = null;
  #timer = null;
  #stop = null;
  #url = null;

  // `answered`: the server has heard of it.
  constructor(list, answered) {
    super();
    this.list = list;
    this.answered = answered;
    this.#watch = new IntersectionObserver((entries) => entries.forEach((entry) => this.#moved(entry)), { root: list, threshold: [0, HALF] });
    list.addEventListener("shoal:pictures", ({ detail }) => detail.forEach((image) => this.#awaitPaint(image)));
  }

  // A new page: `url` hears what is seen of it, `known` are ids that were seen before.
  open(url, tiles, known) {
    this.close();
    this.#url = url;
    const before = new Set(known);
    for (const tile of tiles) {
      if (before.has(Number(tile.dataset.id))) this.#seen.add(tile);
      else this.#watch.observe(tile);
      if (!tile.dataset.hash) this.#painted.add(tile); // what it says in the image's place is all there is to see
    }
  }

  close() {
    this.#watch.disconnect();
    clearInterval(this.#looking);
    clearTimeout(this.#timer);
    this.#stop?.abort();
    this.#looking = this.#timer = null;
    this.#inView.clear();
    this.#seen.clear();
    this.#unreported.clear();
  }

  has(tile) {
    return this.#seen.has(tile);
  }

  isInView(tile) {
    return this.#inView.has(tile);
  }

  // What the server does not know yet, or may not, and is told by the caller from now on.
  takeUnreported() {
    clearTimeout(this.#timer);
    this.#stop?.abort();
    const ids = [...this.#unreported].map((tile) => Number(tile.dataset.id));
    this.#unreported.clear();
    return ids;
  }

  async #awaitPaint(image) {
    await image.decode().catch(() => {});
    const tile = image.closest(".tile");
    if (image.naturalWidth) this.#painted.add(tile);
  }

  #moved({ target: tile, intersectionRatio, intersectionRect, rootBounds }) {
    const isShown = intersectionRatio >= HALF || (rootBounds && intersectionRect.height > rootBounds.height * HALF);
    if (!isShown) this.#inView.delete(tile);
    else if (!this.#inView.has(tile)) this.#inView.set(tile, null);
    this.#looking ??= setInterval(() => this.#look(), LOOK_MS);
  }

  #look() {
    const now = performance.now();
    const isVisible = document.visibilityState === "visible";
    let n = 0;
    for (const [tile, since] of this.#inView) {
      if (this.#seen.has(tile)) continue;
      if (!isVisible || !this.#painted.has(tile)) this.#inView.set(tile, null);
      else if (since === null) this.#inView.set(tile, now);
      else if (now - since >= LONG_MS) {
        this.#seen.add(tile);
        this.#unreported.add(tile);
        n += 1;
      }
    }
    if (!n) return;
    this.#timer ??= setTimeout(() => this.#report(), REPORT_MS);
    this.dispatchEvent(new Event("seen"));
  }

  // What got no answer is said again with the next ones.
  async #report() {
    this.#timer = null;
    const tiles = [...this.#unreported];
    if (!tiles.length) return;
    const own = (this.#stop = new AbortController());
    try {
      await postJson(this.#url, { ids: tiles.map((tile) => Number(tile.dataset.id)) }, { signal: own.signal });
      for (const tile of tiles) this.#unreported.delete(tile);
      this.answered();
    } catch (error) {
      if (own.signal.aborted || !(error.passing || error.needsLogin)) return;
      this.#timer ??= setTimeout(() => this.#report(), 4 * REPORT_MS);
    }
  }
}
