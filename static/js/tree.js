// The taxonomy beside the tiles: opens and closes branches, finds by name, filters, and follows the labels' changes.
//
// The server sends all rows as data (app/taxonomy/tree.py, `packed`); only those of open branches become elements.

import { countInHeader } from "./header_counts.js";
import { element, nameCut, thousands } from "./html.js";
import { atEnd, whileShown } from "./page_life.js";
import { getJson } from "./requests.js";
import { TaxonMenu } from "./taxon_menu.js";
import { toast } from "./toasts.js";
import { NONE, bar, inWords, indent, number, rowOf, withName, wordsOf } from "./tree_rows.js";

const AFTER_LAST_ACT_MS = 300;
const OPEN_AFTER_MS = 500;
const MOST_FOUND = 300; // more rows than anybody reads would only make the typing slow

export class Tree {
  #url;
  #closed;
  #key;
  #timer = null;
  #asked = new AbortController(); // counts that are on their way: older than those that are asked for next
  #hovered = null;
  #hoverTimer = null;
  #rows = [];
  #byId = new Map();
  #lines = new Map(); // the elements made so far, by taxon
  #query;
  #path;

  // `query()`: the filter that the counts are of, that of the page's address unless told; `path`: the board whose
  // addresses the rows lead to; `noun`: what is selected beside the tree.
  constructor(root, projectId, { query = () => new URLSearchParams(location.search), path = location.pathname, noun = "object" } = {}) {
    this.root = root;
    this.noun = noun;
    this.#query = query;
    this.#path = path;
    this.list = root.querySelector("[role=tree]");
    this.#url = `/projects/${projectId}/tree`;
    this.#key = `shoal.tree.${projectId}`;
    this.#closed = new Map(JSON.parse(localStorage.getItem(this.#key) ?? "[]"));
    this.find = document.getElementById("find-taxon");
    this.hideEmpty = document.getElementById("hide-empty");
    this.hideEmpty.checked = localStorage.getItem(`${this.#key}.hide-empty`) === "yes";
    this.menu = new TaxonMenu(this);
    this.#wire();
    this.#take(JSON.parse(root.querySelector("script").textContent));
    // With the page's first frame: asked for now, the place of a row would cost a layout of its own.
    requestAnimationFrame(() => this.list.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: "center" }));
  }

  // Whether `taxon` stands below `above`.
  isBelow(taxon, above) {
    for (let row = this.#byId.get(taxon)?.parent; row; row = row.parent) if (row.id === above) return true;
    return false;
  }

  // The row of a taxon as the server told it: {id, name, display, italic, parent, ...}; undefined where it is not here.
  row(taxon) {
    return this.#byId.get(Number(taxon));
  }

  get selected() {
    return this.#query().getAll("taxon").map(Number);
  }

  // The address of the board with these taxa instead of those that its filter names now.
  address(taxa, { children = true } = {}) {
    const query = this.#query();
    for (const name of ["taxon", "children", "cursor"]) query.delete(name);
    for (const taxon of taxa) query.append("taxon", taxon);
    if (!children && taxa.length) query.append("children", "0");
    return `${this.#path}${query.size ? `?${query}` : ""}`;
  }

  // Counts follow labels; several acts in a row ask once.
  refresh() {
    clearTimeout(this.#timer);
    this.#asked.abort();
    this.#timer = setTimeout(() => this.#fetch(), AFTER_LAST_ACT_MS);
  }

  // While something is dragged over the tree: a closed branch opens under it after a moment. Null: it went elsewhere.
  openOnHover(line) {
    if (line === this.#hovered) return;
    this.#hovered = line;
    clearTimeout(this.#hoverTimer);
    const row = line && this.row(line.dataset.taxonId);
    if (row?.hasChildren && this.#isClosed(row)) this.#hoverTimer = setTimeout(() => this.#setOpen(row, true), OPEN_AFTER_MS);
  }

  #wire() {
    this.list.addEventListener("click", (event) => this.#click(event));
    this.list.addEventListener("keydown", (event) => this.#walk(event));
    this.list.addEventListener("focusin", (event) => this.#rove(event.target.closest("a")));
    this.list.addEventListener("contextmenu", (event) => this.#openMenu(event));
    this.find.addEventListener("input", () => this.#show());
    this.find.addEventListener("keydown", (event) => this.#pick(event));
    this.hideEmpty.addEventListener("change", () => {
      localStorage.setItem(`${this.#key}.hide-empty`, this.hideEmpty.checked ? "yes" : "no");
      this.#show();
    });
    this.#wireSlide();
    document.addEventListener("visibilitychange", () => document.hidden || this.refresh(), { signal: whileShown() });
    atEnd(() => clearTimeout(this.#timer));
  }

  // In narrow windows the tree lies over the tiles, and goes by its sign or by Esc; in wide ones Esc leads back to the tiles.
  #wireSlide() {
    const aside = this.root.closest(".tree");
    const toggle = document.querySelector(".show-tree");
    const close = () => {
      if (toggle.getAttribute("aria-expanded") === "true") toggle.click();
      (toggle.checkVisibility() ? toggle : document.getElementById("tiles")).focus();
    };
    aside.querySelector(".hide-tree").addEventListener("click", close);
    aside.addEventListener("keydown", (event) => {
      if (event.code !== "Escape") return;
      event.stopPropagation(); // the selection stays
      close();
    });
    // After the board has opened it.
    toggle.addEventListener("click", () => setTimeout(() => toggle.getAttribute("aria-expanded") === "true" && this.find.focus()));
  }

  #click(event) {
    const line = event.target.closest("li");
    if (event.target.closest(".twist")) {
      event.preventDefault();
      const row = this.row(line.dataset.taxonId);
      this.#setOpen(row, this.#isClosed(row));
    } else if (event.target.closest(".more")) {
      event.preventDefault();
      this.#openMenu(event);
    }
  }

  #openMenu(event) {
    const line = event.target.closest("li");
    const row = line && this.row(line.dataset.taxonId);
    if (!row || (event.type === "contextmenu" && event.ctrlKey)) return;
    event.preventDefault();
    this.menu.open(row, line);
  }

  #isClosed(row) {
    return this.#closed.get(String(row.id)) ?? !row.open;
  }

  #setOpen(row, open) {
    this.#closed.set(String(row.id), !open);
    localStorage.setItem(this.#key, JSON.stringify([...this.#closed]));
    this.#show();
  }

  // The arrow keys of a tree, as the ARIA practices have them.
  #walk(event) {
    const line = event.target.closest("li");
    const row = this.row(line?.dataset.taxonId);
    const lines = [...this.list.children];
    const step = { ArrowDown: 1, ArrowUp: -1, Home: -Infinity, End: Infinity }[event.code];
    const isOpen = event.target.getAttribute("aria-expanded") === "true";
    if (step) focusLine(lines[Math.min(Math.max(lines.indexOf(line) + step, 0), lines.length - 1)]);
    else if (event.code === "ArrowRight" && row?.hasChildren) isOpen ? focusLine(line.nextElementSibling) : this.#setOpen(row, true);
    else if (event.code === "ArrowLeft" && row?.hasChildren && isOpen) this.#setOpen(row, false);
    else if (event.code === "ArrowLeft" && row?.parent) focusLine(this.#lines.get(row.parent.id));
    else if (event.code === "Space") event.target.click();
    else if (row && (event.code === "ContextMenu" || (event.code === "F10" && event.shiftKey))) this.menu.open(row, line);
    else return;
    event.preventDefault();
  }

  // One row of the tree is on the way of Tab: the last that had the focus.
  #rove(link) {
    if (!link) return;
    for (const other of this.list.querySelectorAll('a[tabindex="0"]')) other.tabIndex = -1;
    link.tabIndex = 0;
  }

  #pick(event) {
    if (event.code === "Escape" && this.find.value) {
      event.stopPropagation();
      this.find.value = "";
      this.#show();
    }
    if (event.code !== "Enter" && event.code !== "ArrowDown") return;
    event.preventDefault();
    if (this.find.value.trim() && !this.#found.best) return toast(`No taxon here is named “${this.find.value.trim()}”.`, { kind: "warn", key: "find" });
    const line = this.#lines.get(this.#found?.best?.id) ?? this.list.firstElementChild;
    if (event.code === "Enter") line?.querySelector("a").click();
    else focusLine(line);
  }

  get #found() {
    const wanted = this.find.value.trim().toLowerCase();
    return wanted ? withName(this.#rows, wanted) : null;
  }

  #take(told) {
    this.counted = told.counted;
    this.#byId.clear();
    const lineage = [];
    this.#rows = told.rows.map((told) => {
      const row = rowOf(told);
      row.parent = lineage[row.depth - 1] ?? null;
      if (row.parent) row.parent.hasChildren = true;
      lineage.length = row.depth;
      lineage.push(row);
      this.#byId.set(row.id, row);
      return row;
    });
    const [n, kept] = told.unclassified;
    this.#byId.set(NONE, { id: NONE, depth: 0, name: "unclassified", display: "unclassified", U: n, kept });
    for (const status of "VP") {
      const widest = this.#rows.reduce((most, row) => Math.max(most, row[status]), 0);
      this.root.style.setProperty(`--digits-${status}`, `${thousands(widest).length}ch`);
    }
    this.root.classList.toggle("with-predicted", this.#rows.some((row) => row.P));
    this.root.classList.toggle("counted", told.counted);
    this.root.classList.toggle("with-dubious", this.#rows.some((row) => row.D));
    this.#show();
    countInHeader(told.kept ?? told.total);
    if (told.n !== undefined && this.noun === "object") document.getElementById("n-total").textContent = thousands(told.n);
  }

  // Which rows show: under closed branches none; while a name is looked for, those that have it and their ancestors.
  #show() {
    const found = this.#found;
    const shown = [this.#byId.get(NONE)];
    let hiddenBelow = Infinity;
    let nEmpty = 0;
    for (const row of this.#rows) {
      const isEmpty = !(this.counted ? row.kept : row.V + row.P + row.D);
      nEmpty += isEmpty;
      if (row.depth <= hiddenBelow) hiddenBelow = Infinity;
      row.isOpen = Boolean(found) || !this.#isClosed(row);
      if (found ? !found.rows.has(row) : row.depth > hiddenBelow) continue;
      if (hiddenBelow === Infinity && !row.isOpen) hiddenBelow = row.depth;
      if (!(isEmpty && this.hideEmpty.checked)) shown.push(row);
    }
    this.hideEmpty.closest("label").hidden = !nEmpty;
    const selected = this.selected;
    const children = this.#query().get("children") !== "0";
    // Said once for all rows: an address that was put together for each of 3 000 took longer than drawing them.
    const only = this.address(["TAXON"], { children }).split("TAXON");
    const address = (row) => (selected.includes(row.id) ? this.address(selected.filter((taxon) => taxon !== row.id), { children }) : only.join(row.id));
    const left = found ? shown.splice(MOST_FOUND).length : 0;
    this.root.querySelector(".tree-more").textContent = left ? `${thousands(left)} more: type on.` : "";
    put(this.list, shown.map((row) => this.#line(row, selected.includes(row.id), address)));
    if (!this.list.querySelector('a[tabindex="0"]')) this.#rove(this.list.querySelector('[aria-selected="true"]') ?? this.list.querySelector("a"));
  }

  // The element of a row, made once, and changed only where the row has changed.
  #line(row, isSelected, address) {
    const told = `${row.words ??= wordsOf(row)}\t${this.counted}\t${isSelected}\t${row.isOpen}\t${row.hasChildren}`;
    let line = this.#lines.get(row.id);
    if (line?.told === told) return line;
    const hadFocus = line?.contains(document.activeElement);
    if (!line) {
      line = element("li", { role: "none" });
      if (row.id !== NONE) line.dataset.taxonId = row.id;
      this.#lines.set(row.id, line);
    }
    line.told = told;
    line.className = `branch${row.isDeprecated ? " deprecated" : ""}${isSelected ? " selected" : ""}`;
    line.style.setProperty("--depth", indent(row.depth));
    const old = line.querySelector("a");
    line.replaceChildren(this.#link(row, isSelected, address(row), old?.tabIndex ?? -1));
    if (hadFocus) focusLine(line);
    return line;
  }

  #link(row, isSelected, href, tabIndex) {
    const link = element("a", {
      role: "treeitem", href, tabIndex, title: inWords(row, this.counted),
      "aria-level": row.depth + 1, "aria-selected": String(isSelected),
    });
    if (row.hasChildren) link.setAttribute("aria-expanded", String(row.isOpen));
    link.draggable = false;
    if (row.id === NONE) link.append(element("span", { className: "status status-U" }, "unclassified"), number("U", row.U));
    else link.append(element("span", { className: "twist" }), nameCut(row.name, row.italic), bar(row));
    for (const status of "VPD") if (row.id !== NONE) link.append(number(status, row[status]));
    if (this.counted) link.append(number("kept", row.kept));
    if (row.id !== NONE) link.append(element("span", { className: "more" }, "⋯"));
    return link;
  }

  async #fetch() {
    this.#asked = new AbortController();
    const query = this.#query();
    try {
      this.#take(await getJson(`${this.#url}${query.size ? `?${query}` : ""}`, { signal: AbortSignal.any([this.#asked.signal, whileShown()]) }));
      this.root.dispatchEvent(new Event("shoal:counted"));
    } catch (error) {
      if (!error.passing && error.name !== "AbortError") throw error; // counts that come late harm nobody: the next act asks again
    }
  }
}

const focusLine = (line) => line?.querySelector("a").focus();

// The same elements in a new order: only what differs is touched, so that the focus stays.
const put = (list, lines) => {
  const kept = new Set(lines);
  if (!list.contains(document.activeElement)) return list.replaceChildren(...lines);
  for (const line of [...list.children]) if (!kept.has(line)) line.remove();
  let place = list.firstElementChild;
  for (const line of lines) {
    if (line === place) place = place.nextElementSibling;
    else list.insertBefore(line, place);
  }
};
