// <confusion-picture>: what a classifier takes for what, up to a thousand taxa: rows are what images are, columns what
// they were called. Drawn from its few full cells; it is zoomed, dragged, and gone through by arrows. A cell that is
// clicked, or entered, is told by the event "cell": {truth, predicted}.

import { middleCut, thousands } from "./html.js";
import { getJson } from "./requests.js";
import { whileShown } from "./page_life.js";
import { toast } from "./toasts.js";

const FEWEST = 6; // cells across, at the nearest
const NAMED_FROM_PX = 12; // cells that have room for their names
const OPENED_FROM_PX = 5; // smaller ones are zoomed at by a click
const STEP = 1.6;
const MOST_PX = 680;
const NAMES_PX = 150;
const DRAG_PX = 4;

class ConfusionPicture extends HTMLElement {
  #matrix = null;
  #view = { x: 0, y: 0, across: 1 }; // in cells: the upper left corner, and how many are seen across
  #cursor = null; // {row, column}
  #drag = null;

  connectedCallback() {
    this.canvas = this.querySelector("canvas");
    this.told = this.querySelector(".told");
    this.said = this.told.textContent;
    const { canvas } = this;
    canvas.addEventListener("pointermove", (event) => this.#move(event));
    canvas.addEventListener("pointerdown", (event) => this.#down(event));
    canvas.addEventListener("pointerup", (event) => this.#up(event));
    canvas.addEventListener("pointerleave", () => !this.#drag && this.#point(null));
    canvas.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    canvas.addEventListener("keydown", (event) => this.#key(event));
    canvas.addEventListener("focus", () => this.#begin());
    this.addEventListener("click", ({ target }) => this.#zoomButton(target.closest("[data-zoom]")));
    this.querySelector("[name=order]").addEventListener("change", ({ target }) => this.#arrange(target.value));
    this.querySelector("[name=taxon]").addEventListener("change", ({ target }) => this.#goTo(target.value));
    addEventListener("resize", () => this.#draw(), { signal: whileShown() });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#draw(), { signal: whileShown() });
    new MutationObserver(() => this.#draw()).observe(document.documentElement, { attributeFilter: ["data-theme"] });
    this.#load();
  }

  async #load() {
    try {
      this.#matrix = await getJson(this.dataset.url);
    } catch (error) {
      return toast(error.message, { kind: "bad" });
    }
    const { ids, cells } = this.#matrix;
    this.totals = new Array(ids.length).fill(0);
    this.counts = new Map();
    for (const [row, column, n] of cells) {
      this.totals[row] += n;
      this.counts.set(row * ids.length + column, n);
    }
    this.#arrange(this.querySelector("[name=order]").value);
    if (document.activeElement === this.canvas) this.#begin();
  }

  // By keys one begins at the first cell.
  #begin() {
    if (this.order && !this.#cursor) this.#point({ row: 0, column: 0 });
  }

  #arrange(order) {
    if (!this.#matrix) return;
    this.order = this.#matrix.orders[order];
    this.places = new Array(this.order.length);
    this.order.forEach((taxon, place) => (this.places[taxon] = place));
    this.#cursor = null;
    this.#show({ x: 0, y: 0, across: this.order.length });
  }

  // Where things are: the names' margin is there only where names have room.
  #frame() {
    const width = Math.min(this.clientWidth, MOST_PX + NAMES_PX);
    const named = (width - NAMES_PX) / this.#view.across >= NAMED_FROM_PX;
    const margin = named ? NAMES_PX : 0;
    const side = Math.min(width - margin, MOST_PX);
    return { side, margin, named, cell: side / this.#view.across };
  }

  #show(view) {
    const n = this.order.length;
    const across = Math.min(n, Math.max(view.across, Math.min(FEWEST, n)));
    const inside = (at) => Math.max(0, Math.min(at, n - across));
    this.#view = { x: inside(view.x), y: inside(view.y), across };
    this.#draw();
  }

  #draw() {
    if (!this.order) return;
    const { side, margin, named, cell } = this.#frame();
    const scale = devicePixelRatio || 1;
    const { canvas } = this;
    canvas.width = canvas.height = Math.round((side + margin) * scale);
    canvas.style.inlineSize = canvas.style.blockSize = `${side + margin}px`;
    const pen = canvas.getContext("2d");
    pen.scale(scale, scale);
    this.colours = Object.fromEntries(["tile", "line", "text", "text-quiet", "good", "bad", "accent"].map((name) => [name, this.#colour(name)]));
    pen.fillStyle = this.colours.tile;
    pen.fillRect(margin, margin, side, side);
    pen.save();
    pen.beginPath();
    pen.rect(margin, margin, side, side);
    pen.clip();
    pen.translate(margin - this.#view.x * cell, margin - this.#view.y * cell);
    this.#drawCells(pen, cell);
    this.#drawCursor(pen, cell);
    pen.restore();
    if (named) this.#drawNames(pen, margin, cell);
    pen.strokeStyle = this.colours.line;
    pen.strokeRect(margin + 0.5, margin + 0.5, side - 1, side - 1);
  }

  // light-dark() is no colour that a canvas takes: the browser makes one of it.
  #colour(name) {
    this.told.style.borderBlockStartColor = `var(--${name})`;
    const colour = getComputedStyle(this.told).borderBlockStartColor;
    this.told.style.borderBlockStartColor = "";
    return colour;
  }

  #drawCells(pen, cell) {
    const { x, y, across } = this.#view;
    const size = Math.max(cell, 1);
    const gap = cell >= 8 ? 1 : 0;
    for (const [row, column, n] of this.#matrix.cells) {
      const down = this.places[row], right = this.places[column];
      if (down < y - 1 || down > y + across || right < x - 1 || right > x + across) continue;
      pen.globalAlpha = 0.12 + 0.88 * Math.sqrt(n / this.totals[row]);
      pen.fillStyle = row === column ? this.colours.good : this.colours.bad;
      pen.fillRect(right * cell, down * cell, size - gap, size - gap);
    }
    pen.globalAlpha = 1;
    if (cell >= 24) this.#drawNumbers(pen, cell);
  }

  #drawNumbers(pen, cell) {
    pen.fillStyle = this.colours.text;
    pen.font = "11px system-ui, sans-serif";
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    for (const [row, column, n] of this.#matrix.cells) {
      pen.fillText(thousands(n), (this.places[column] + 0.5) * cell, (this.places[row] + 0.5) * cell, cell);
    }
  }

  #drawCursor(pen, cell) {
    if (!this.#cursor) return;
    const { row, column } = this.#cursor;
    const size = Math.max(cell, 3);
    pen.globalAlpha = 0.16;
    pen.fillStyle = this.colours.accent;
    pen.fillRect(0, row * cell, this.order.length * cell, size);
    pen.fillRect(column * cell, 0, size, this.order.length * cell);
    pen.globalAlpha = 1;
    pen.strokeStyle = this.colours.accent;
    pen.lineWidth = 2;
    pen.strokeRect(column * cell, row * cell, size, size);
    pen.lineWidth = 1;
  }

  #drawNames(pen, margin, cell) {
    const { x, y, across } = this.#view;
    pen.font = "11px system-ui, sans-serif";
    pen.textBaseline = "middle";
    const bold = (place, kind) => (this.#cursor?.[kind] === place ? this.colours.accent : this.colours["text-quiet"]);
    for (let k = 0; k <= across; k++) {
      const down = Math.floor(y) + k, right = Math.floor(x) + k;
      const top = (down + 0.5 - y) * cell, left = (right + 0.5 - x) * cell;
      pen.textAlign = "right";
      if (down < this.order.length && top > 0 && top < across * cell) {
        pen.fillStyle = bold(down, "row");
        pen.fillText(cut(pen, this.#name(down), margin - 8), margin - 4, margin + top);
      }
      if (right < this.order.length && left > 0 && left < across * cell) {
        pen.save();
        pen.translate(margin + left, margin - 4);
        pen.rotate(-Math.PI / 2);
        pen.textAlign = "left";
        pen.fillStyle = bold(right, "column");
        pen.fillText(cut(pen, this.#name(right), margin - 8), 0, 0);
        pen.restore();
      }
    }
  }

  #name(place) {
    return this.#matrix.names[this.order[place]];
  }

  #cellAt(event) {
    if (!this.order) return null;
    const box = this.canvas.getBoundingClientRect();
    const { margin, side, cell } = this.#frame();
    const left = event.clientX - box.left - margin, top = event.clientY - box.top - margin;
    if (left < 0 || top < 0 || left >= side || top >= side) return null;
    return { row: Math.floor(this.#view.y + top / cell), column: Math.floor(this.#view.x + left / cell) };
  }

  #point(cell) {
    this.#cursor = cell;
    this.#draw();
    this.told.textContent = cell ? this.#words(cell) : this.said;
  }

  #countOf({ row, column }) {
    return this.counts.get(this.order[row] * this.order.length + this.order[column]) ?? 0;
  }

  #words(cell) {
    const total = this.totals[this.order[cell.row]];
    const n = this.#countOf(cell);
    const share = total ? `, ${Math.round((100 * n) / total)} %` : "";
    const said = cell.row === cell.column ? "rightly recognised" : `called ${this.#name(cell.column)}`;
    return `${this.#name(cell.row)}, ${said}: ${thousands(n)} of ${thousands(total)}${share}`;
  }

  #move(event) {
    if (this.#drag) return this.#pull(event);
    const cell = this.#cellAt(event);
    const { row, column } = this.#cursor ?? {};
    if (cell?.row !== row || cell?.column !== column) this.#point(cell);
  }

  #down(event) {
    if (event.button !== 0 || !this.order) return;
    this.#drag = { left: event.clientX, top: event.clientY, view: this.#view, moved: false };
    this.canvas.setPointerCapture(event.pointerId);
  }

  #pull(event) {
    const { left, top, view } = this.#drag;
    const right = event.clientX - left, down = event.clientY - top;
    if (!this.#drag.moved && Math.hypot(right, down) < DRAG_PX) return;
    this.#drag.moved = true;
    const { cell } = this.#frame();
    this.#show({ ...view, x: view.x - right / cell, y: view.y - down / cell });
  }

  #up(event) {
    const moved = this.#drag?.moved;
    this.#drag = null;
    const cell = this.#cellAt(event);
    if (moved || !cell) return;
    this.#point(cell);
    if (this.#frame().cell < OPENED_FROM_PX) this.#zoom(3 * STEP, cell);
    else this.#open(cell);
  }

  #open(cell) {
    if (!this.dataset.canOpen || !this.#countOf(cell)) return;
    const detail = { truth: this.#matrix.ids[this.order[cell.row]], predicted: this.#matrix.ids[this.order[cell.column]] };
    this.dispatchEvent(new CustomEvent("cell", { detail, bubbles: true }));
  }

  // The wheel scrolls the page, unless the picture was chosen.
  #wheel(event) {
    if (!this.order || (!event.ctrlKey && document.activeElement !== this.canvas)) return;
    event.preventDefault();
    this.#zoom(event.deltaY < 0 ? STEP : 1 / STEP, this.#cellAt(event));
  }

  #zoom(factor, about) {
    const { x, y, across } = this.#view;
    const middle = about ? { x: about.column + 0.5, y: about.row + 0.5 } : { x: x + across / 2, y: y + across / 2 };
    const next = Math.min(this.order.length, Math.max(across / factor, Math.min(FEWEST, this.order.length)));
    this.#show({ x: middle.x - ((middle.x - x) * next) / across, y: middle.y - ((middle.y - y) * next) / across, across: next });
  }

  #zoomButton(button) {
    if (!button || !this.order) return;
    if (button.dataset.zoom === "all") this.#show({ x: 0, y: 0, across: this.order.length });
    else this.#zoom(button.dataset.zoom === "in" ? STEP : 1 / STEP, this.#cursor);
  }

  #key(event) {
    if (!this.order || event.ctrlKey || event.metaKey || event.altKey) return;
    const steps = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
    const at = this.#cursor ?? { row: 0, column: 0 };
    if (steps[event.key]) {
      const within = (place) => Math.max(0, Math.min(place, this.order.length - 1));
      this.#goToCell({ row: within(at.row + steps[event.key][0]), column: within(at.column + steps[event.key][1]) });
    } else if (event.key === "Enter") this.#open(at);
    else if (event.key === "+") this.#zoom(STEP, at);
    else if (event.key === "-") this.#zoom(1 / STEP, at);
    else if (event.key === "0") this.#show({ x: 0, y: 0, across: this.order.length });
    else return;
    event.preventDefault();
  }

  #goToCell(cell) {
    const { x, y, across } = this.#view;
    const near = (at, place) => (place < at || place + 1 > at + across ? place + 0.5 - across / 2 : at);
    this.#show({ x: near(x, cell.column), y: near(y, cell.row), across });
    this.#point(cell);
  }

  #goTo(name) {
    const taxon = this.#matrix?.names.indexOf(name) ?? -1;
    if (taxon < 0) return;
    const place = this.places[taxon];
    const across = Math.min(this.#view.across, 40);
    this.#show({ x: place + 0.5 - across / 2, y: place + 0.5 - across / 2, across });
    this.#point({ row: place, column: place });
    this.canvas.focus();
  }
}

const cut = (pen, name, room) => {
  let shown = name;
  for (let n = name.length - 1; n > 0 && pen.measureText(shown).width > room; n--) shown = middleCut(name, n);
  return shown;
};

customElements.define("confusion-picture", ConfusionPicture);
