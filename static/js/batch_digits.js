// What the digits are for, said in the panel and in the strip: what the brush paints, one tile, what is marked, or nothing.

import { thousands } from "./html.js";

// Gestures after which the digits may be for what is marked again.
const OWN = new Set(["clear", "toggle", "all", "line", "invertMarks", "markedFirst", "apply", "applyDubious", "pass"]);

export class Digits {
  #after = null; // what pointed at the tile that a digit labelled last: "pointer" or "cursor"

  constructor(root, { pointed, marks, isBrushing }) {
    Object.assign(this, { root, pointed, marks, isBrushing });
    this.does = root.querySelector("#digits-do");
    this.words = root.querySelector("#digits-mean");
    // A hand that leaves the tiles; a toast that comes to lie under it is no gesture.
    document.addEventListener("pointermove", ({ target }) => {
      if (target.closest?.("#tiles")) this.say();
      else if (this.#after && !target.closest?.("#toasts")) this.forget();
    });
  }

  // {kind, tile}. After a digit for one tile the next one is for one tile too, or for nothing.
  get meant() {
    if (this.isBrushing()) return { kind: "brush" };
    const tile = this.#after === "pointer" ? this.pointed.underPointer : this.pointed.tile;
    if (tile) return { kind: "one", tile };
    return { kind: this.#after ? "nothing" : "marked" };
  }

  // A digit labels this tile.
  labels(tile) {
    this.#after = this.pointed.underPointer === tile ? "pointer" : "cursor";
    if (this.#after === "cursor") this.pointed.useCursor();
  }

  heard(command) {
    if (OWN.has(command)) this.forget();
    else if (command === "step" && this.#after) this.#after = "cursor";
  }

  forget() {
    this.#after = null;
    this.say();
  }

  say() {
    const { kind } = this.meant;
    const { marked } = this.marks.counts;
    const many = marked ? `the ${thousands(marked)} marked` : "what is marked";
    const [does, words, short] = {
      brush: ["choose", "what the brush paints", "choose the brush's taxon"],
      one: ["label", "one tile alone", "label this tile"],
      marked: ["label", marked ? many : "the tile under the pointer or the cursor", marked ? `label ${many}` : "label one tile"],
      nothing: ["label", `nothing: no tile is under the pointer or the cursor; after Esc ${many}`, "label nothing now"],
    }[kind];
    write(this.does, does);
    write(this.words, words);
    write(this.root.querySelector('#strip [data-of="slot"]')?.lastChild, ` ${short}`);
  }
}

const write = (place, words) => {
  if (place && place.textContent !== words) place.textContent = words;
};
