// Where a tile is shown much larger than its thumbnail, the image itself takes its place as soon as it is in view.

import { atEnd } from "./page_life.js";

const BLURRED_FROM = 1.6; // screen pixels for one of the thumbnail
const THUMBNAIL_PX = 128;
const AHEAD = "400px";

export class Originals {
  #list;
  #project;
  #scale = 1;
  #watch;
  #watched = new WeakSet();

  constructor(list, projectId) {
    this.#list = list;
    this.#project = projectId;
    this.#watch = new IntersectionObserver((entries) => entries.forEach((entry) => this.#seen(entry)), { root: list, rootMargin: AHEAD });
    atEnd(() => this.#watch.disconnect());
    list.addEventListener("shoal:loaded", () => this.#look());
    list.addEventListener("shoal:pictures", ({ detail }) => this.#look(detail.map((image) => image.closest(".tile[data-px]:not(.original)")).filter(Boolean)));
  }

  // How much larger than usual the tiles are shown.
  setScale(scale) {
    this.#scale = scale;
    this.#look();
  }

  #look(tiles = this.#list.querySelectorAll(".tile[data-px]:not(.original)")) {
    if (this.#scale * devicePixelRatio <= 1) return;
    for (const tile of tiles) {
      if (this.#watched.has(tile) || !this.#isBlurred(tile)) continue;
      this.#watched.add(tile);
      this.#watch.observe(tile);
    }
  }

  // data-px: longest side of the image and of the tile's picture.
  #isBlurred(tile) {
    const [image, shown] = tile.dataset.px.split(" ").map(Number);
    return image > THUMBNAIL_PX && (shown * this.#scale * devicePixelRatio) / THUMBNAIL_PX > BLURRED_FROM;
  }

  async #seen({ isIntersecting, target: tile }) {
    if (!isIntersecting) return;
    this.#watch.unobserve(tile);
    this.#watched.delete(tile);
    if (!this.#isBlurred(tile)) return;
    const picture = tile.querySelector(".picture img");
    if (!picture) return;
    if (!picture.getAttribute("src")) await new Promise((loaded) => picture.addEventListener("load", loaded, { once: true }));
    const whole = new Image();
    whole.src = `/projects/${this.#project}/images/${tile.dataset.hash}?as=png`;
    try {
      await whole.decode();
    } catch {
      return; // the thumbnail stays
    }
    picture.src = whole.src;
    tile.classList.add("original");
  }
}
