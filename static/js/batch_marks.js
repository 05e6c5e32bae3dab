// What is marked, passed over and not this on the page in hand. The marked are the selection: clicks, ranges, bands and
// keys choose them as on a board. Emits "change".

import { openMixed, withStack } from "./stacks.js";

export const [PASSED, MARKED, NOT_THIS] = [0, 1, 2];

export class Marks extends EventTarget {
  #notThis = new Set();

  constructor(selection) {
    super();
    this.selection = selection;
    selection.addEventListener("change", () => this.#tidy());
  }

  // In the order of the page.
  get marked() {
    return this.selection.shown().filter((tile) => this.selection.has(tile));
  }

  get notThis() {
    return this.selection.shown().filter((tile) => this.#notThis.has(tile));
  }

  get counts() {
    const shown = this.selection.shown();
    const [marked, notThis] = [this.marked.length, this.notThis.length];
    return { marked, notThis, passed: shown.length - marked - notThis };
  }

  // By id, as the server keeps them.
  get codes() {
    const codes = {};
    for (const tile of this.selection.shown()) codes[tile.dataset.id] = this.#codeOf(tile);
    return codes;
  }

  // A new page with the marks that were kept of it.
  open(codes) {
    for (const tile of this.#notThis) this.#refuse(tile, false);
    this.selection.clear();
    const shown = this.selection.shown();
    openMixed(this.selection.list, (tile) => codes[tile.dataset.id] ?? PASSED);
    for (const tile of shown) if (codes[tile.dataset.id] === NOT_THIS) this.#refuse(tile, true);
    this.selection.replace(shown.filter((tile) => codes[tile.dataset.id] === MARKED));
  }

  #codeOf(tile) {
    if (this.selection.has(tile)) return MARKED;
    return this.#notThis.has(tile) ? NOT_THIS : PASSED;
  }

  toggleNotThis(tile) {
    const on = !this.#notThis.has(tile);
    for (const each of withStack(tile)) this.#refuse(each, on);
    this.selection.drop([tile]);
    this.selection.moveCursor(tile);
  }

  // Without those that were said not to be this.
  set(tiles, on) {
    const those = new Set(tiles.filter((tile) => !this.#notThis.has(tile)));
    const others = this.selection.tiles.filter((tile) => !those.has(tile));
    this.selection.replace(on ? [...others, ...those] : others);
  }

  all() {
    const free = this.selection.shown().filter((tile) => !this.#notThis.has(tile));
    this.selection.replace(free.every((tile) => this.selection.has(tile)) ? [] : free);
  }

  invert() {
    const { selection } = this;
    selection.replace(selection.shown().filter((tile) => this.#codeOf(tile) === PASSED));
  }

  // What is neither marked nor refused is not this; again, and it is passed over.
  restNotThis() {
    const shown = this.selection.shown();
    const passed = shown.filter((tile) => this.#codeOf(tile) === PASSED);
    const [tiles, on] = passed.length ? [passed, true] : [this.notThis, false];
    for (const tile of tiles) this.#refuse(tile, on);
    this.dispatchEvent(new Event("change"));
  }

  #refuse(tile, on) {
    tile.classList.toggle("not-this", on);
    if (on) this.#notThis.add(tile);
    else this.#notThis.delete(tile);
  }

  // A tile that is marked after all is this; those that have left are nothing any more.
  #tidy() {
    for (const tile of this.#notThis) if (this.selection.has(tile) || tile.hidden || !tile.isConnected) this.#refuse(tile, false);
    this.dispatchEvent(new Event("change"));
  }
}
