// Contrast and inversion of images. The stretch is each image's own: its 1st and 99th percentile of luminance become
// black and white, by a linear CSS filter. Only what comes into view is measured, a few images a frame.

import { atEnd } from "./page_life.js";
import { savePreference } from "./preferences.js";

const SIDE_PX = 64; // what is measured of each image
const AHEAD_PX = 400;
const BUDGET_MS = 5; // a frame
const LOW = 0.01;
const HIGH = 0.99;
const LEAST_RANGE = 0.04; // an image of one grey has nothing to stretch

const sheet = document.createElement("canvas");
sheet.width = sheet.height = SIDE_PX;
const pen = sheet.getContext("2d", { willReadFrequently: true });

// The filter that stretches what `image` shows; "" where there is nothing to stretch or nothing can be read.
export const stretchOf = (image) => {
  try {
    pen.clearRect(0, 0, SIDE_PX, SIDE_PX);
    pen.drawImage(image, 0, 0, SIDE_PX, SIDE_PX);
    const [low, high] = percentiles(pen.getImageData(0, 0, SIDE_PX, SIDE_PX).data);
    return filterOf(low, high);
  } catch {
    return ""; // broken, or not loaded any more
  }
};

const percentiles = (pixels) => {
  const n = new Uint32Array(256);
  let total = 0;
  for (let i = 0; i < pixels.length; i += 4) {
    if (pixels[i + 3] < 128) continue;
    n[(pixels[i] * 54 + pixels[i + 1] * 183 + pixels[i + 2] * 19) >> 8] += 1;
    total += 1;
  }
  const level = (share) => {
    let seen = 0;
    for (let grey = 0; grey < 256; grey += 1) if ((seen += n[grey]) >= share * total) return grey / 255;
    return 1;
  };
  return total ? [level(LOW), level(HIGH)] : [0, 1];
};

// (x - low) / (high - low), which CSS says as brightness, then contrast around the middle.
const filterOf = (low, high) => {
  if (high - low < LEAST_RANGE || (low < 0.005 && high > 0.995)) return "";
  const gain = 1 / (high - low);
  const contrast = 1 + 2 * gain * low;
  return `brightness(${(gain / contrast).toFixed(4)}) contrast(${contrast.toFixed(4)})`;
};

export class Contrast {
  #waiting = new Set();
  #frame = null;
  #watch;

  // `root`: what holds the pictures, and its classes stretched and inverted; `scroller`: what they scroll in.
  constructor(root, projectId, { scroller = null, pictures }) {
    Object.assign(this, { root, projectId, scroller, pictures });
    this.buttons = document.querySelectorAll('[data-command="contrast"], [data-command="invert"]');
    const options = { root: scroller, rootMargin: `${AHEAD_PX}px` };
    this.#watch = new IntersectionObserver((entries) => this.#seen(entries), options);
    atEnd(() => this.#watch.disconnect());
    scroller?.addEventListener("shoal:loaded", () => this.look());
    this.#apply(root.dataset.contrast === "yes", root.dataset.invert === "yes");
  }

  get stretched() {
    return this.root.classList.contains("stretched");
  }

  get inverted() {
    return this.root.classList.contains("inverted");
  }

  toggle(name) {
    const [contrast, invert] = [this.stretched !== (name === "contrast"), this.inverted !== (name === "invert")];
    this.#apply(contrast, invert);
    if (this.projectId) savePreference(this.projectId, { contrast, invert });
  }

  #apply(contrast, invert) {
    this.root.classList.toggle("stretched", contrast);
    this.root.classList.toggle("inverted", invert);
    for (const button of this.buttons) {
      button.setAttribute("aria-pressed", String(button.dataset.command === "contrast" ? contrast : invert));
    }
    if (contrast) this.look();
  }

  // Pictures that were not measured yet: those that scroll once they are near, the few others at once.
  look() {
    if (!this.stretched) return;
    for (const picture of this.root.querySelectorAll(this.pictures)) {
      if (isMeasured(picture)) continue;
      if (!this.scroller || this.scroller.contains(picture)) this.#watch.observe(picture);
      else this.measure(picture);
    }
  }

  #seen(entries) {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      this.#watch.unobserve(target);
      this.measure(target);
    }
  }

  // Its picture may still be on its way, with or without an address.
  measure(picture) {
    if (picture.naturalWidth === 0) return picture.addEventListener("load", () => this.measure(picture), { once: true });
    this.#waiting.add(picture);
    this.#frame ??= requestAnimationFrame(() => this.#some());
  }

  #some() {
    const until = performance.now() + BUDGET_MS;
    const found = [];
    for (const picture of this.#waiting) {
      this.#waiting.delete(picture);
      found.push([picture, stretchOf(picture)]);
      if (performance.now() > until) break;
    }
    for (const [picture, filter] of found) picture.style.setProperty("--stretch", filter || "brightness(1)");
    this.#frame = this.#waiting.size ? requestAnimationFrame(() => this.#some()) : null;
  }
}

const isMeasured = (picture) => picture.style.getPropertyValue("--stretch") !== "";
