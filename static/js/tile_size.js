// How large the tiles are, in per cent of the usual: the steps, and the size of a batch's tiles, kept for its project.

import { Originals } from "./originals.js";
import { savePreference } from "./preferences.js";

export const SIZES = [60, 70, 80, 90, 100, 120, 140, 170, 200, 250, 300, 350, 400];
const SAVE_AFTER_MS = 600;

// One step smaller (-1) or larger (1); undefined at the end.
export const nextSize = (size, step) => (step > 0 ? SIZES.find((next) => next > size) : SIZES.findLast((next) => next < size));

export class TileSize {
  #timer = null;

  constructor(root, list) {
    this.root = root;
    this.percent = Number(root.dataset.size);
    this.originals = new Originals(list, root.dataset.project);
    this.#apply();
  }

  get scale() {
    return this.percent / 100;
  }

  step(by) {
    const next = nextSize(this.percent, by);
    if (!next) return;
    this.percent = next;
    this.#apply();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => savePreference(this.root.dataset.project, { size: next }), SAVE_AFTER_MS);
  }

  #apply() {
    this.root.style.setProperty("--tile-scale", this.scale);
    this.originals.setScale(this.scale);
  }
}
