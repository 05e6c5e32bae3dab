// How many tiles a page has: what fits the window, more where little is corrected and fewer where much is. The first page
// is as large as the tiles that come next have room; the next ones as those before them showed.

const [FEWEST, MOST] = [12, 200];
const [LEAST, LARGEST] = [0.6, 2];
const [LITTLE, MUCH] = [0.03, 0.25]; // shares of a page that were corrected

// In pixels, as static/css/tiles.css, board.css and batch.css draw them.
const GAP = 6;
const AROUND_TILES = { inline: 18, block: 16 };
const LINE = 20 + GAP; // the boundary line
const PICTURE = { padding: 10, least: 48, leastWidth: 112 };
const CAPTION = { padding: 5, line: 16, beside: 56, letter: 6.6 }; // beside the name: its sign, and a figure
const STACK = { columns: 5, row: 30, width: 128 };
const USUAL = { width: 140, row: 168 }; // of a tile with its gaps, where nothing tells

export class PageSize {
  #measured = null;
  #asked = null;

  // `coming`: {tiles, has_line}, of each of the next tiles [width, height, letters, others in its stack].
  constructor(list, batchId, scale, coming, { isCaptioned }) {
    Object.assign(this, { list, scale, coming, isCaptioned });
    this.factorKey = `shoal.page-factor.${batchId}`;
    this.shownKey = `shoal.page-shown.${batchId}`;
  }

  // How many the next page shall have. Where a batch is opened again in the same window, as many as the page that it had
  // shown, so that this stays what it was.
  ask() {
    const where = `${innerWidth} ${innerHeight} ${this.scale()}`;
    const shown = JSON.parse(sessionStorage.getItem(this.shownKey) ?? "null");
    const n = !this.#measured && shown?.where === where ? shown.n : this.#fitting;
    this.#asked = { where, n };
    return n;
  }

  // The page that was asked for last has tiles.
  keep() {
    sessionStorage.setItem(this.shownKey, JSON.stringify(this.#asked));
  }

  get #fitting() {
    const fits = this.#measured ? this.#asMeasured(this.#measured) : this.#asTheyCome();
    return Math.floor(Math.min(Math.max(fits * this.#factor, FEWEST), MOST));
  }

  get #room() {
    const { clientWidth, clientHeight } = this.list;
    return { width: clientWidth - AROUND_TILES.inline, height: clientHeight - AROUND_TILES.block - LINE };
  }

  // A calibrated line cuts a row in two.
  #asMeasured({ width, row, hasLine }) {
    const [scale, room] = [this.scale(), this.#room];
    const rows = Math.max(Math.floor(room.height / (row * scale)) - (hasLine ? 1 : 0), 1);
    return rows * Math.max(Math.floor(room.width / (width * scale)), 1);
  }

  #asTheyCome() {
    const room = this.#room;
    const { tiles, has_line: hasLine } = this.coming;
    let [n, used, highest] = [0, 0, 0];
    for (const row of rowsOf(tiles.map((size) => tileOf(size, this.scale())), room.width)) {
      const height = heightOf(row, room.width, this.isCaptioned);
      highest = Math.max(highest, height);
      if (used + height + (hasLine ? highest : 0) > room.height) return n;
      used += height;
      n += row.length;
    }
    return Math.max(n, this.#asMeasured({ ...USUAL, hasLine })); // that is all of them
  }

  get #factor() {
    return Number(sessionStorage.getItem(this.factorKey)) || 1;
  }

  // How much room tiles take: those of full rows, and rows as high as the highest three quarters in.
  measure(tiles, { hasLine }) {
    const places = tiles.map((tile) => tile.getBoundingClientRect());
    const rows = [...Map.groupBy(places, (place) => Math.round(place.bottom)).values()];
    if (!rows.length) return;
    const heights = rows.map((row) => Math.max(...row.map((place) => place.height)) + GAP).toSorted((a, b) => a - b);
    const width = places.reduce((sum, place) => sum + place.width + GAP, 0) / places.length;
    const row = heights[Math.floor((heights.length - 1) * 0.75)];
    const scale = this.scale();
    this.#measured = { width: Math.round(width / scale), row: Math.ceil(row / scale), hasLine };
  }

  // What share of a page was marked otherwise than it had opened.
  learn(share) {
    const step = share < LITTLE ? 1.25 : share > MUCH ? 0.8 : 1;
    sessionStorage.setItem(this.factorKey, Math.min(Math.max(this.#factor * step, LEAST), LARGEST).toFixed(2));
  }
}

const tileOf = ([width, height, letters, others], scale) => ({
  width: Math.max((width + PICTURE.padding) * scale, PICTURE.leastWidth * Math.min(1, scale), others ? STACK.width : 0),
  height: Math.max(height + PICTURE.padding, PICTURE.least) * scale + Math.ceil(others / STACK.columns) * STACK.row,
  letters,
});

// As the flow fills them.
const rowsOf = (tiles, room) => {
  const rows = [];
  let left = 0;
  for (const tile of tiles) {
    if (tile.width > left || !rows.length) {
      rows.push([]);
      left = room;
    }
    rows.at(-1).push(tile);
    left -= tile.width + GAP;
  }
  return rows;
};

// Tiles grow to fill their row, and so have more room for their names.
const heightOf = (row, room, isCaptioned) => {
  const grown = (room + GAP - row.reduce((sum, tile) => sum + tile.width + GAP, 0)) / row.length;
  const caption = ({ width, letters }) => CAPTION.padding + CAPTION.line * (letters * CAPTION.letter > width + grown - CAPTION.beside ? 2 : 1);
  return Math.max(...row.map((tile) => tile.height + (isCaptioned ? caption(tile) : 0))) + GAP;
};
