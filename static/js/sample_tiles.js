// Tiles of a sample that are judged together: some are pressed, which this browser keeps until they are judged, and all
// must have been seen, as the browser tells the server.

import { SeenReports, SeenWatch } from "./seen.js";
import { toast } from "./toasts.js";

const STEPS = { ArrowRight: 1, ArrowLeft: -1 };

export class SampleTiles {
  // `said` is called whenever something is pressed or seen; `url`: what hears of the seen ones.
  constructor(root, url, said) {
    this.tiles = [...root.querySelectorAll("button.tile")];
    this.said = said;
    this.key = `shoal.pressed.${url}`;
    const kept = new Set(JSON.parse(localStorage.getItem(this.key) ?? "[]"));
    for (const tile of this.tiles) if (kept.has(tile.dataset.id)) tile.setAttribute("aria-pressed", "true");
    this.unseen = new Set(this.tiles); // what the server has not heard of counts as unseen
    root.addEventListener("click", ({ target }) => this.#press(target.closest("button.tile")));
    root.addEventListener("keydown", (event) => this.#step(event));
    const reports = new SeenReports(`${url}/seen`, {
      told: (tiles) => this.#told(tiles),
      refused: (error) => toast(error.message, { kind: "bad", key: "seen" }),
    });
    const watch = new SeenWatch((tiles) => reports.add(tiles));
    for (const tile of this.tiles) watch.observe(tile);
    said();
  }

  get pressed() {
    return this.tiles.filter((tile) => tile.getAttribute("aria-pressed") === "true");
  }

  #press(tile) {
    if (!tile) return;
    tile.setAttribute("aria-pressed", String(tile.getAttribute("aria-pressed") !== "true"));
    localStorage.setItem(this.key, JSON.stringify(this.pressed.map(({ dataset }) => dataset.id)));
    this.said();
  }

  // They are judged: what was pressed need not be kept for another visit.
  forget() {
    localStorage.removeItem(this.key);
  }

  #step(event) {
    const at = this.tiles.indexOf(event.target);
    const to = this.tiles[at + STEPS[event.code]];
    if (at < 0 || !to) return;
    event.preventDefault();
    to.focus();
  }

  #told(tiles) {
    for (const tile of tiles) this.unseen.delete(tile);
    this.said();
  }
}
