// What was seen: painted in the window for 300 ms, of tiles, cells of cards and samples alike; and how the server hears
// of it, some at a time.

import { atEnd } from "./page_life.js";
import { postJson } from "./requests.js";

const LONG_MS = 300;
const LOOK_MS = 50;
const HALF = 0.5;
const REPORT_MS = 600;

export class SeenWatch {
  #watch;
  #inView = new Map(); // element -> since when it is painted there, null: not painted yet
  #decoding = new WeakSet(); // images
  #decoded = new WeakSet();
  #looking = null;

  // `seen(elements)` hears of each once; `scroller`: what they scroll in, if not the window.
  constructor(seen, scroller = null) {
    this.seen = seen;
    this.#watch = new IntersectionObserver((entries) => entries.forEach((entry) => this.#moved(entry)), { root: scroller, threshold: [0, HALF] });
    atEnd(() => this.clear());
  }

  observe(element) {
    this.#watch.observe(element);
  }

  // Nothing is watched any more.
  clear() {
    this.#watch.disconnect();
    this.#inView.clear();
    this.#rest();
  }

  isInView(element) {
    return this.#inView.has(element);
  }

  // What has no room to stand there by half counts where it fills half of it.
  #moved({ target, intersectionRatio, intersectionRect, rootBounds }) {
    const isShown = intersectionRatio >= HALF || (rootBounds && intersectionRect.height > rootBounds.height * HALF);
    if (!isShown) this.#inView.delete(target);
    else if (!this.#inView.has(target)) this.#inView.set(target, null);
    this.#looking ??= setInterval(() => this.#look(), LOOK_MS);
  }

  #rest() {
    clearInterval(this.#looking);
    this.#looking = null;
  }

  #look() {
    const now = performance.now();
    const isVisible = document.visibilityState === "visible";
    const seen = [];
    for (const [element, since] of this.#inView) {
      if (!isVisible || !this.#isPainted(element)) this.#inView.set(element, null);
      else if (since === null) this.#inView.set(element, now);
      else if (now - since >= LONG_MS) seen.push(element);
    }
    for (const element of seen) {
      this.#inView.delete(element);
      this.#watch.unobserve(element);
    }
    if (!this.#inView.size) this.#rest();
    if (seen.length) this.seen(seen);
  }

  // What is loaded is painted once it is decoded too. What says that there is no image is all there is to see.
  #isPainted(element) {
    const image = element.querySelector("img");
    if (!image) return true;
    if (!image.complete || !image.naturalWidth) return false;
    if (!this.#decoding.has(image)) this.#decode(image);
    return this.#decoded.has(image);
  }

  async #decode(image) {
    this.#decoding.add(image);
    try {
      await image.decode();
      this.#decoded.add(image);
    } catch {
      this.#decoding.delete(image); // another picture took its place meanwhile
    }
  }
}

export class SeenReports {
  #waiting = new Set(); // elements that the server has not heard of, or may not have
  #timer = null; // until the next report has its answer
  #stop = null;

  // `told(elements)`: the server has heard of them; `refused(error)`: it does not want to.
  constructor(url, { told = () => {}, refused = () => {} }) {
    Object.assign(this, { url, told, refused });
  }

  add(elements) {
    for (const element of elements) this.#waiting.add(element);
    this.#soon(REPORT_MS);
  }

  // What the server does not know yet, or may not, and is told by the caller from now on.
  take() {
    clearTimeout(this.#timer);
    this.#timer = null;
    this.#stop?.abort();
    const ids = idsOf(this.#waiting);
    this.#waiting.clear();
    return ids;
  }

  #soon(wait) {
    this.#timer ??= setTimeout(() => this.#report(), wait);
  }

  // What got no answer is said again with the next ones.
  async #report() {
    const elements = [...this.#waiting];
    const own = (this.#stop = new AbortController());
    try {
      await postJson(this.url, { ids: idsOf(elements) }, { signal: own.signal });
    } catch (error) {
      if (!own.signal.aborted) this.#failed(error);
      return;
    }
    for (const element of elements) this.#waiting.delete(element);
    this.#timer = null;
    if (this.#waiting.size) this.#soon(REPORT_MS);
    this.told(elements);
  }

  #failed(error) {
    this.#timer = null;
    if (error.passing || error.needsLogin) return this.#soon(4 * REPORT_MS);
    this.#waiting.clear();
    this.refused(error);
  }
}

const idsOf = (elements) => Array.from(elements, (element) => Number(element.dataset.id));
