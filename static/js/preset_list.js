// <taxa-presets>: a project's preset taxa in their order: added by name, moved by drag or Alt and the arrows, removed.
// Every change is sent at once, one after the other; one that fails is taken back and said.

import { element } from "./html.js";
import { getJson, putJson } from "./requests.js";
import "./taxon_field.js";
import { dropToast, toast } from "./toasts.js";

class PresetList extends HTMLElement {
  #list;
  #field;
  #sent = Promise.resolve();
  #kept = []; // as the server has it: [{id, display_name, italic}]
  #nWaiting = 0;
  #isBehind = false; // an older list is shown than the server will have
  #dragged = null;

  connectedCallback() {
    this.#list = this.querySelector("ol");
    this.#field = this.querySelector("taxon-field");
    this.#kept = this.#items.map((item) => this.#taxonOf(item));
    this.#render(this.#kept);
    this.#field.addEventListener("taxon", () => this.#chosen());
    this.#field.addEventListener("apply", () => this.#field.resolve());
    this.addEventListener("click", (event) => this.#click(event));
    this.#list.addEventListener("keydown", (event) => this.#key(event));
    for (const name of ["dragstart", "dragover", "drop", "dragend"]) {
      this.#list.addEventListener(name, (event) => this.#drag(event));
    }
  }

  get #items() {
    return [...this.#list.children];
  }

  get #shown() {
    return this.#items.map((item) => this.#taxonOf(item));
  }

  #taxonOf(item) {
    const name = item.querySelector(".taxon");
    return { id: Number(item.dataset.taxonId), display_name: item.dataset.name, italic: name.classList.contains("italic") };
  }

  #render(taxa) {
    this.#list.replaceChildren(...taxa.map((taxon) => this.#row(taxon)));
    this.querySelector(".none").hidden = taxa.length > 0;
    this.querySelector("[data-do=clear]").hidden = taxa.length === 0;
    const first = this.#items[0];
    if (first) first.tabIndex = 0;
  }

  #row(taxon) {
    const button = (what, sign, words) => {
      const made = element("button", { type: "button", className: "plain", tabIndex: -1 }, sign);
      made.dataset.do = what;
      made.setAttribute("aria-label", `${words} ${taxon.display_name}`);
      return made;
    };
    const name = element("span", { className: `taxon${taxon.italic ? " italic" : ""}`, title: taxon.display_name }, taxon.display_name);
    const row = element(
      "li", { tabIndex: -1, draggable: true }, name, button("up", "↑", "Move up:"), button("down", "↓", "Move down:"),
      button("remove", "✕", "Remove"),
    );
    row.dataset.taxonId = taxon.id;
    row.dataset.name = taxon.display_name;
    row.setAttribute("aria-keyshortcuts", "Alt+ArrowUp Alt+ArrowDown Delete");
    return row;
  }

  #chosen() {
    const taxon = this.#field.taxon;
    if (!taxon) return;
    this.#field.clear();
    if (this.#shown.some((one) => one.id === taxon.id)) toast(`${taxon.display_name} is in the list.`, { key: "presets" });
    else this.#change([...this.#shown, taxon], this.#shown.length, false);
  }

  // Shows the list as it is to be, and sends it; `focus` is the place whose row gets the focus.
  #change(taxa, focus = -1, takeFocus = true) {
    const before = this.#shown;
    this.#render(taxa);
    const row = this.#items[Math.min(focus, taxa.length - 1)];
    row?.scrollIntoView({ block: "nearest" });
    if (row && takeFocus) this.#focus(row);
    this.#nWaiting += 1;
    this.#sent = this.#sent.then(() => this.#send(taxa.map((taxon) => taxon.id)));
    return before;
  }

  async #send(ids) {
    try {
      this.#kept = await putJson(`/projects/${this.dataset.project}/presets`, { taxa: ids });
      if (this.#isBehind) this.#catchUp();
    } catch (error) {
      this.#isBehind = this.#nWaiting > 1;
      this.#render(this.#kept);
      toast(`${error.message} The list is as it was.`, { kind: "bad", key: "presets" });
    } finally {
      this.#nWaiting -= 1;
    }
  }

  // Each change holds the whole list: one that is kept brings those with it that failed before.
  #catchUp() {
    this.#render(this.#kept);
    dropToast("presets");
    this.#isBehind = this.#nWaiting > 1;
  }

  #focus(row) {
    for (const item of this.#items) item.tabIndex = item === row ? 0 : -1;
    row.focus();
  }

  #click(event) {
    const what = event.target.closest("[data-do]")?.dataset.do;
    const place = this.#items.indexOf(event.target.closest("li"));
    if (what === "up") this.#move(place, place - 1);
    else if (what === "down") this.#move(place, place + 1);
    else if (what === "remove") this.#remove(place);
    else if (what === "validated") this.#addValidated();
    else if (what === "clear") this.#clear();
    else if (place >= 0) this.#focus(this.#items[place]);
  }

  #key(event) {
    const place = this.#items.indexOf(event.target.closest("li"));
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.code];
    if (place < 0 || event.ctrlKey || event.metaKey) return;
    if (step && event.altKey) this.#move(place, place + step);
    else if (step && this.#items[place + step]) this.#focus(this.#items[place + step]);
    else if (event.code === "Delete") this.#remove(place);
    else if (!step) return;
    event.preventDefault();
  }

  #move(from, to) {
    const taxa = this.#shown;
    if (to < 0 || to >= taxa.length || from === to) return;
    taxa.splice(to, 0, ...taxa.splice(from, 1));
    this.#change(taxa, to);
  }

  #remove(place) {
    const taxa = this.#shown;
    const [gone] = taxa.splice(place, 1);
    const before = this.#change(taxa, place);
    if (!taxa.length) this.#field.focus();
    this.#offerBack(before, `${gone.display_name} is out of the list.`);
  }

  #clear() {
    const before = this.#change([]);
    this.#field.focus();
    this.#offerBack(before, "The list is empty.");
  }

  #offerBack(before, words) {
    toast(words, { key: "presets", action: { text: "Put back", run: () => this.#change(before, 0) } });
  }

  async #addValidated() {
    try {
      const found = await getJson(`/projects/${this.dataset.project}/presets/validated`);
      const here = new Set(this.#shown.map((taxon) => taxon.id));
      const added = found.filter((taxon) => !here.has(taxon.id));
      if (added.length) this.#change([...this.#shown, ...added], here.size, false);
      const words = `${added.length} ${added.length === 1 ? "taxon" : "taxa"} added.`;
      toast(added.length ? words : "All taxa with validated objects are in the list.", { key: "presets" });
    } catch (error) {
      toast(error.message, { kind: "bad", key: "presets" });
    }
  }

  #drag(event) {
    const row = event.target.closest?.("li");
    if (event.type === "dragstart" && row) {
      this.#dragged = row;
      event.dataTransfer.effectAllowed = "move";
      event.dataTransfer.setData("text/plain", row.dataset.name);
      row.classList.add("dragged");
    }
    if (!this.#dragged) return;
    const from = this.#items.indexOf(this.#dragged);
    const over = row && this.#items.indexOf(row);
    for (const item of this.#items) item.classList.remove("before", "after");
    if (event.type === "dragover" && row) {
      event.preventDefault();
      if (over !== from) row.classList.add(over < from ? "before" : "after");
    } else if (event.type === "drop" && row) {
      event.preventDefault();
      this.#move(from, over);
    } else if (event.type === "dragend") {
      this.#dragged.classList.remove("dragged");
      this.#dragged = null;
    }
  }
}

customElements.define("taxa-presets", PresetList);
