// How many tiles a page has: what fits the window, more where little is corrected and fewer where much is.

const [FEWEST, MOST] = [12, 200];
const TILE_PX2 = 118 * 122; // at the usual size, with its share of gaps, until a page was measured
const GAP_PX = 6;
const LINE_PX = 70; // the boundary line, and the row that it cuts short
const [LEAST, LARGEST] = [0.6, 2];
const [LITTLE, MUCH] = [0.03, 0.25]; // shares of a page that were corrected

export class PageSize {
  constructor(list, batchId, scale) {
    Object.assign(this, { list, scale });
    this.areaKey = `shoal.tile-area.${list.closest("[data-project]").dataset.project}`;
    this.factorKey = `shoal.page-factor.${batchId}`;
  }

  get n() {
    const area = Number(localStorage.getItem(this.areaKey)) || TILE_PX2;
    const fits = (this.list.clientWidth * (this.list.clientHeight - LINE_PX)) / (area * this.scale() ** 2);
    return Math.round(Math.min(Math.max(fits * this.#factor, FEWEST), MOST));
  }

  get #factor() {
    return Number(sessionStorage.getItem(this.factorKey)) || 1;
  }

  // How much room tiles take: rows that are not full by their part.
  measure(tiles) {
    const places = tiles.map((tile) => tile.getBoundingClientRect());
    let area = 0;
    for (const row of Map.groupBy(places, (place) => Math.round(place.bottom)).values()) {
      const height = Math.max(...row.map((place) => place.height)) + GAP_PX;
      area += height * row.reduce((width, place) => width + place.width + GAP_PX, 0);
    }
    if (area) localStorage.setItem(this.areaKey, Math.round(area / tiles.length / this.scale() ** 2));
  }

  // What share of a page was marked otherwise than it had opened.
  learn(share) {
    const step = share < LITTLE ? 1.25 : share > MUCH ? 0.8 : 1;
    sessionStorage.setItem(this.factorKey, Math.min(Math.max(this.#factor * step, LEAST), LARGEST).toFixed(2));
  }
}
