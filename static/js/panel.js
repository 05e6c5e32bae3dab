// The panel beside the tiles: how many are selected, the last one large with its facts, and what the keys would do.

import { element, nameCut, thousands } from "./html.js";
import { factsOf, ownFacts } from "./object_facts.js";

const STANDS_STILL_MS = 250;
const MOST_DELETED = 2000; // their numbers go into an address
const HINT = "Click, draw a band or use the arrows to select. The last one selected shows here.";

export class Panel {
  #abort = null;
  #timer = null;
  #shown = null;
  #incomparable = new WeakSet(); // tiles without a vector

  constructor(board, selection, field, contrast) {
    Object.assign(this, { selection, field, contrast });
    this.project = board.dataset.project;
    for (const id of ["n-selected", "clear", "large", "facts", "neighbours", "suggestions"]) this[id] = document.getElementById(id);
    // Looked for in the panel alone: on the way to it through the whole board lie thousands of tiles.
    const commands = board.querySelector(".panel > .commands");
    this.button = (name) => commands.querySelector(`[data-command="${name}"]`);
    this.deletion = document.getElementById("delete-selected");
    this.deletion?.addEventListener("submit", () => {
      this.deletion.elements.ids.value = selection.tiles.map((tile) => tile.dataset.id).join(" ");
    });
    selection.addEventListener("change", () => this.update());
    field?.addEventListener("taxon", () => this.#sayWhatKeysDo());
    this.clear.addEventListener("click", () => selection.clear());
    // The tiles keep the focus, so that Enter is theirs.
    this.suggestions?.addEventListener("pointerdown", (event) => event.preventDefault());
    this.suggestions?.addEventListener("click", (event) => this.#take(event.target.closest("button")));
    this.update();
  }

  update() {
    const n = this.selection.size;
    this["n-selected"].textContent = n ? `${thousands(n)} selected` : "Nothing selected";
    this.clear.hidden = !n;
    this.#sayWhatKeysDo();
    this.#showLast();
  }

  #take(button) {
    if (!button) return;
    const { taxonId, taxon } = button.dataset;
    this.field.choose({ id: Number(taxonId), display_name: taxon, italic: "italic" in button.dataset });
  }

  #sayWhatKeysDo() {
    const n = this.selection.size;
    const validate = this.button("validate");
    if (validate) {
      const words = validate.querySelector("span");
      const { taxon, empty } = this.field;
      // Without a name only what shows a taxon can be said to be as seen.
      const named = empty ? this.selection.tiles.filter((tile) => tile.dataset.status !== "U").length : n;
      const many = (named || n) > 1 ? ` ${thousands(named || n)}` : "";
      if (taxon) words.replaceChildren(`Validate${many} as `, nameCut(taxon.display_name, taxon.italic));
      else words.textContent = `Validate${many}${!n ? "" : empty && named ? " as seen" : " as…"}`;
      validate.disabled = !named;
      this.button("doubt").disabled = !named;
    }
    const like = this.button("like");
    const alone = n === 1 && this.#incomparable.has(this.selection.last);
    like.disabled = !n || alone;
    like.title = alone ? "This object has no vector yet: it cannot be compared." : "";
    this.#sayWhatIsDeleted(n);
    const batch = this.button("batch");
    if (batch) batch.title = n ? "Work what is like the selected, page by page" : "Work what is shown here, page by page";
  }

  // A look at which these are comes first, on the bin's page.
  #sayWhatIsDeleted(n) {
    if (!this.deletion) return;
    const button = this.deletion.ownerDocument.querySelector("[form=delete-selected]");
    button.disabled = !n || n > MOST_DELETED;
    button.title = n > MOST_DELETED ? `More than ${thousands(MOST_DELETED)}: delete them by a condition, under Settings, Delete.` : "Look what goes, then into the bin for 30 days";
  }

  #showLast() {
    const tile = this.selection.last;
    clearTimeout(this.#timer);
    this.#abort?.abort();
    this.facts.hidden = !tile;
    if (!tile) {
      this.#shown = null;
      this.facts.replaceChildren(); // its place is kept, and would go on saying what no longer holds
      this.large.replaceChildren(element("p", { className: "hint" }, HINT));
      this.#showMore({});
      return;
    }
    this.facts.replaceChildren(ownFacts(tile));
    this.#timer = setTimeout(() => this.#fetchMore(tile), STANDS_STILL_MS);
    if (tile === this.#shown) return;
    this.#shown = tile;
    this.#showMore({});
    this.#showLarge(tile);
  }

  #showLarge(tile) {
    if (!tile.dataset.hash) {
      this.large.replaceChildren(element("span", { className: "no-image" }, "no image"));
      return;
    }
    const link = element("a", { href: tile.dataset.page, title: "Open the object's page" });
    const image = element("img", { alt: tile.dataset.name, decoding: "async", src: `/projects/${this.project}/images/${tile.dataset.hash}?as=png` });
    link.append(image);
    this.large.replaceChildren(link);
    this.contrast.look();
  }

  // Asked for once a tile stays the last one.
  async #fetchMore(tile) {
    this.#abort = new AbortController();
    try {
      const more = await factsOf(tile, this.#abort.signal);
      if (tile !== this.#shown) return;
      this.facts.replaceChildren(ownFacts(tile), more.facts ?? "");
      if (more.neighbours && "incomparable" in more.neighbours.dataset) this.#incomparable.add(tile);
      this.#showMore(more);
      this.#sayWhatKeysDo();
    } catch (error) {
      if (error.name !== "AbortError") this.facts.append(element("p", { className: "quiet small" }, error.message));
    }
  }

  #showMore({ neighbours = null, suggestions = null }) {
    this.neighbours.replaceChildren(...(neighbours?.children ?? []));
    this.suggestions?.replaceChildren(...(suggestions?.children ?? []));
    this.contrast.look();
  }
}
