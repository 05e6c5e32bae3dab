// How the tiles look: their size, changed in place, and the fields under them, which the server writes.

import "./choice_field.js";
import { goTo, renameTo } from "./in_place.js";
import { savePreference } from "./preferences.js";
import { Originals } from "./originals.js";
import { wireSheet } from "./sheet.js";
import { SIZES, nextSize } from "./tile_size.js";

const USUAL = 100;
const SAVE_AFTER_MS = 600;
const OPEN_AGAIN = "shoal.view.open";

let view = null;

// Makes the page's one view.
export const wireView = (board) => (view = new View(board, board.querySelector("#tiles")));

// What the keys - and + do: -1 is one step smaller, 1 one step larger.
export const changeSize = (step) => view?.changeSize(step);

class View {
  #board;
  #list;
  #sheet;
  #timer = null;

  constructor(board, list) {
    this.#board = board;
    this.#list = list;
    this.#sheet = document.getElementById("view-sheet");
    this.originals = new Originals(list, board.dataset.project);
    this.size = Number(this.#sheet.dataset.size);
    this.#apply();
    this.#wire();
  }

  changeSize(step) {
    const next = nextSize(this.size, step);
    if (next) this.setSize(next);
  }

  // The size in per cent of the usual. What is looked at stays in its place.
  setSize(size) {
    this.size = Math.min(Math.max(size, SIZES[0]), SIZES.at(-1));
    const anchor = this.#anchor();
    const before = anchor?.getBoundingClientRect().top;
    this.#apply();
    if (anchor) this.#list.scrollTop += anchor.getBoundingClientRect().top - before;
    const query = new URLSearchParams(location.search);
    if (this.size === USUAL) query.delete("size");
    else query.set("size", this.size);
    renameTo(`${location.pathname}${query.size ? `?${query}` : ""}`);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#keep({ size: this.size }), SAVE_AFTER_MS);
  }

  #apply() {
    this.#board.style.setProperty("--tile-scale", this.size / 100);
    this.#sheet.querySelector("#tile-size").value = this.size;
    this.#sheet.querySelector("#size-now").value = `${this.size} %`;
    this.originals.setScale(this.size / 100);
  }

  // The tile under the cursor if it is in view, else the first that is.
  #anchor() {
    const { top, bottom } = this.#list.getBoundingClientRect();
    const isInView = (tile) => {
      const place = tile.getBoundingClientRect();
      return place.height > 0 && place.bottom > top && place.top < bottom;
    };
    const cursor = this.#list.querySelector(".tile.cursor");
    if (cursor && isInView(cursor)) return cursor;
    for (const section of this.#list.querySelectorAll(".tiles")) {
      if (!isInView(section)) continue;
      const tile = [...section.children].find(isInView);
      if (tile) return tile;
    }
    return null;
  }

  #keep(change) {
    return this.#sheet.dataset.keeps ? savePreference(this.#board.dataset.project, change) : null;
  }

  #wire() {
    const field = this.#sheet.querySelector("choice-field");
    wireSheet(this.#sheet, () => document.getElementById("view"), () => (field ?? this.#sheet.querySelector("button")).focus());
    this.#sheet.addEventListener("submit", (event) => event.preventDefault());
    this.#sheet.querySelector("#tile-size").addEventListener("input", (event) => this.setSize(Number(event.target.value)));
    for (const button of this.#sheet.querySelectorAll("[data-step]")) {
      button.addEventListener("click", () => this.changeSize(Number(button.dataset.step)));
    }
    field?.addEventListener("choose", ({ detail }) => this.#show([...this.#shown.filter((key) => key !== detail.value), detail.value]));
    this.#sheet.querySelector("#shown-fields").addEventListener("click", (event) => {
      const hidden = event.target.closest("button")?.closest("li").dataset.key;
      if (hidden) this.#show(this.#shown.filter((key) => key !== hidden));
    });
    // Links were written by the server when the size was another.
    this.#board.addEventListener("click", (event) => this.#keepSize(event.target.closest("a[href]")), { capture: true });
    if (sessionStorage.getItem(OPEN_AGAIN)) this.#sheet.showPopover();
    sessionStorage.removeItem(OPEN_AGAIN);
  }

  #keepSize(link) {
    if (!link) return;
    const url = new URL(link.href);
    if (url.pathname !== location.pathname || url.hash) return;
    const size = new URLSearchParams(location.search).get("size");
    if (size) url.searchParams.set("size", size);
    else url.searchParams.delete("size");
    link.href = url;
  }

  get #shown() {
    return [...this.#sheet.querySelectorAll("#shown-fields [data-key]")].map((item) => item.dataset.key);
  }

  // The fields under the tiles: kept, put into the address, and the page made anew with the sheet still open.
  async #show(keys) {
    await this.#keep({ show: keys });
    const query = new URLSearchParams(location.search);
    query.delete("cursor");
    if (keys.length) query.set("show", keys.map(escaped).join(","));
    else query.delete("show");
    sessionStorage.setItem(OPEN_AGAIN, "yes");
    goTo(`${location.pathname}${query.size ? `?${query}` : ""}`);
  }
}

// A comma stands between keys: one within a name is written otherwise (app/objects/view.py).
const escaped = (key) => key.replaceAll("%", "%25").replaceAll(",", "%2C");
