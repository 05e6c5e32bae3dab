// The taxonomy beside the tiles: opens and closes branches, finds by name, and is fetched anew when labels change.

import { parseFragment, thousands } from "./html.js";
import { getHtml } from "./requests.js";

const AFTER_LAST_ACT_MS = 300;

export class Tree {
  #url;
  #closed;
  #key;
  #timer = null;

  constructor(root, projectId) {
    this.root = root;
    this.#url = `/projects/${projectId}/tree`;
    this.#key = `shoal.tree.${projectId}`;
    this.#closed = new Map(JSON.parse(localStorage.getItem(this.#key) ?? "[]"));
    this.find = document.getElementById("find-taxon");
    root.addEventListener("click", (event) => this.#twist(event));
    root.addEventListener("keydown", (event) => this.#walk(event));
    this.find.addEventListener("input", () => this.#arrange());
    this.find.addEventListener("keydown", (event) => this.#pick(event));
    this.#arrange();
    root.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: "center" });
  }

  get #rows() {
    return [...this.root.querySelectorAll("li[data-taxon-id]")];
  }

  // Whether `taxon` stands below `above`: rows are depth first.
  isBelow(taxon, above) {
    const rows = this.#rows;
    const at = rows.findIndex((row) => Number(row.dataset.taxonId) === above);
    if (at < 0) return false;
    for (const row of rows.slice(at + 1)) {
      if (Number(row.dataset.depth) <= Number(rows[at].dataset.depth)) return false;
      if (Number(row.dataset.taxonId) === taxon) return true;
    }
    return false;
  }

  #twist(event) {
    const row = event.target.closest("button.twist")?.closest("li");
    if (row) this.#setOpen(row, row.getAttribute("aria-expanded") !== "true");
  }

  #setOpen(row, open) {
    this.#closed.set(row.dataset.taxonId, !open);
    localStorage.setItem(this.#key, JSON.stringify([...this.#closed]));
    this.#arrange();
  }

  #walk(event) {
    const row = event.target.closest("li");
    if (!row) return;
    const shown = [...this.root.querySelectorAll("li:not([hidden])")];
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.code];
    if (step) shown[shown.indexOf(row) + step]?.querySelector("a").focus();
    else if (event.code === "ArrowRight" && row.hasAttribute("aria-expanded")) this.#setOpen(row, true);
    else if (event.code === "ArrowLeft" && row.hasAttribute("aria-expanded")) this.#setOpen(row, false);
    else return;
    event.preventDefault();
  }

  #pick(event) {
    if (event.code === "Escape") {
      this.find.value = "";
      this.#arrange();
    }
    if (event.code !== "Enter" && event.code !== "ArrowDown") return;
    event.preventDefault();
    const link = this.root.querySelector("li:not([hidden]) a");
    if (event.code === "Enter") link?.click();
    else link?.focus();
  }

  // Which rows show: under closed branches none; while a name is looked for, those that have it and their ancestors.
  #arrange() {
    const wanted = this.find.value.trim().toLowerCase();
    const rows = this.#rows;
    const found = wanted ? withName(rows, wanted) : null;
    let hiddenBelow = Infinity;
    for (const row of rows) {
      const depth = Number(row.dataset.depth);
      if (depth <= hiddenBelow) hiddenBelow = Infinity;
      const closed = this.#closed.get(row.dataset.taxonId) ?? row.hasAttribute("data-closed");
      row.hidden = found ? !found.has(row) : depth > hiddenBelow;
      if (!row.hasAttribute("aria-expanded")) continue;
      row.setAttribute("aria-expanded", String(Boolean(wanted) || !closed));
      if (closed && hiddenBelow === Infinity) hiddenBelow = depth;
    }
  }

  // Counts follow labels; several acts in a row ask once.
  refresh() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#fetch(), AFTER_LAST_ACT_MS);
  }

  async #fetch() {
    const rows = parseFragment(await getHtml(this.#url + location.search)).querySelector(".tree-rows");
    this.root.replaceChildren(rows);
    this.#arrange();
    this.#countInHeader(rows.dataset);
  }

  #countInHeader({ u, p, d, v }) {
    const counts = { U: Number(u), P: Number(p), D: Number(d), V: Number(v) };
    const box = document.getElementById("counts");
    for (const [status, n] of Object.entries(counts)) box.querySelector(`[data-count="${status}"]`).textContent = thousands(n);
    const bar = box.querySelector("svg");
    bar.setAttribute("viewBox", `0 0 ${Math.max(counts.U + counts.P + counts.D + counts.V, 1)} 1`);
    let x = 0;
    for (const status of ["V", "P", "D"]) {
      const part = bar.querySelector(`.${status}`);
      part.setAttribute("x", x);
      part.setAttribute("width", counts[status]);
      x += counts[status];
    }
  }
}

// The rows that have `wanted` in their name, and what stands above them.
const withName = (rows, wanted) => {
  const found = new Set();
  const lineage = [];
  for (const row of rows) {
    lineage.length = Math.min(lineage.length, Number(row.dataset.depth));
    lineage.push(row);
    if (row.dataset.name.toLowerCase().includes(wanted)) lineage.forEach((above) => found.add(above));
  }
  return found;
};
