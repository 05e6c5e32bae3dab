// Which objects of the cards were seen: their pictures painted in the window for 300 ms.

import { whileShown } from "./page_life.js";

const LONG_MS = 300;
const LOOK_MS = 100;

export class SeenCells {
  #inView = new Map(); // cell -> since when it is painted there, null: not painted yet
  #ids = new Set();

  constructor(roots) {
    this.watch = new IntersectionObserver((entries) => entries.forEach((entry) => this.#moved(entry)), { threshold: 0.5 });
    this.changes = new MutationObserver((records) => records.forEach(({ addedNodes }) => addedNodes.forEach((node) => this.#observe(node))));
    for (const root of roots) {
      this.#observe(root);
      this.changes.observe(root, { childList: true, subtree: true });
    }
    const look = setInterval(() => this.#look(), LOOK_MS);
    whileShown().addEventListener("abort", () => clearInterval(look));
  }

  get ids() {
    return [...this.#ids];
  }

  #observe(node) {
    if (node.nodeType !== Node.ELEMENT_NODE) return;
    for (const cell of node.querySelectorAll(".cell")) this.watch.observe(cell);
  }

  #moved({ target, isIntersecting }) {
    if (!isIntersecting) this.#inView.delete(target);
    else if (!this.#inView.has(target)) this.#inView.set(target, null);
  }

  #look() {
    const now = performance.now();
    const isVisible = document.visibilityState === "visible";
    for (const [cell, since] of this.#inView) {
      if (!isVisible || !isPainted(cell)) this.#inView.set(cell, null);
      else if (since === null) this.#inView.set(cell, now);
      else if (now - since >= LONG_MS) {
        this.#ids.add(Number(cell.dataset.id));
        this.#inView.delete(cell);
        this.watch.unobserve(cell);
      }
    }
  }
}

// What says that there is no image is all there is to see.
const isPainted = (cell) => {
  const image = cell.querySelector("img");
  return !image || (image.complete && image.naturalWidth > 0);
};
