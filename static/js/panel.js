// The panel beside the tiles: how many are selected, the last one large with its facts, and what the keys would do.

import { element, nameCut, parseFragment, thousands } from "./html.js";
import { getHtml } from "./requests.js";
import { labelOf, statusWord } from "./tile.js";

const STANDS_STILL_MS = 250;
const HINT = "Click, draw a band or use the arrows to select. The last one selected shows here.";

export class Panel {
  #abort = null;
  #timer = null;
  #shown = null;
  #incomparable = new WeakSet(); // tiles of which the object's page knows no neighbours

  constructor(board, selection, field) {
    this.selection = selection;
    this.field = field;
    this.project = board.dataset.project;
    for (const id of ["n-selected", "clear", "large", "facts", "neighbours"]) this[id] = document.getElementById(id);
    this.button = (name) => board.querySelector(`[data-command="${name}"]`);
    selection.addEventListener("change", () => this.update());
    field?.addEventListener("taxon", () => this.#sayWhatKeysDo());
    this.clear.addEventListener("click", () => selection.clear());
    this.update();
  }

  update() {
    const n = this.selection.size;
    this["n-selected"].textContent = n ? `${thousands(n)} selected` : "Nothing selected";
    this.clear.hidden = !n;
    this.#sayWhatKeysDo();
    this.#showLast();
  }

  #sayWhatKeysDo() {
    const n = this.selection.size;
    const many = n > 1 ? ` ${thousands(n)}` : "";
    const validate = this.button("validate");
    if (validate) {
      const words = validate.querySelector("span");
      const taxon = this.field.taxon;
      if (taxon) words.replaceChildren(`Validate${many} as `, nameCut(taxon.display_name, taxon.italic));
      else words.textContent = this.field.empty ? `Validate${many}${n ? " as seen" : ""}` : `Validate${many} as…`;
      validate.disabled = !n;
      this.button("doubt").disabled = !n;
    }
    const like = this.button("like");
    const alone = n === 1 && this.#incomparable.has(this.selection.last);
    like.disabled = !n || alone;
    like.title = alone ? "This object has no vector yet: it cannot be compared." : "";
  }

  #showLast() {
    const tile = this.selection.last;
    clearTimeout(this.#timer);
    this.#abort?.abort();
    this.facts.hidden = !tile;
    if (!tile) {
      this.#shown = null;
      this.large.replaceChildren(element("p", { className: "hint" }, HINT));
      this.neighbours.hidden = true;
      return;
    }
    this.facts.replaceChildren(this.#ownFacts(tile));
    if (tile === this.#shown) return;
    this.#shown = tile;
    this.neighbours.hidden = true;
    this.#showLarge(tile);
    this.#timer = setTimeout(() => this.#fetchMore(tile), STANDS_STILL_MS);
  }

  #showLarge(tile) {
    if (!tile.dataset.hash) {
      this.large.replaceChildren(element("span", { className: "no-image" }, "no image"));
      return;
    }
    const source = `/projects/${this.project}/images/${tile.dataset.hash}`;
    const link = element("a", { href: tile.dataset.page, title: "Open the object's page" });
    const image = element("img", { src: source, alt: tile.dataset.name, decoding: "async" });
    // TIFF and the like, which browsers do not show, come as PNG.
    image.addEventListener("error", (event) => {
      event.stopPropagation();
      image.src = `${source}?as=png`;
    }, { once: true });
    link.append(image);
    this.large.replaceChildren(link);
  }

  #ownFacts(tile) {
    const { taxon, italic, status, score } = labelOf(tile);
    const facts = element("dl");
    const say = (word, ...value) => facts.append(element("dt", {}, word), element("dd", {}, ...value));
    say("object", element("a", { href: tile.dataset.page }, nameCut(tile.dataset.name)));
    const words = status === "P" && score ? `predicted ${Number(score).toFixed(2)}` : statusWord(status);
    say("label", taxon ? nameCut(taxon, italic) : "", taxon ? ", " : "", words);
    if (tile.dataset.distance) say("distance", Number(tile.dataset.distance).toFixed(3));
    return facts;
  }

  // What the object's page says in short stands there under data-panel; it is fetched once a tile stays the last one.
  async #fetchMore(tile) {
    this.#abort = new AbortController();
    try {
      const page = parseFragment(await getHtml(tile.dataset.page, { signal: this.#abort.signal }));
      const facts = page.querySelector('[data-panel="facts"]');
      const neighbours = page.querySelector('[data-panel="neighbours"]');
      if (facts) this.facts.append(facts);
      if (neighbours && !neighbours.querySelector(".tile")) this.#incomparable.add(tile);
      this.neighbours.replaceChildren(...(neighbours ? neighbours.children : []));
      this.neighbours.hidden = !this.neighbours.children.length;
      this.#sayWhatKeysDo();
    } catch (error) {
      if (error.name !== "AbortError") this.facts.append(element("p", { className: "quiet small" }, error.message));
    }
  }
}
