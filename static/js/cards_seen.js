// Which objects of the cards were seen, of those that are there and those that come.

import { SeenWatch } from "./seen.js";

export class SeenCells {
  #ids = new Set();

  constructor(roots) {
    this.watch = new SeenWatch((cells) => cells.forEach((cell) => this.#ids.add(Number(cell.dataset.id))));
    this.changes = new MutationObserver((records) => records.forEach(({ addedNodes }) => addedNodes.forEach((node) => this.#observe(node))));
    for (const root of roots) {
      this.#observe(root);
      this.changes.observe(root, { childList: true, subtree: true });
    }
  }

  get ids() {
    return [...this.#ids];
  }

  #observe(node) {
    if (node.nodeType !== Node.ELEMENT_NODE) return;
    for (const cell of node.querySelectorAll(".cell")) this.watch.observe(cell);
  }
}
