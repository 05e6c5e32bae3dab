// The boundary line: what stands before it was marked by it. Moved by a row or a tile, and dragged.

import { element } from "./html.js";
import { areTogether, boxOf } from "./stacks.js";

const SAME_ROW_PX = 2;

export class BoundaryLine extends EventTarget {
  #drag = null; // the index that the pointer says

  constructor(list, selection, marks) {
    super();
    Object.assign(this, { list, selection, marks });
    this.words = element("span");
    // Keys and the panel's buttons do the same: for assistive technology the panel says where it stands.
    this.root = element("div", { className: "boundary", "aria-hidden": "true", title: "Drag: what stands before it is marked" }, this.words);
    // What is seen of it while it is dragged: it keeps its own place, so that the tiles stand still.
    this.ghost = element("div", { className: "boundary dragged", "aria-hidden": "true" }, element("span"));
    // The row before it stands at the left, as a last row does.
    this.rest = element("div", { className: "row-rest", "aria-hidden": "true" });
    this.root.addEventListener("pointerdown", (event) => this.#press(event));
    this.root.addEventListener("pointermove", (event) => this.#drag !== null && this.#follow(event));
    for (const name of ["pointerup", "pointercancel"]) this.root.addEventListener(name, (event) => this.#release(event));
  }

  // How many shown tiles stand before it.
  get at() {
    return this.selection.shown().filter((tile) => this.root.compareDocumentPosition(tile) & Node.DOCUMENT_POSITION_PRECEDING).length;
  }

  say(words) {
    this.words.textContent = words;
  }

  // Puts it, and marks nothing: as it was kept.
  put(at) {
    const shown = this.selection.shown();
    if (at < shown.length) (shown[at].closest(".stacked") ?? shown[at]).before(this.rest, this.root);
    else this.list.querySelector(":scope > .tiles").append(this.rest, this.root);
  }

  // One step: `by` a row or a tile, `way` -1 or 1.
  move(by, way) {
    const at = this.at;
    this.#moveTo(by === "row" ? this.#rowEnd(at, way) : at + way);
    this.root.scrollIntoView({ block: "nearest" });
  }

  #moveTo(wanted) {
    const shown = this.selection.shown();
    const from = this.at;
    let to = Math.min(Math.max(wanted, 0), shown.length);
    while (areTogether(shown[to - 1], shown[to])) to += to > from ? 1 : -1;
    if (from === to) return;
    this.put(to);
    this.marks.set(shown.slice(Math.min(from, to), Math.max(from, to)), to > from);
    this.dispatchEvent(new Event("moved"));
  }

  // The line breaks the flow, so that rows end and begin at it.
  #rowEnd(at, way) {
    const shown = this.selection.shown();
    const step = way > 0 ? 1 : -1;
    let k = way > 0 ? at : at - 1;
    const bottom = (tile) => boxOf(tile).getBoundingClientRect().bottom;
    const edge = shown[k] && bottom(shown[k]);
    while (shown[k] && Math.abs(bottom(shown[k]) - edge) < SAME_ROW_PX) k += step;
    return way > 0 ? k : k + 1;
  }

  #press(event) {
    if (event.button !== 0) return;
    event.preventDefault();
    event.stopPropagation();
    this.root.setPointerCapture(event.pointerId);
    this.#drag = this.at;
  }

  #follow(event) {
    event.stopPropagation();
    const frame = this.list.getBoundingClientRect();
    this.#drag = this.#indexAt(event.clientX, event.clientY);
    this.root.classList.add("lifted");
    this.ghost.style.insetBlockStart = `${event.clientY - frame.top + this.list.scrollTop}px`;
    this.ghost.firstChild.textContent = `${this.#drag} before the line`;
    if (!this.ghost.isConnected) this.list.append(this.ghost);
  }

  #indexAt(x, y) {
    const places = this.selection.shown().map((tile) => boxOf(tile).getBoundingClientRect());
    const row = places.find((place) => place.bottom > y)?.bottom;
    if (row === undefined) return places.length;
    const isBefore = (place) => place.bottom < row - SAME_ROW_PX || (Math.abs(place.bottom - row) < SAME_ROW_PX && place.left + place.width / 2 < x);
    return places.filter(isBefore).length;
  }

  #release(event) {
    if (this.#drag === null) return;
    const [to, wasDragged] = [this.#drag, this.ghost.isConnected];
    this.#drag = null;
    this.root.classList.remove("lifted");
    this.ghost.remove();
    if (wasDragged && event.type === "pointerup") this.#moveTo(to);
  }
}
