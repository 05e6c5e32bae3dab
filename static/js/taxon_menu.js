// What can be done with a taxon of the tree, beside filtering by it: opens at its row by the context menu or its "⋯".

import { makeBatch } from "./batch_make.js";
import { count, element, nameCut } from "./html.js";
import { atEnd } from "./page_life.js";

// Batches of a taxon; with a target, what is marked in them is labelled so.
const WAYS = [
  { words: "Work what is predicted so as a batch", kind: "predicted", isTarget: true },
  { words: "Its stragglers: unlabelled, and never shown for it", kind: "stragglers", isTarget: true },
  { words: "Its outliers: labelled so, and least like it", kind: "outliers", isTarget: false },
];

export class TaxonMenu {
  #line = null;

  constructor(tree) {
    this.tree = tree;
    this.menu = element("div", { id: "taxon-menu", className: "menu-sheet", popover: "auto", role: "menu", "aria-label": "Taxon" });
    document.body.append(this.menu);
    atEnd(() => this.menu.remove());
    this.menu.addEventListener("keydown", (event) => this.#walk(event));
    this.menu.addEventListener("toggle", (event) => {
      if (event.newState === "closed" && this.menu.contains(document.activeElement)) this.#line.querySelector("a").focus();
    });
  }

  open(row, line) {
    this.#line = line;
    this.menu.replaceChildren(element("p", { className: "quiet", role: "presentation" }, nameCut(row.display, row.italic)), ...this.#items(row));
    this.menu.showPopover();
    const place = line.getBoundingClientRect();
    this.menu.style.left = `${Math.min(place.left + 40, innerWidth - this.menu.offsetWidth - 8)}px`;
    this.menu.style.top = `${Math.max(8, Math.min(place.bottom, innerHeight - this.menu.offsetHeight - 8))}px`;
    this.menu.querySelector("[role=menuitem]").focus();
  }

  #items(row) {
    const { tree } = this;
    const { selected } = tree;
    const items = [
      this.#link("Only this, without what is below", tree.address([row.id], { children: false })),
      this.#link("This and all below it", tree.address([row.id])),
    ];
    const others = selected.filter((taxon) => taxon !== row.id);
    if (selected.includes(row.id)) items.push(this.#link("Take it out of the filter", tree.address(others)));
    else if (selected.length) items.push(this.#link("Add it to the filter's taxa", tree.address([...selected, row.id])));
    for (let above = row.parent; above; above = above.parent) {
      items.push(this.#link(`All of ${above.display}`, tree.address([above.id])));
    }
    const n = document.querySelectorAll('#tiles [aria-selected="true"]').length;
    if (!document.querySelector("shoal-board, shoal-cards").dataset.canLabel) return items;
    const { project } = document.querySelector("shoal-board").dataset;
    items.unshift(...WAYS.map((way) => this.#batch(row, way)), this.#link("How many of it are still out there", `/projects/${project}/stragglers?taxon=${row.id}`));
    if (n) items.unshift(this.#label(row, n));
    return items;
  }

  #link(words, href) {
    return element("a", { role: "menuitem", href, tabIndex: -1 }, words);
  }

  #batch(row, { words, kind, isTarget }) {
    const item = element("button", { type: "button", className: "plain", role: "menuitem", tabIndex: -1 }, words);
    item.addEventListener("click", () => {
      this.menu.hidePopover();
      makeBatch(document.querySelector("shoal-board, shoal-cards").dataset.project, { kind, taxon_id: row.id }, { taxonId: isTarget ? row.id : null });
    });
    return item;
  }

  // The board hears it, and labels what is selected.
  #label(row, n) {
    const item = element("button", { type: "button", className: "plain", role: "menuitem", tabIndex: -1 }, `Label the ${count(n, `selected ${this.tree.noun}`)} so`);
    item.addEventListener("click", () => {
      const detail = { id: row.id, display_name: row.display, italic: row.italic };
      this.menu.hidePopover();
      this.tree.root.dispatchEvent(new CustomEvent("shoal:label-as", { bubbles: true, detail }));
    });
    return item;
  }

  #walk(event) {
    const items = [...this.menu.querySelectorAll("[role=menuitem]")];
    const at = items.indexOf(document.activeElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 }[event.code];
    if (to === undefined) return;
    event.preventDefault();
    items[(to + items.length) % items.length].focus();
  }
}
