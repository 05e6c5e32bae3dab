// Sets objects aside on a pile that the project shares: a small sheet with the open piles, or a new provisional name.

import { count, element, middleCut } from "./html.js";
import { newId } from "./outbox.js";
import { getJson, postJson } from "./requests.js";
import { toast } from "./toasts.js";

const MOST_OFFERED = 12;

export class SetAside {
  #ids = [];
  #id = newId();
  #open = [];

  // `done(ids, pile)`: they are on that pile.
  constructor(projectId, done = () => {}) {
    Object.assign(this, { project: projectId, done });
    this.url = `/api/v1/projects/${projectId}/piles`;
    this.sheet = this.#makeSheet();
  }

  #makeSheet() {
    this.title = element("h2", { id: "aside-title" });
    this.name = element("input", { name: "name", required: true, maxLength: 200, autocomplete: "off", placeholder: "worm-like, to be asked", "aria-label": "Provisional name" });
    this.offered = element("div", { className: "row aside-piles" });
    const cancel = element("button", { type: "button" }, "Cancel ", element("kbd", {}, "Esc"));
    const actions = element("div", { className: "actions" }, element("button", { type: "submit", className: "primary" }, "Set aside ", element("kbd", {}, "Enter")), cancel);
    const sheet = element("form", { id: "aside-sheet", className: "sheet form", "aria-labelledby": "aside-title" }, this.title, this.name, this.offered, actions);
    sheet.setAttribute("popover", "");
    document.body.append(sheet);
    cancel.addEventListener("click", () => sheet.hidePopover());
    sheet.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send();
    });
    this.offered.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (button) this.#send(this.#open.find((pile) => String(pile.id) === button.dataset.pile));
    });
    return sheet;
  }

  open(ids) {
    this.#ids = ids;
    this.#id = newId();
    this.title.textContent = `Set ${count(ids.length, "object")} aside`;
    this.name.value = "";
    this.sheet.showPopover();
    this.name.focus();
    this.#offer();
  }

  // The latest open piles, each a button.
  async #offer() {
    try {
      this.#open = (await getJson(this.url)).filter((pile) => !pile.closed_at).slice(0, MOST_OFFERED);
    } catch {
      this.#open = [];
    }
    this.offered.replaceChildren(...this.#open.map((pile) => {
      const button = element("button", { type: "button", title: count(pile.n, "object") }, middleCut(pile.name, 40));
      button.dataset.pile = pile.id;
      return button;
    }));
  }

  // A name that an open pile has is that pile.
  async #send(pile = this.#open.find((one) => one.name.toLowerCase() === this.name.value.trim().toLowerCase())) {
    this.sheet.hidePopover();
    try {
      const kept = pile
        ? (await postJson(`${this.url}/${pile.id}/objects`, { ids: this.#ids })).pile
        : await postJson(this.url, { client_id: this.#id, name: this.name.value, ids: this.#ids });
      this.done(this.#ids, kept);
      toast(`${count(this.#ids.length, "object")} set aside on “${kept.name}”, which now holds ${kept.n}.`);
    } catch (error) {
      toast(error.message, { kind: "bad" });
    }
  }
}
