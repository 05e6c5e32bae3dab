// Comments on what is selected, all at once: a small sheet, one request, and the tiles get their sign at once.

import { count } from "./html.js";
import { whileShown } from "./page_life.js";
import { addComments } from "./tile.js";
import { dropToast, toast } from "./toasts.js";

const MOST_OBJECTS = 10_000; // the server's limit for one comment

export class Comments {
  #tiles = [];

  constructor(outbox) {
    this.outbox = outbox;
    this.sheet = document.getElementById("comment-sheet");
    this.text = this.sheet.elements.text;
    this.sheet.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send();
    });
    this.sheet.addEventListener("keydown", (event) => {
      if (!event.code.endsWith("Enter") || event.shiftKey || event.isComposing) return;
      if (!event.target.closest("textarea")) return;
      event.preventDefault();
      if (!event.repeat) this.sheet.requestSubmit();
    });
    this.sheet.querySelector("[data-close]").addEventListener("click", () => this.sheet.hidePopover());
    const hear = (name, then) => outbox.addEventListener(name, ({ detail }) => detail.entry.path === "comments" && then(detail), { signal: whileShown() });
    hear("done", (detail) => this.#done(detail));
    hear("rejected", (detail) => this.#rejected(detail));
  }

  open(tiles) {
    this.#tiles = tiles;
    this.sheet.querySelector("h2").textContent = `Comment on ${count(tiles.length, "object")}`;
    this.sheet.showPopover();
    this.text.focus();
  }

  #send() {
    const text = this.text.value.trim();
    if (!text) return;
    const ids = this.#tiles.map((tile) => Number(tile.dataset.id));
    for (let i = 0; i < ids.length; i += MOST_OBJECTS) {
      this.outbox.add("comments", { objects: ids.slice(i, i + MOST_OBJECTS), text });
    }
    for (const tile of this.#tiles) addComments(tile, 1);
    this.text.value = "";
    this.sheet.hidePopover();
  }

  #done({ outcome }) {
    dropToast("delayed");
    const unknown = outcome.n_unknown ? ` ${count(outcome.n_unknown, "object")} of these no longer exist here.` : "";
    toast(`Comment on ${count(outcome.objects.length, "object")}.${unknown}`);
  }

  #rejected({ entry, error }) {
    for (const id of entry.body.objects) {
      const tile = document.getElementById(`o${id}`);
      if (tile) addComments(tile, -1);
    }
    toast(`The comment was not kept: ${error.message}`, { kind: "bad" });
  }
}
