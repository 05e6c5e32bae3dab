// What is in one card: its objects in the panel, of which one selects those that shall leave it. Emits "change".

import { picturesOf } from "./atlas.js";
import { parseFragment } from "./html.js";
import { getHtml } from "./requests.js";
import { toast } from "./toasts.js";

export class Inside extends EventTarget {
  #abort = null;
  #at = 0;

  constructor(root, where) {
    super();
    this.root = root;
    this.where = where; // {project, run}
    root.addEventListener("click", (event) => this.#toggle(event.target.closest(".cell")));
    root.addEventListener("keydown", (event) => this.#key(event));
  }

  get card() {
    return Number(this.root.querySelector(".members")?.dataset.card) || null;
  }

  get chosen() {
    return [...this.root.querySelectorAll('.cell[aria-selected="true"]')].map((cell) => Number(cell.dataset.id));
  }

  get hasFocus() {
    return this.root.contains(document.activeElement);
  }

  close() {
    this.#abort?.abort();
    this.root.replaceChildren();
    this.dispatchEvent(new Event("change"));
  }

  async open(card) {
    this.#abort?.abort();
    const { signal } = (this.#abort = new AbortController());
    const { project, run } = this.where;
    try {
      const html = await getHtml(`/projects/${project}/clusters/members?run=${run}&card=${card}`, { signal });
      this.root.replaceChildren(...parseFragment(html).childNodes);
      this.#at = 0;
      this.dispatchEvent(new Event("change"));
      const list = this.root.querySelector(".member-list");
      this.#mark();
      list.focus({ preventScroll: true });
      await this.#show(list, signal);
    } catch (error) {
      if (error.name !== "AbortError") toast(error.message, { kind: "warn", key: "inside" });
    }
  }

  async #show(list, signal) {
    if (!list.dataset.atlas) return;
    const images = [...list.querySelectorAll("img")];
    const pictures = await picturesOf(list.dataset.atlas, signal);
    images.forEach((image, k) => (image.src = pictures[k]));
  }

  get #cells() {
    return [...this.root.querySelectorAll(".cell")];
  }

  #toggle(cell) {
    if (!cell) return;
    this.#at = this.#cells.indexOf(cell);
    cell.setAttribute("aria-selected", String(cell.getAttribute("aria-selected") !== "true"));
    this.#mark();
    this.dispatchEvent(new Event("change"));
  }

  #mark() {
    for (const [k, cell] of this.#cells.entries()) cell.classList.toggle("cursor", k === this.#at);
    this.#cells[this.#at]?.scrollIntoView({ block: "nearest" });
  }

  #key(event) {
    const cells = this.#cells;
    if (event.code === "Space" && !event.shiftKey) this.#toggle(cells[this.#at]);
    else {
      const columns = cells.findIndex((cell) => cell.offsetTop > cells[0].offsetTop);
      const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -Math.max(columns, 1), ArrowDown: Math.max(columns, 1) }[event.code];
      if (!step) return;
      this.#at = Math.min(Math.max(this.#at + step, 0), cells.length - 1);
      this.#mark();
    }
    event.preventDefault();
    event.stopPropagation();
  }
}
