// Tiles of a sample that are judged together: some are pressed, all must have been seen, as the browser tells the server.

import { postJson } from "./requests.js";
import { whenSeen } from "./when_seen.js";

const REPORT_MS = 400;
const STEPS = { ArrowRight: 1, ArrowLeft: -1 };

export class SampleTiles {
  #unreported = [];
  #timer = null;

  // `said` is called whenever something is pressed or seen; `url`: what hears of the seen ones.
  constructor(root, url, said) {
    this.tiles = [...root.querySelectorAll("button.tile")];
    this.url = url;
    this.said = said;
    this.unseen = new Set(this.tiles); // what the server has not heard of counts as unseen
    root.addEventListener("click", ({ target }) => this.#press(target.closest("button.tile")));
    root.addEventListener("keydown", (event) => this.#step(event));
    whenSeen(this.tiles, (tile) => {
      this.#unreported.push(tile);
      this.#timer ??= setTimeout(() => this.#report(), REPORT_MS);
    });
    said();
  }

  get pressed() {
    return this.tiles.filter((tile) => tile.getAttribute("aria-pressed") === "true");
  }

  #press(tile) {
    if (!tile) return;
    tile.setAttribute("aria-pressed", String(tile.getAttribute("aria-pressed") !== "true"));
    this.said();
  }

  #step(event) {
    const at = this.tiles.indexOf(event.target);
    const to = this.tiles[at + STEPS[event.code]];
    if (at < 0 || !to) return;
    event.preventDefault();
    to.focus();
  }

  async #report() {
    this.#timer = null;
    const tiles = this.#unreported.splice(0);
    try {
      await postJson(`${this.url}/seen`, { ids: tiles.map((tile) => Number(tile.dataset.id)) });
    } catch {
      this.#unreported.push(...tiles);
      this.#timer ??= setTimeout(() => this.#report(), 4 * REPORT_MS);
      return;
    }
    for (const tile of tiles) this.unseen.delete(tile);
    this.said();
  }
}
