// The large view while Alt is held: the image of the tile under the pointer or the cursor, with its facts. All at one
// scale, that of the tiles times MAGNIFIED, as far as the window has room. It takes no pointer and no key.

import { element } from "./html.js";
import { factsOf, ownFacts } from "./object_facts.js";
import { whileShown } from "./page_life.js";
import { inWords, roundDown } from "./scale_bar.js";

const MAGNIFIED = 4;
const MARGIN_PX = 12;
const FACTS_PX = 96; // room under the image
const BAR_PX = 140;

export class LargeView {
  #box = null;
  #tile = null;
  #abort = null;

  // `besides`: the nearest validated ones stand beside it. Without `facts` nothing tells what its label is.
  constructor(board, pointed, contrast, { besides = false, facts = true } = {}) {
    Object.assign(this, { project: board.dataset.project, pointed, contrast, board, besides, facts });
    const life = { signal: whileShown() };
    document.addEventListener("keydown", (event) => this.#down(event), life);
    document.addEventListener("keyup", (event) => event.key === "Alt" && this.#close(event), life);
    addEventListener("blur", () => this.#close(), life);
    document.addEventListener("pointermove", () => this.#box && this.#follow(), life);
  }

  // AltGr types signs, and Alt with another key is the browser's.
  #down(event) {
    if (event.key !== "Alt") return this.#close();
    if (event.ctrlKey || event.metaKey || event.shiftKey || document.querySelector("[popover]:popover-open")) return;
    if (event.repeat) return this.#box && event.preventDefault();
    this.#open();
    // Alone, Alt would open the browser's menu when it is let go.
    if (this.#box) event.preventDefault();
  }

  #open() {
    const { tile } = this.pointed;
    if (!tile) return;
    this.#box = this.board.appendChild(element("div", { className: "large-view", inert: true }));
    this.#show(tile);
  }

  #follow() {
    const { tile } = this.pointed;
    if (tile && tile !== this.#tile) this.#show(tile);
  }

  #close(event) {
    if (!this.#box) return;
    event?.preventDefault();
    this.#abort?.abort();
    this.#box.remove();
    this.#box = this.#tile = null;
  }

  #show(tile) {
    this.#tile = tile;
    this.#abort?.abort();
    this.#abort = new AbortController();
    const facts = element("div", { className: "facts" }, ownFacts(tile));
    this.#box.replaceChildren(this.#picture(tile), facts);
    this.#place(tile);
    this.#addFacts(tile, facts, this.#abort.signal);
  }

  async #addFacts(tile, facts, signal) {
    try {
      const more = await factsOf(tile, signal);
      if (more.facts && this.facts) facts.append(more.facts);
      if (this.besides && more.neighbours) facts.append(element("div", { className: "beside" }, ...more.neighbours.children));
      if (this.#tile === tile) this.#place(tile);
    } catch {
      // What the tile says of itself is there; more could not be had now.
    }
  }

  #picture(tile) {
    const small = tile.querySelector(".picture > img:not([hidden])");
    if (!tile.dataset.hash || !small) return element("p", { className: "no-image" }, "no image");
    const width = Number(small.getAttribute("width")) || small.clientWidth;
    const height = Number(small.getAttribute("height")) || small.clientHeight;
    const shrunk = shrinkOf(tile);
    const room = { x: innerWidth - 4 * MARGIN_PX, y: innerHeight - 4 * MARGIN_PX - FACTS_PX };
    const times = Math.min(MAGNIFIED * shrunk, room.x / width, room.y / height);
    const source = `/projects/${this.project}/images/${tile.dataset.hash}`;
    const image = element("img", { src: `${source}?as=png`, alt: "", width: Math.round(width * times), height: Math.round(height * times) });
    image.addEventListener("error", (event) => event.stopPropagation(), { once: true });
    // Until the original is here, its thumbnail stands in at the same size.
    if (small.src) image.style.setProperty("background-image", `url("${small.currentSrc || small.src}")`);
    image.style.setProperty("--stretch", small.style.getPropertyValue("--stretch"));
    image.addEventListener("load", () => this.contrast.stretched && this.contrast.measure(image), { once: true });
    const frame = element("div", { className: "large-picture" }, image);
    const bar = this.#bar(tile, times);
    if (bar) frame.append(bar);
    const less = (MAGNIFIED * shrunk) / times;
    if (less > 1.05) frame.append(element("span", { className: "large-shrunk" }, `÷${less.toFixed(1)}`));
    return frame;
  }

  // The tile's own bar says how long a micrometre is.
  #bar(tile, times) {
    const bar = tile.querySelector("svg.scale");
    const um = umOf(tile.querySelector(".scale-label")?.textContent ?? "");
    if (!bar || !um) return null;
    const umPerPx = um / Number(bar.getAttribute("width")) / times;
    const length = roundDown(umPerPx * BAR_PX);
    const made = element("div", { className: "zoom-scale" }, inWords(length));
    made.style.width = `${length / umPerPx}px`;
    return made;
  }

  #place(tile) {
    const [at, own] = [tile.getBoundingClientRect(), this.#box.getBoundingClientRect()];
    const keep = (start, length, room) => Math.max(MARGIN_PX, Math.min(start, room - length - MARGIN_PX));
    this.#box.style.left = `${keep(at.left + at.width / 2 - own.width / 2, own.width, innerWidth)}px`;
    this.#box.style.top = `${keep(at.top + at.height / 2 - own.height / 2, own.height, innerHeight)}px`;
  }
}

// How many times smaller than the others a tile is shown.
const shrinkOf = (tile) => {
  const sign = [...tile.querySelectorAll(".signs > span")].find((each) => each.textContent.startsWith("÷"));
  return sign ? Number(sign.textContent.slice(1)) : 1;
};

const UM = { nm: 0.001, µm: 1, mm: 1000, m: 1_000_000 };

const umOf = (label) => {
  const [length, unit] = label.trim().split(" ");
  return Number(length) * (UM[unit] ?? Number.NaN) || null;
};
