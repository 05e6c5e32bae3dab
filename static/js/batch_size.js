// How many tiles a page has: as many of those that come next as fit the window, more where little is corrected and fewer
// where much is.

const [FEWEST, MOST] = [12, 200];
const [LEAST, LARGEST] = [0.6, 2];
const STEADY = 0.85; // of what fits
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
  #asked = null; // {where, n} of the latest page
  #isFirst = true;

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
    const n = this.#isFirst && shown?.where === where ? shown.n : this.#steady;
    this.#asked = { where, n };
    return n;
  }

  // The page that was asked for last has tiles, and these come after it.
  keep(coming) {
    sessionStorage.setItem(this.shownKey, JSON.stringify(this.#asked));
    Object.assign(this, { coming });
    this.#isFirst = false;
  }

  // As many as before, where that fits nearly as well: a page of that size is prepared, and its pictures are here.
  get #steady() {
    const n = Math.floor(Math.min(Math.max(this.#fitting * this.#factor, FEWEST), MOST));
    const before = this.#asked?.n ?? 0;
    return before <= n && before >= STEADY * n ? before : n;
  }

  get #room() {
    const { clientWidth, clientHeight } = this.list;
    return { width: clientWidth - AROUND_TILES.inline, height: clientHeight - AROUND_TILES.block - LINE };
  }

  // A calibrated line cuts a row in two.
  get #fitting() {
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
    const usual = Math.floor(room.width / USUAL.width) * Math.floor(room.height / USUAL.row);
    return Math.max(n, usual); // that is all of them
  }

  get #factor() {
    return Number(sessionStorage.getItem(this.factorKey)) || 1;
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
