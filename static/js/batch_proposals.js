// What the marked may be called: asked anew a moment after other tiles were marked, since it is their own neighbours
// that propose. Without marks, what the page came with stands there.

import { parseFragment } from "./html.js";
import { showOwnKeys } from "./key_map.js";
import { getHtml } from "./requests.js";

const MOMENT_MS = 200;
const MOST_ASKED = 200; // more of them would say the same

export class Proposals {
  #timer = null;
  #asking = null;
  #ofPage = null;
  #about = ""; // ids whose proposals stand there

  constructor(root, place, marks) {
    Object.assign(this, { root, place, marks });
    marks.addEventListener("change", () => this.#changed());
  }

  // A new page, with the proposals for those before its line.
  open(list, line) {
    this.#ofPage = list;
    this.#about = idsOf(this.marks.selection.shown().slice(0, line));
    this.#show(list);
    this.#changed();
  }

  get buttons() {
    return this.place.querySelectorAll("button");
  }

  #changed() {
    clearTimeout(this.#timer);
    this.#asking?.abort();
    this.#timer = setTimeout(() => this.#ask(), MOMENT_MS);
  }

  async #ask() {
    const ids = idsOf(this.marks.marked);
    if (ids === this.#about || !this.#ofPage) return;
    if (!ids) {
      this.#about = ids;
      return this.#show(this.#ofPage);
    }
    this.#asking = new AbortController();
    const { project, batch } = this.root.dataset;
    try {
      const html = await getHtml(`/projects/${project}/batches/${batch}/proposals?ids=${ids}`, { signal: this.#asking.signal });
      this.#about = ids;
      this.#show(parseFragment(html).querySelector("[data-part]"));
    } catch {
      // Those that stand there may do as well.
    }
  }

  #show(list) {
    this.place.replaceChildren(...[...list.children].map((line) => line.cloneNode(true)));
    showOwnKeys(this.place);
  }
}

const idsOf = (tiles) => tiles.slice(0, MOST_ASKED).map((tile) => tile.dataset.id).join(",");
