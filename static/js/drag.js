// Drags tiles onto a taxon of the tree: a press on a selected tile takes the whole selection along; a tile that is not
// selected is taken alone once it was held a moment. Everywhere else a drag draws the rubber band.

import { count, element } from "./html.js";
import { atEnd, whileShown } from "./page_life.js";

const STARTS_AFTER_PX = 6;
const HELD_MS = 350;
const EDGE_PX = 30;

export class DragToTaxon {
  #press = null; // {tiles, x, y, held}: a press that may become a drag
  #tiles = null; // what is being dragged
  #row = null;
  #pointer = null;
  #isDubious = false; // as Shift was last told, by a move, a key or the release
  #ghost = null;

  // `drop(tiles, taxon, status)`; `opened(on)`: a drag begins or ends, so that a hidden tree can come and go;
  // `taken()`: a held tile is dragged, so the band must let go.
  constructor(list, selection, tree, { drop, opened, taken }) {
    Object.assign(this, { list, selection, tree, drop, opened, taken });
    list.addEventListener("pointerdown", (event) => this.#down(event));
    list.addEventListener("pointermove", (event) => this.#move(event));
    list.addEventListener("pointerup", (event) => this.#release(event));
    list.addEventListener("pointercancel", () => this.#end());
    for (const name of ["keydown", "keyup"]) document.addEventListener(name, (event) => this.#key(event), { capture: true, signal: whileShown() });
    atEnd(() => this.#end());
  }

  #down(event) {
    clearTimeout(this.#press?.timer);
    this.#press = null;
    const tile = event.target.closest(".tile");
    const plain = event.button === 0 && !event.ctrlKey && !event.metaKey;
    if (!tile || !plain || event.pointerType === "touch") return;
    const press = { x: event.clientX, y: event.clientY, id: event.pointerId, ready: this.selection.has(tile) };
    if (event.shiftKey && !press.ready) return; // a range or a band
    if (!press.ready) press.timer = setTimeout(() => this.#hold(press, tile), HELD_MS);
    press.tiles = press.ready ? this.selection.tiles : [tile];
    this.#press = press;
    this.#pointer = event;
  }

  // Held still: it is this tile that is meant, not a band.
  #hold(press, tile) {
    if (this.#press !== press) return;
    press.ready = true;
    tile.classList.add("held");
    this.taken();
  }

  #move(event) {
    this.#pointer = event;
    this.#isDubious = event.shiftKey;
    if (this.#tiles) return this.#follow();
    const press = this.#press;
    if (!press || Math.hypot(event.clientX - press.x, event.clientY - press.y) < STARTS_AFTER_PX) return;
    if (press.ready) this.#begin(press);
    else this.#forget();
  }

  #begin({ tiles, id }) {
    this.#tiles = tiles;
    this.list.setPointerCapture(id);
    this.#ghost = document.body.appendChild(element("div", { className: "drag-ghost", role: "status" }));
    document.body.classList.add("dragging-tiles");
    for (const tile of tiles) tile.classList.add("dragged");
    this.opened(true);
    this.#follow();
    this.#scrollAtEdges();
  }

  #follow() {
    const { clientX: x, clientY: y } = this.#pointer;
    Object.assign(this.#ghost.style, { left: `${x + 14}px`, top: `${y + 10}px` });
    const row = document.elementFromPoint(x, y)?.closest("li[data-taxon-id]:not(.deprecated)") ?? null;
    if (row !== this.#row) {
      this.#row?.classList.remove("drop-target");
      this.#row = row;
      row?.classList.add("drop-target");
      this.tree.openOnHover(row);
    }
    this.#say();
  }

  #say() {
    const objects = count(this.#tiles.length, this.tree.noun);
    const taxon = this.#row && this.#taxonOf(this.#row);
    this.#ghost.textContent = taxon ? `${objects} → ${taxon.display_name}${this.#isDubious ? ", dubious" : ""}` : objects;
  }

  #taxonOf(row) {
    const { id, display, italic } = this.tree.row(row.dataset.taxonId);
    return { id, display_name: display, italic };
  }

  #scrollAtEdges() {
    if (!this.#tiles) return;
    const { clientX: x, clientY: y } = this.#pointer;
    const frame = this.tree.root.getBoundingClientRect();
    if (x > frame.left && x < frame.right) {
      const above = frame.top + EDGE_PX - y;
      const below = y - (frame.bottom - EDGE_PX);
      const by = above > 0 ? -Math.min(above, EDGE_PX) : below > 0 ? Math.min(below, EDGE_PX) : 0;
      if (by) {
        this.tree.root.scrollTop += by / 3;
        this.#follow();
      }
    }
    requestAnimationFrame(() => this.#scrollAtEdges());
  }

  #release(event) {
    const [tiles, row] = [this.#tiles, this.#row];
    const taxon = row && this.#taxonOf(row);
    const status = event.shiftKey ? "D" : "V";
    this.#end();
    if (tiles && taxon) this.drop(tiles, taxon, status);
  }

  #key(event) {
    if (!this.#tiles) return;
    if (event.key === "Shift") {
      this.#isDubious = event.type === "keydown";
      this.#say();
    }
    if (event.code !== "Escape" || event.type !== "keydown") return;
    event.preventDefault();
    event.stopPropagation();
    this.#end();
  }

  #forget() {
    clearTimeout(this.#press?.timer);
    for (const tile of this.#press?.tiles ?? []) tile.classList.remove("held");
    this.#press = null;
  }

  #end() {
    this.#forget();
    if (!this.#tiles) return;
    for (const tile of this.#tiles) tile.classList.remove("dragged");
    this.#tiles = null;
    this.#row?.classList.remove("drop-target");
    this.#row = null;
    this.tree.openOnHover(null);
    this.#ghost.remove();
    document.body.classList.remove("dragging-tiles");
    this.opened(false);
    this.#swallowClick();
  }

  // The click that ends a drag is no click on a tile or on a row of the tree.
  #swallowClick() {
    const swallow = (event) => {
      event.preventDefault();
      event.stopPropagation();
    };
    document.addEventListener("click", swallow, { capture: true, once: true });
    setTimeout(() => document.removeEventListener("click", swallow, { capture: true }));
  }
}
