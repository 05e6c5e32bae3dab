// <zoom-image>: one image, zoomed by wheel, buttons and keys, moved by dragging and arrows, with a true scale bar.

import { element } from "./html.js";
import { inWords, roundDown } from "./scale_bar.js";

const STEP = 1.25;
const MOST = 32; // screen pixels for one of the image
const SHARP_FROM = 3; // from here on pixels show as squares, as people who measure want them
const BAR_PX = 160;

class ZoomImage extends HTMLElement {
  #image;
  #scale = 1;
  #left = 0;
  #top = 0;
  #fitted = true;
  #from = null;

  connectedCallback() {
    this.#image = this.querySelector("img");
    this.size = { width: Number(this.dataset.width), height: Number(this.dataset.height) };
    // One too large for a browser comes reduced: it takes the original's place all the same.
    Object.assign(this.#image, this.size);
    this.append(this.#tools());
    if (this.dataset.pixelSizeUm) this.bar = this.appendChild(element("div", { className: "zoom-scale" }));
    this.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    this.addEventListener("keydown", (event) => this.key(event));
    this.#wireDrag();
    this.#image.addEventListener("error", () => this.#broken());
    if (this.#image.complete && !this.#image.naturalWidth) this.#broken();
    new ResizeObserver(() => this.#fitted && this.fit()).observe(this);
    this.fit();
  }

  #broken() {
    this.#image.replaceWith(element("span", { className: "no-image" }, "This image cannot be shown."));
  }

  #tools() {
    this.shown = element("output", { ariaLabel: "zoom" });
    const button = (text, label, run) => {
      const made = element("button", { type: "button", ariaLabel: label, title: label }, text);
      made.addEventListener("click", run);
      return made;
    };
    return element("div", { className: "zoom-tools" }, this.shown,
      button("−", "Zoom out (−)", () => this.zoom(1 / STEP)),
      button("+", "Zoom in (+)", () => this.zoom(STEP)),
      button("1:1", "One screen pixel for one of the image (1)", () => this.zoom(1 / this.#scale)),
      button("fit", "Fit (0)", () => this.fit()));
  }

  get #frame() {
    return { width: this.clientWidth, height: this.clientHeight };
  }

  fit() {
    const frame = this.#frame;
    this.#fitted = true;
    this.#scale = Math.min(frame.width / this.size.width, frame.height / this.size.height, 8);
    this.#left = (frame.width - this.size.width * this.#scale) / 2;
    this.#top = (frame.height - this.size.height * this.#scale) / 2;
    this.#draw();
  }

  // The point of the image under (x, y) stays where it is.
  zoom(by, x = this.clientWidth / 2, y = this.clientHeight / 2) {
    const scale = Math.min(Math.max(this.#scale * by, 0.02), MOST);
    this.#left = x - ((x - this.#left) * scale) / this.#scale;
    this.#top = y - ((y - this.#top) * scale) / this.#scale;
    this.#scale = scale;
    this.#fitted = false;
    this.#draw();
  }

  move(right, down) {
    this.#left += right;
    this.#top += down;
    this.#fitted = false;
    this.#draw();
  }

  #draw() {
    const frame = this.#frame;
    const keep = (at, room, length) => Math.min(Math.max(at, 40 - length), room - 40);
    this.#left = keep(this.#left, frame.width, this.size.width * this.#scale);
    this.#top = keep(this.#top, frame.height, this.size.height * this.#scale);
    this.#image.style.transform = `translate(${this.#left}px, ${this.#top}px) scale(${this.#scale})`;
    this.classList.toggle("pixels", this.#scale >= SHARP_FROM);
    this.shown.value = `${Math.round(this.#scale * 100)} %`;
    if (this.bar) this.#drawBar();
  }

  #drawBar() {
    const umPerPx = Number(this.dataset.pixelSizeUm) / this.#scale;
    const um = roundDown(umPerPx * BAR_PX);
    this.bar.style.width = `${um / umPerPx}px`;
    this.bar.textContent = inWords(um);
  }

  #wheel(event) {
    event.preventDefault();
    const frame = this.getBoundingClientRect();
    this.zoom(Math.exp(-event.deltaY / 400), event.clientX - frame.left, event.clientY - frame.top);
  }

  #wireDrag() {
    this.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || event.target.closest(".zoom-tools")) return;
      this.#from = event;
      this.setPointerCapture(event.pointerId);
    });
    this.addEventListener("pointermove", (event) => {
      if (!this.#from) return;
      this.move(event.clientX - this.#from.clientX, event.clientY - this.#from.clientY);
      this.#from = event;
    });
    for (const name of ["pointerup", "pointercancel"]) this.addEventListener(name, () => (this.#from = null));
  }

  // Where the page hands on a key that the image did not get itself, arrows stay the page's: they scroll it.
  key(event, { arrows = true } = {}) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (!arrows && event.key.startsWith("Arrow")) return;
    const run = {
      "+": () => this.zoom(STEP), "=": () => this.zoom(STEP), "-": () => this.zoom(1 / STEP),
      0: () => this.fit(), 1: () => this.zoom(1 / this.#scale),
      ArrowLeft: () => this.move(60, 0), ArrowRight: () => this.move(-60, 0),
      ArrowUp: () => this.move(0, 60), ArrowDown: () => this.move(0, -60),
    }[event.key];
    if (!run) return;
    event.preventDefault();
    run();
  }
}

customElements.define("zoom-image", ZoomImage);
