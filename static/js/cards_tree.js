// The taxonomy beside the cards: cards are dropped on a taxon, and a click on one names what is selected.

import { wireDivider } from "./divider.js";
import { DragToTaxon } from "./drag.js";
import { Tree } from "./tree.js";
import { toast } from "./toasts.js";
import { NONE } from "./tree_rows.js";

export class CardsTree {
  // `name(cards, taxon, status)`; `take(taxon)`: into the label field.
  constructor(root, { list, selection, band, canLabel, name, take }) {
    this.root = root;
    this.tree = new Tree(root.querySelector("#tree"), root.dataset.project, {
      query: () => new URLSearchParams(), path: `/projects/${root.dataset.project}`, noun: "card",
    });
    wireDivider(root);
    this.toggle = root.querySelector(".show-tree");
    this.toggle.addEventListener("click", () => this.show(!this.isOpen));
    if (!canLabel) return;
    new DragToTaxon(list, selection, this.tree, {
      drop: name,
      opened: (on) => {
        if (on) this.wasOpen = this.isOpen;
        this.show(on || this.wasOpen);
      },
      taken: () => band.cancel(),
    });
    // Said by the menu of a taxon.
    root.addEventListener("shoal:label-as", ({ detail }) => name(selection.tiles, detail, "V"));
    this.tree.list.addEventListener("click", (event) => this.#click(event, selection, take));
  }

  get isOpen() {
    return this.root.classList.contains("tree-open");
  }

  show(open) {
    this.root.classList.toggle("tree-open", open);
    this.toggle.setAttribute("aria-expanded", String(open));
  }

  find() {
    this.show(true);
    this.tree.find.focus();
  }

  refresh() {
    this.tree.refresh();
  }

  // With nothing selected the row leads to the taxon's images, as on the board; a selection is not lost by it.
  #click(event, selection, take) {
    const row = this.tree.row(event.target.closest("li")?.dataset.taxonId ?? NONE);
    const isPlain = !event.defaultPrevented && !event.ctrlKey && !event.metaKey && !event.shiftKey;
    if (!isPlain || !selection.size) return;
    event.preventDefault();
    if (row.id === NONE) return toast("Cards are selected: choose a taxon to name them, or Esc first.", { key: "cards" });
    this.show(false);
    take({ id: row.id, display_name: row.display, italic: row.italic });
  }
}
