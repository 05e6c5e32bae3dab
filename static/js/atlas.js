// The thumbnails of a section of tiles, in one request. Sections far from what is seen give theirs back.
//
// As data URLs: measured, two hundred small pictures show eight times sooner than from blobs, each of which the browser
// fetches through another process.

import { atEnd } from "./page_life.js";
import { checkAnswer } from "./requests.js";

const NEAR_PX = 2000;
const RETRY_MS = 3000;
const PATIENCE_MS = 1500;

export class Atlases {
  #project;
  #watch;
  #images = new WeakMap(); // of each section, in the order of its atlas
  #near = new Map(); // sections in or near view, with what stops their loading
  #begun = Promise.withResolvers();

  constructor(list, project) {
    this.#project = project;
    this.#watch = new IntersectionObserver((entries) => entries.forEach((entry) => this.#moved(entry)), {
      root: list,
      rootMargin: `${NEAR_PX}px`,
    });
    atEnd(() => this.#end());
  }

  #end() {
    this.#watch.disconnect();
    for (const stop of this.#near.values()) stop.abort();
    this.#near.clear();
  }

  // When the first pictures are there, or do not come soon: until then nothing else shall take their place in the queue.
  get begun() {
    setTimeout(this.#begun.resolve, PATIENCE_MS);
    return this.#begun.promise;
  }

  // Before any of its tiles is moved or dropped. `first`: it is in view for certain, and need not wait to be seen there.
  add(section, { first = false } = {}) {
    const images = [...section.querySelectorAll(".picture > img")];
    if (!images.length) return;
    this.#images.set(section, images);
    if (first) this.#begin(section);
    this.#watch.observe(section);
  }

  #begin(section) {
    const stop = new AbortController();
    this.#near.set(section, stop);
    this.#show(section, stop.signal);
  }

  #moved({ target: section, isIntersecting }) {
    if (isIntersecting === this.#near.has(section)) return;
    if (isIntersecting) this.#begin(section);
    else {
      this.#near.get(section).abort();
      this.#near.delete(section);
      for (const image of this.#images.get(section)) {
        image.removeAttribute("src");
        image.closest(".tile")?.classList.remove("original");
      }
    }
  }

  async #show(section, signal) {
    const images = this.#images.get(section);
    try {
      const pictures = await takePictures(section.dataset.atlas, signal);
      if (pictures.length !== images.length) throw new Error("another number of pictures");
      images.forEach((image, k) => {
        image.removeAttribute("loading");
        if (!image.closest(".original")) image.src = pictures[k];
      });
      section.dispatchEvent(new CustomEvent("shoal:pictures", { bubbles: true, detail: images }));
      await images.at(-1).decode().catch(() => {});
      this.#begun.resolve();
    } catch (error) {
      if (signal.aborted) return;
      const again = () => signal.aborted || this.#show(section, signal);
      if (error instanceof TypeError || error.passing) setTimeout(again, RETRY_MS);
      else if (error.needsLogin) addEventListener("shoal:session-back", again, { once: true, signal });
      else this.#showSingly(images);
    }
  }

  // What an object showed has changed, or may not be seen any more: each picture is asked for by itself.
  #showSingly(images) {
    for (const image of images) {
      const { hash } = image.closest(".tile")?.dataset ?? {};
      image.loading = "lazy";
      if (hash) image.src = `/projects/${this.#project}/thumbnails/${hash}`;
    }
  }
}

let early = null; // {url, pictures}: an atlas that was asked for before its section was there

// Pictures of a section that is about to come, which are here already.
export const haveEarly = (url, pictures) => (early = { url, pictures: Promise.resolve(pictures) });

// Settles once the pictures are there or do not come.
export const askEarly = (url, signal) => {
  early = { url, pictures: picturesOf(url, signal) };
  return early.pictures.catch(() => {}); // whoever takes them hears of it
};

const takePictures = (url, signal) => {
  const pictures = early?.url === url ? early.pictures : picturesOf(url, signal);
  early = null;
  return pictures;
};

// As data URLs, in the order of the section's tiles.
export const picturesOf = async (url, signal) => {
  const response = await fetch(url, { signal });
  await checkAnswer(response);
  const body = await response.arrayBuffer();
  const numbers = new DataView(body);
  const n = numbers.getUint32(0, true);
  let start = 4 + 4 * n;
  return Array.from({ length: n }, (_, k) => {
    const file = new Uint8Array(body, start, numbers.getUint32(4 + 4 * k, true));
    start += file.length;
    return `data:image/webp;base64,${base64(file)}`;
  });
};

const base64 = (bytes) => bytes.toBase64?.() ?? btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
