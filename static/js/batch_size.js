// How many tiles a page has: what fits the window, more where little is corrected and fewer where much is.

const [FEWEST, MOST] = [12, 200];
const TILE = { width: 118, row: 122 }; // at the usual size, with gaps, until a page was measured
const GAP_PX = 6;
const LINE_PX = 20 + GAP_PX; // the boundary line
const [LEAST, LARGEST] = [0.6, 2];
const [LITTLE, MUCH] = [0.03, 0.25]; // shares of a page that were corrected

export class PageSize {
  constructor(list, batchId, scale) {
    Object.assign(this, { list, scale });
    this.areaKey = `shoal.tile-room.${list.closest("[data-project]").dataset.project}`;
    this.factorKey = `shoal.page-factor.${batchId}`;
  }

  get n() {
    const { width, row } = JSON.parse(localStorage.getItem(this.areaKey) ?? "null") ?? TILE;
    const scale = this.scale();
    const style = this.list.querySelector(":scope > .tiles") ?? this.list;
    const { paddingBlockStart: above, paddingBlockEnd: below } = getComputedStyle(style);
    const height = this.list.clientHeight - LINE_PX - parseFloat(above) - parseFloat(below);
    const rows = Math.max(Math.floor(height / (row * scale)) - 1, 1); // the line cuts one row short
    const fits = rows * Math.max(Math.floor(this.list.clientWidth / (width * scale)), 1);
    return Math.floor(Math.min(Math.max(fits * this.#factor, FEWEST), MOST));
  }

  get #factor() {
    return Number(sessionStorage.getItem(this.factorKey)) || 1;
  }

  // How much room tiles take: those of full rows, and rows as high as the highest three quarters in.
  measure(tiles) {
    const places = tiles.map((tile) => tile.getBoundingClientRect());
    const rows = [...Map.groupBy(places, (place) => Math.round(place.bottom)).values()];
    if (!rows.length) return;
    const heights = rows.map((row) => Math.max(...row.map((place) => place.height)) + GAP_PX).toSorted((a, b) => a - b);
    const width = places.reduce((sum, place) => sum + place.width + GAP_PX, 0) / places.length;
    const row = heights[Math.floor((heights.length - 1) * 0.75)];
    const scale = this.scale();
    localStorage.setItem(this.areaKey, JSON.stringify({ width: Math.round(width / scale), row: Math.ceil(row / scale) }));
  }

  // What share of a page was marked otherwise than it had opened.
  learn(share) {
    const step = share < LITTLE ? 1.25 : share > MUCH ? 0.8 : 1;
    sessionStorage.setItem(this.factorKey, Math.min(Math.max(this.#factor * step, LEAST), LARGEST).toFixed(2));
  }
}
