// Labels what is selected: shown at once, sent through the outbox, and made right by the server's answer.

import { tellDelayed } from "./delayed.js";
import { count, thousands } from "./html.js";
import { whileShown } from "./page_life.js";
import { hearTabs, tellTabs } from "./other_tabs.js";
import { dropToast, toast } from "./toasts.js";
import { tellRefused } from "./refused.js";
import { labelOf, writeLabel } from "./tile.js";

const MOST_OBJECTS = 10_000; // the server's limit for one act
const OURS = new Set(["acts", "undo", "redo"]); // beside comments, and what a batch had left to send

export class Acts extends EventTarget {
  #former = new Map(); // client id -> labels as they were, for the case that the server refuses the act whole
  #unplaced = new Map(); // tile -> label whose taxon the tree does not have yet

  constructor({ outbox, filter, undoButton, redoButton, who }) {
    super();
    this.outbox = outbox;
    this.filter = filter;
    this.who = who;
    this.buttons = { undo: undoButton, redo: redoButton };
    hearTabs(who, "undo", (state) => this.#offerUndo(state));
    const hear = (name, then) => outbox.addEventListener(name, ({ detail }) => then(detail), { signal: whileShown() });
    hear("done", (detail) => OURS.has(detail.entry.path) && this.#done(detail));
    hear("rejected", (detail) => detail.entry.path !== "comments" && !detail.entry.bare && this.#rejected(detail));
    hear("delayed", tellDelayed);
  }

  // `word`: {kind, taxon, status}. Without a taxon the one that is seen is kept; gives the tiles that show none.
  say(tiles, { kind, taxon = null, status }) {
    const meant = kind === "label" ? tiles : tiles.filter((tile) => tile.dataset.status !== "U");
    const left = kind === "label" ? [] : tiles.filter((tile) => tile.dataset.status === "U");
    if (left.length) toast(`${count(left.length, "object")} without a taxon: name one first.`, { kind: "warn", stays: false });
    for (let i = 0; i < meant.length; i += MOST_OBJECTS) this.#send(meant.slice(i, i + MOST_OBJECTS), kind, taxon, status);
    return left;
  }

  #send(tiles, kind, taxon, status) {
    const id = this.outbox.add("acts", {
      kind,
      ...(taxon && { taxon_id: taxon.id }),
      status,
      provenance: tiles.length === 1 ? "single" : "batch",
      objects: tiles.map((tile) => Number(tile.dataset.id)),
      states: tiles.map((tile) => tile.dataset.state),
    });
    this.#former.set(id, new Map(tiles.map((tile) => [tile, labelOf(tile)])));
    for (const tile of tiles) {
      const was = labelOf(tile);
      const named = taxon ? { taxon_id: taxon.id, taxon: taxon.display_name, italic: taxon.italic } : {};
      writeLabel(tile, { ...was, ...named, status, state: null });
      tile.classList.remove("refused");
      tile.classList.add("sending");
    }
  }

  // Whether there is anything to undo the server says: this page knows only of what was done in this browser.
  undo() {
    this.outbox.add("undo");
  }

  redo() {
    this.outbox.add("redo");
  }

  #done({ entry, outcome }) {
    dropToast("delayed");
    this.#former.delete(entry.body.client_id);
    const reversed = entry.path !== "acts";
    if (reversed || outcome.changed.length) this.#clearMarks();
    const waiting = new Set(this.outbox.waiting.flatMap(({ path, body }) => (path === "comments" ? [] : body.objects ?? [])));
    const { provenance } = entry.body;
    for (const object of outcome.changed) this.#show({ ...object, provenance }, waiting, reversed);
    for (const object of outcome.refused) this.#show(object, waiting, false);
    for (const object of entry.body.objects ?? []) if (!waiting.has(object)) tileOf(object)?.classList.remove("sending");
    this.#offerUndo(outcome.undo);
    tellTabs(this.who, "undo", outcome.undo);
    tellRefused(outcome.refused, this.who.account);
    this.dispatchEvent(new CustomEvent("done", { detail: { path: entry.path, outcome } }));
  }

  // What the last undo showed gives way to what this act does.
  #clearMarks() {
    for (const tile of document.querySelectorAll("#tiles .tile.reversed")) {
      tile.classList.remove("reversed");
      if (!tile.closest(".returned")) tile.hidden = "out" in tile.dataset;
    }
  }

  // A later act on the same object is still on its way: what it will say stays on show, only the state moves on.
  // What an undo or redo changed stays to be seen, in its place, even where the filter no longer keeps it.
  #show(object, waiting, reversed) {
    const tile = tileOf(object.id);
    if (!tile || !object.state) return;
    if (waiting.has(object.id)) {
      tile.dataset.state = object.state;
      return;
    }
    const known = labelOf(tile);
    const italic = object.italic ?? object.taxon_italic ?? (known.taxon_id === object.taxon_id && known.italic);
    writeLabel(tile, { ...object, italic, score: object.score ?? null });
    tile.classList.toggle("refused", object.why !== undefined);
    tile.classList.toggle("reversed", reversed);
    const out = object.why === undefined && !this.filter.keeps(object);
    if ("out" in tile.dataset !== out) countOnPage(out ? -1 : 1);
    this.#place(tile, out, reversed);
    if (object.why !== undefined || this.filter.isPlaced(object.taxon_id)) this.#unplaced.delete(tile);
    else this.#unplaced.set(tile, object);
  }

  #place(tile, out, reversed) {
    tile.toggleAttribute("data-out", out);
    tile.hidden = out && !reversed;
  }

  // The tree has new counts, which the page's total is of, and with them the taxa that were new to it.
  lookAgain() {
    for (const [tile, label] of this.#unplaced) {
      if (!this.filter.isPlaced(label.taxon_id)) continue;
      this.#unplaced.delete(tile);
      this.#place(tile, !this.filter.keeps(label), tile.classList.contains("reversed"));
    }
  }

  #offerUndo(state) {
    offerUndo(this.buttons, state);
  }

  #rejected({ entry, error }) {
    for (const [tile, label] of this.#former.get(entry.body.client_id) ?? []) {
      writeLabel(tile, label);
      tile.classList.remove("sending");
    }
    this.#former.delete(entry.body.client_id);
    toast(error.message, { kind: "bad" });
  }
}

// What the keys would take back or do again next, on their buttons.
export const offerUndo = (buttons, state) => {
  for (const [path, button] of Object.entries(buttons)) {
    if (!button) continue;
    button.disabled = !state[path];
    button.title = state[path] ? `${state[path].label}, ${count(state[path].n, "object")}` : "";
  }
};

// What an undo or a redo did: "2 labels", or of one that was about refusals alone "2 times not detritus".
export const reversedWords = (path, { changed, undo }) => {
  const step = path === "undo" ? undo?.redo : undo?.undo; // what was turned stands there now
  if (changed.length || !step?.label.startsWith("not ")) return count(changed.length, "label");
  return `${count(step.n, "time")} ${step.label}`;
};

const countOnPage = (by) => {
  const total = document.getElementById("n-total");
  total.textContent = thousands(Number(total.textContent.replace(/\D/g, "")) + by);
};

const tileOf = (id) => document.getElementById(`o${id}`);
