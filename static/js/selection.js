// Which tiles are selected, and where the keyboard's cursor stands.
//
// The tiles themselves hold the selection (aria-selected), in the order of the page; this keeps the order in which they
// were chosen, the anchor of ranges, and the cursor. Emits "change".

import { boxOf, headsOf, withStack } from "./stacks.js";

export class Selection extends EventTarget {
  #chosen = new Set();
  #anchor = null;
  #cursor = null;
  #beforeRange = new Set();

  constructor(list) {
    super();
    this.list = list;
  }

  get tiles() {
    return [...this.#chosen];
  }

  get size() {
    return this.#chosen.size;
  }

  get last() {
    let last = null;
    for (const tile of this.#chosen) last = tile;
    return last;
  }

  get cursor() {
    return this.#cursor?.isConnected && !this.#cursor.hidden ? this.#cursor : null;
  }

  has(tile) {
    return this.#chosen.has(tile);
  }

  shown() {
    return [...this.list.querySelectorAll(".tile:not([hidden])")];
  }

  // What the cursor goes over.
  #steps() {
    return this.#hasStacks ? headsOf(this.shown()) : this.shown();
  }

  get #hasStacks() {
    return this.list.querySelector(".stacked") !== null;
  }

  // With all that stands with them.
  #whole(tiles) {
    return this.#hasStacks ? [...tiles].flatMap(withStack) : tiles;
  }

  #set(tile, on) {
    tile.setAttribute("aria-selected", String(on));
    if (on) this.#chosen.add(tile);
    else this.#chosen.delete(tile);
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }

  toggle(tile) {
    const on = !this.has(tile);
    for (const each of withStack(tile)) this.#set(each, on);
    this.#anchorAt(tile);
    this.#changed();
  }

  only(tile) {
    this.replace([tile]);
    this.#anchorAt(tile);
  }

  replace(tiles) {
    const wanted = new Set(this.#whole(tiles));
    for (const tile of this.#chosen) if (!wanted.has(tile)) tile.setAttribute("aria-selected", "false");
    for (const tile of wanted) if (!this.#chosen.has(tile)) tile.setAttribute("aria-selected", "true");
    this.#chosen = wanted;
    this.#changed();
  }

  drop(tiles) {
    for (const tile of this.#whole(tiles)) {
      this.#set(tile, false);
      this.#beforeRange.delete(tile);
      if (tile === this.#anchor) this.#anchor = null;
    }
    this.#changed();
  }

  clear() {
    this.replace([]);
    this.#anchor = null;
  }

  all() {
    this.replace(this.shown());
  }

  // From the anchor to `tile`, beside what was selected before the range began: a range can grow and shrink again.
  rangeTo(tile) {
    if (!this.#hasAnchor) return this.toggle(tile);
    const tiles = this.shown();
    const [from, to] = [tiles.indexOf(this.#anchor), tiles.indexOf(tile)].sort((a, b) => a - b);
    const before = [...this.#beforeRange].filter((other) => !other.hidden);
    this.moveCursor(tile);
    this.replace([...before, ...tiles.slice(from, to + 1)]);
  }

  // One that was labelled and has left the page is none: a range would reach from the page's beginning.
  get #hasAnchor() {
    return Boolean(this.#anchor?.isConnected && !this.#anchor.hidden);
  }

  #anchorAt(tile) {
    this.moveCursor(tile);
    this.#anchor = tile;
    this.#beforeRange = new Set(this.#chosen);
  }

  moveCursor(tile, { scroll = false } = {}) {
    this.#cursor?.classList.remove("cursor");
    this.#cursor = withStack(tile)[0] ?? tile;
    this.#cursor.classList.add("cursor");
    this.list.setAttribute("aria-activedescendant", this.#cursor.id);
    if (scroll) boxOf(this.#cursor).scrollIntoView({ block: "nearest" });
  }

  leaveCursor() {
    this.#cursor?.classList.remove("cursor");
    this.#cursor = null;
    this.list.removeAttribute("aria-activedescendant");
  }

  // Where the cursor's tile has left the page, the next one that is shown takes the cursor over.
  keepPlace() {
    const left = this.#cursor;
    if (!left?.isConnected || !left.hidden) return;
    const tiles = this.#steps();
    const follows = (tile) => left.compareDocumentPosition(tile) & Node.DOCUMENT_POSITION_FOLLOWING;
    const next = tiles.find(follows) ?? tiles.at(-1);
    if (next) this.moveCursor(next);
  }

  // After one tile was labelled by itself, the next one takes the cursor.
  moveOn(tile) {
    const tiles = this.#steps();
    const next = tiles[tiles.indexOf(tile) + 1] ?? tile;
    this.#anchorAt(next);
    this.moveCursor(next, { scroll: true });
  }

  // One step of an arrow key. With `extend`, the range from the anchor follows.
  step(direction, { extend = false } = {}) {
    const from = this.cursor;
    const target = from ? this.#neighbour(from, direction) : this.#firstInView();
    if (!target) return;
    if (extend && from) {
      if (!this.#hasAnchor) this.#anchorAt(from);
      this.rangeTo(target);
    } else {
      this.#anchorAt(target);
    }
    this.moveCursor(target, { scroll: true });
  }

  #firstInView() {
    const top = this.list.getBoundingClientRect().top;
    return this.shown().find((tile) => tile.getBoundingClientRect().bottom > top) ?? null;
  }

  #neighbour(tile, direction) {
    const tiles = this.#steps();
    const at = tiles.indexOf(tile);
    if (direction === "left") return tiles[at - 1];
    if (direction === "right") return tiles[at + 1];
    return this.#inNextRow(tiles, at, direction === "down" ? 1 : -1);
  }

  // Tiles of a row share their lower edge; the one whose middle is nearest is straight above or below.
  #inNextRow(tiles, at, way) {
    const start = boxOf(tiles[at]).getBoundingClientRect();
    const middle = start.left + start.width / 2;
    let edge = null;
    let best = null;
    let nearest = Infinity;
    for (let i = at + way; i >= 0 && i < tiles.length; i += way) {
      const place = boxOf(tiles[i]).getBoundingClientRect();
      if (Math.abs(place.bottom - start.bottom) < 2) continue;
      edge ??= place.bottom;
      if (Math.abs(place.bottom - edge) > 2) break;
      const off = Math.abs(place.left + place.width / 2 - middle);
      if (off < nearest) [nearest, best] = [off, tiles[i]];
    }
    return best;
  }
}
