// Which tiles of the page in hand were seen, reported per object. Emits "seen".

import { SeenReports, SeenWatch } from "./seen.js";

export class Seen extends EventTarget {
  #watch;
  #seen = new Set();
  #reports = null;

  // `answered`: the server has heard of it.
  constructor(list, answered) {
    super();
    this.answered = answered;
    this.#watch = new SeenWatch((tiles) => this.#saw(tiles), list);
  }

  // A new page: `url` hears what is seen of it, `known` are ids that were seen before.
  open(url, tiles, known) {
    this.close();
    this.#reports = new SeenReports(url, { told: this.answered });
    const before = new Set(known);
    for (const tile of tiles) {
      if (before.has(Number(tile.dataset.id))) this.#seen.add(tile);
      else this.#watch.observe(tile);
    }
  }

  close() {
    this.#watch.clear();
    this.takeUnreported();
    this.#seen.clear();
  }

  has(tile) {
    return this.#seen.has(tile);
  }

  isInView(tile) {
    return this.#watch.isInView(tile);
  }

  // What the server does not know yet, or may not, and is told by the caller from now on.
  takeUnreported() {
    return this.#reports?.take() ?? [];
  }

  #saw(tiles) {
    for (const tile of tiles) this.#seen.add(tile);
    this.#reports.add(tiles);
    this.dispatchEvent(new Event("seen"));
  }
}
