// The page in hand: fetched and shown with its marks and its line as they were kept, and left once it is done.
// Emits "shown".

import { Atlases } from "./atlas.js";
import { Kept } from "./batch_kept.js";
import { BoundaryLine } from "./batch_line.js";
import { Marks } from "./batch_marks.js";
import { fetchAhead, useAhead } from "./batch_pictures.js";
import { Reservation } from "./batch_reservation.js";
import { Seen } from "./batch_seen.js";
import { PageSize } from "./batch_size.js";
import { parseFragment } from "./html.js";
import { getHtml } from "./requests.js";
import { tidyStacks } from "./stacks.js";

const RETRY_MS = 2000;

export class Page extends EventTarget {
  #turn = 0;
  #retry = null;
  #opened = {}; // marks as the page opened
  #isArranged = false; // whether its tiles were put in another order

  constructor(root, { size }) {
    super();
    const { list, selection, dataset } = root;
    this.root = root;
    this.list = list;
    this.selection = selection;
    this.address = `/projects/${dataset.project}/batches/${dataset.batch}/page`;
    this.reservation = new Reservation(root);
    const answered = () => this.reservation.renew();
    this.marks = new Marks(selection);
    this.line = new BoundaryLine(list, selection, this.marks);
    this.seen = new Seen(list, answered);
    this.kept = new Kept(dataset.batch, dataset.account, answered);
    this.size = new PageSize(list, dataset.batch, () => size.scale, JSON.parse(dataset.coming), { isCaptioned: !("hidden" in dataset) });
    this.atlases = new Atlases(list, dataset.project);
    this.below = root.querySelector(".below");
    this.number = null;
    this.marks.addEventListener("change", () => this.#changed());
    this.line.addEventListener("moved", () => this.#changed());
    root.querySelector(".failed button").addEventListener("click", () => this.load());
    addEventListener("shoal:session-back", () => !this.isReady && this.load());
  }

  // Whether there is a page to be worked on.
  get isReady() {
    return this.number !== null;
  }

  get url() {
    return `${this.root.url}/page/${this.number}`;
  }

  // What an act on it says, and what comes of it, is on its way: nothing more is done on it.
  leave() {
    this.#turn += 1;
    this.kept.forget();
    this.number = null;
    this.list.classList.add("leaving");
    this.list.ariaBusy = "true";
  }

  async load() {
    const turn = (this.#turn += 1);
    clearTimeout(this.#retry);
    this.#fail(null);
    try {
      this.n = this.size.ask();
      const html = await getHtml(`${this.address}?n=${this.n}`);
      if (turn === this.#turn) this.#show(parseFragment(html));
    } catch (error) {
      if (turn !== this.#turn) return;
      this.#fail(error);
      if (error.passing) this.#retry = setTimeout(() => this.load(), RETRY_MS);
    }
  }

  // What the server says of the batch now, with the page left as it is.
  async tell(then) {
    const turn = this.#turn;
    try {
      const told = parseFragment(await getHtml(`${this.address}?n=${this.n}`));
      const { number } = JSON.parse(told.querySelector("script[data-page]").textContent);
      if (turn === this.#turn && number === this.number) then(told);
    } catch {
      // The next act, or the next page, says it.
    }
  }

  #fail(error) {
    const failed = this.root.querySelector(".failed");
    failed.hidden = !error;
    if (error) failed.querySelector("span").textContent = `The next objects could not be loaded. ${error.message}`;
  }

  #show(told) {
    const page = JSON.parse(told.querySelector("script[data-page]").textContent);
    const section = document.adoptNode(told.querySelector(".tiles"));
    this.waiting = this.kept.waiting(page.number); // before what is shown now writes over it
    this.seen.close();
    this.#replace(section);
    this.number = this.root.canWork ? page.number : null;
    this.#open(page, section);
    this.dispatchEvent(new CustomEvent("shown", { detail: { page, told } }));
    // Once its own pictures are there, the next page's are fetched.
    section.addEventListener("shoal:pictures", () => fetchAhead(page.next_atlas), { once: true });
    if (!section.dataset.atlas) fetchAhead(page.next_atlas);
  }

  #replace(section) {
    this.selection.leaveCursor();
    this.selection.clear();
    for (const former of this.list.querySelectorAll(":scope > .tiles")) former.remove();
    useAhead(section);
    this.atlases.add(section, { first: true });
    this.list.prepend(section);
    this.list.scrollTop = 0;
    this.list.classList.remove("leaving");
    this.list.ariaBusy = null;
  }

  #open(page, section) {
    const { waiting } = this;
    this.#isArranged = Boolean(waiting?.order);
    this.#arrange(waiting?.order);
    const tiles = this.selection.shown();
    this.page = page;
    this.#opened = page.marks;
    const ended = this.below.querySelector("#ended");
    ended.hidden = tiles.length > 0;
    ended.className = tiles.length ? "" : "empty"; // it takes the tiles' place
    for (const tile of tiles) writeChance(tile, page.chances[tile.dataset.id]);
    section.toggleAttribute("data-one", tiles.length === 1);
    tidyStacks(section);
    if (tiles.length) this.size.keep(page.coming);
    if (tiles.length && this.root.canWork) this.line.put(waiting?.line ?? page.line ?? 0);
    this.#sayLine();
    this.marks.open(waiting?.marks ?? page.marks);
    if (this.number === null) return;
    this.seen.open(`${this.url}/seen`, tiles, page.seen);
    this.kept.open({ url: this.url, number: this.number, read: () => this.#kept() });
    if (waiting) this.kept.changed();
    this.reservation.begin(page.kept_s);
  }

  // The marked come to the front, before the line, and what is not this to the end; stacks stay together.
  markedFirst() {
    const { marks, line } = this;
    const codes = marks.codes;
    const rank = (box) => [1, 0, 2][codes[tilesIn(box)[0].dataset.id]];
    const boxes = this.#boxes();
    const sorted = boxes.toSorted((a, b) => rank(a) - rank(b));
    this.#section.append(...sorted);
    line.put(sorted.filter((box) => rank(box) === 0).flatMap(tilesIn).length);
    this.#isArranged = true;
    this.list.scrollTop = 0;
    this.#changed();
    this.kept.flush();
  }

  get #section() {
    return this.list.querySelector(":scope > .tiles");
  }

  // What stands in the flow: tiles, and stacks whole.
  #boxes() {
    return [...new Set(this.selection.shown().map((tile) => tile.closest(".stacked") ?? tile))];
  }

  // As it was kept in this browser.
  #arrange(order) {
    if (!order) return;
    const place = new Map(order.map((id, k) => [String(id), k]));
    const at = (box) => place.get(tilesIn(box)[0].dataset.id) ?? order.length;
    this.#section.append(...this.#boxes().toSorted((a, b) => at(a) - at(b)));
  }

  // Marks, line and order of the page in hand, to come back to.
  get state() {
    return { number: this.number, marks: this.marks.codes, line: this.line.at, order: this.selection.shown().map((tile) => tile.dataset.id) };
  }

  bringBack({ marks, line, order }) {
    this.#arrange(order);
    this.line.put(Math.min(line, order.length));
    this.marks.open(marks);
    this.#changed();
  }

  #kept() {
    const order = this.#isArranged ? { order: this.selection.shown().map((tile) => Number(tile.dataset.id)) } : {};
    return { marks: this.marks.codes, line: this.line.at, ...order };
  }

  #changed() {
    this.kept.changed();
    if (this.page) this.#sayLine();
  }

  #sayLine() {
    const { line, line_words: words } = this.page;
    const isMoved = this.line.at !== (line ?? 0) || !words;
    this.line.say(isMoved ? `${this.line.at} before the line` : words);
  }

  // What share of it was marked otherwise than it had opened.
  get corrected() {
    const now = Object.entries(this.marks.codes);
    const n = now.filter(([id, mark]) => mark !== (this.#opened[id] ?? 0)).length;
    return now.length ? Math.min(n, this.page.line === null ? now.length - n : n) / now.length : 0;
  }
}

const tilesIn = (box) => (box.matches(".stacked") ? [...box.querySelectorAll(".tile:not([hidden])")] : [box]);

// The one number of a tile: a distance beside chances would be taken for one.
const writeChance = (tile, chance) => {
  const caption = tile.querySelector(".caption");
  const written = caption.querySelector(".figure");
  if (chance === undefined || chance === null) return written?.remove();
  const figure = written ?? caption.appendChild(document.createElement("span"));
  figure.className = "figure";
  figure.title = `calibrated chance of the same label: ${chance.toFixed(3)}`;
  figure.textContent = chance.toFixed(2);
};
