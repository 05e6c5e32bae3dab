// The + filter sheet: first what kind of condition, then its values; a chip that is clicked opens it filled in.

import { commandOf } from "./keys.js";
import "./choice_field.js";
import { fill, faultOf, noteOf, read, showSlides, slid } from "./filter_values.js";
import { whileShown } from "./page_life.js";
import { getJson } from "./requests.js";
import { wireSheet } from "./sheet.js";
import { takesText } from "./typing.js";

export class FilterSheet {
  #filter;
  #form;
  #chip = null; // the chip that is being edited, or null where a new condition is made
  #condition = "";
  #part = null;

  constructor(filter) {
    this.#filter = filter;
    this.#form = document.getElementById("add-filter");
    this.kinds = this.#form.querySelector(".kinds choice-field");
    wireSheet(this.#form, () => this.#chip?.querySelector(".edit") ?? document.querySelector(".add-filter"), () => this.#opened());
    this.#form.addEventListener("toggle", (event) => event.newState === "closed" && (this.#chip = null));
    this.kinds.addEventListener("choose", ({ detail }) => this.#ask(detail.value, detail.label, detail.type));
    this.#form.querySelector(".back").addEventListener("click", () => this.#askKind());
    this.#form.querySelector(".remove").addEventListener("click", () => this.#put([]));
    this.#form.addEventListener("input", ({ target }) => {
      if (target.dataset.slides) slid(target);
      else if (this.#part) showSlides(this.#part);
      this.#told();
    });
    this.#form.addEventListener("submit", (event) => this.#submit(event));
    for (const field of this.#form.querySelectorAll("[data-for] choice-field")) {
      field.addEventListener("choose", ({ detail }) => this.#put([detail.value]));
    }
    for (const field of this.#form.querySelectorAll("taxon-field")) field.addEventListener("apply", () => this.#form.requestSubmit());
    document.addEventListener("keydown", (event) => this.#key(event), { signal: whileShown() });
    this.#wireChips();
  }

  // Its key (":") opens it for a new condition, wherever nothing else takes what is typed.
  #key(event) {
    if (commandOf(event)?.command !== "filter" || takesText(event.target) || document.querySelector("[popover]:popover-open")) return;
    event.preventDefault();
    this.#form.showPopover();
  }

  #wireChips() {
    const chips = document.querySelector(".chips");
    chips.addEventListener("click", (event) => {
      const button = event.target.closest(".edit");
      if (button) this.#edit(button.closest(".chip"));
    });
    chips.addEventListener("keydown", (event) => {
      if (!["Delete", "Backspace"].includes(event.code) || !event.target.closest(".edit")) return;
      event.preventDefault();
      event.stopPropagation();
      event.target.closest(".chip").querySelector("a").click();
    });
  }

  #edit(chip) {
    this.#chip = chip;
    this.#form.showPopover();
  }

  #opened() {
    if (!this.#chip) return this.#askKind();
    const { key, raws, value } = this.#chip.dataset;
    this.#ask(key, this.#chip.querySelector(".quiet").textContent.replace(/^or /, ""), null, JSON.parse(raws), value);
  }

  #askKind() {
    this.#condition = "";
    this.#show(".kinds");
    this.kinds.text = "";
    this.kinds.focus();
  }

  #show(shown) {
    for (const part of [".kinds", ".chosen"]) this.#form.querySelector(part).hidden = part !== shown;
  }

  // Asks for the values of one condition; `raws`: what it says now.
  async #ask(key, label, type, raws = [], value = "") {
    const chip = this.#chip;
    this.#condition = key;
    const kind = key.startsWith("f.") ? ((type ?? (await this.#typeOf(key))) === "number" ? "number" : "words") : null;
    if (this.#condition !== key || this.#chip !== chip) return; // something else was opened meanwhile
    for (const part of this.#form.querySelectorAll(".chosen > [data-kind]")) {
      part.hidden = kind ? part.dataset.kind !== kind || Boolean(part.dataset.for) : part.dataset.for !== key;
      if (!part.hidden) this.#part = part;
    }
    const heading = this.#form.querySelector(".chosen h2");
    heading.textContent = label;
    heading.title = label;
    this.#form.querySelector(".help").textContent = this.#part.dataset.help ?? "A column of this project.";
    this.#form.querySelector("[type=submit]").textContent = raws.length ? "Change" : "Add";
    this.#form.querySelector(".remove").hidden = !raws.length;
    this.#show(".chosen");
    fill(this.#part, raws, value);
    this.#told();
    (this.#part.querySelector("taxon-field, choice-field") ?? this.#part.querySelector("input:checked, input, select")).focus();
  }

  async #typeOf(key) {
    const { project } = this.kinds.dataset;
    const name = key.slice(2).replace(/^(object|sample|acquisition|process)\./, "");
    const found = await getJson(`/projects/${project}/choices?${new URLSearchParams({ of: "column", q: name })}`).catch(() => []);
    return found.find(({ value }) => value === key)?.type ?? "text";
  }

  // What cannot be meant, and what might be meant otherwise, is said before it is sent.
  #told() {
    if (!this.#part || this.#part.hidden) return;
    const fault = this.#form.querySelector(".error");
    fault.textContent = faultOf(this.#part);
    fault.hidden = !fault.textContent;
    const note = this.#part.querySelector(".night");
    if (note) note.textContent = noteOf(this.#part);
  }

  async #submit(event) {
    event.preventDefault();
    if (this.#form.querySelector(".chosen").hidden) return;
    if (this.#part.dataset.kind === "taxon") return this.#putTaxon();
    if (faultOf(this.#part)) return;
    const raws = read(this.#part);
    if (raws.length) this.#put(raws);
    else this.#form.hidePopover();
  }

  async #putTaxon() {
    const taxon = await this.#part.querySelector("taxon-field").resolve();
    const withChildren = this.#part.querySelector("[name=with-children]");
    const say = (query) => (withChildren.checked ? query.delete("children") : query.set("children", "0"));
    if (taxon) this.#put([String(taxon.id)], withChildren && say);
  }

  // The condition's new values take the place of the old ones.
  #put(raws, more = null) {
    const old = this.#chip ? JSON.parse(this.#chip.dataset.raws) : [];
    const key = this.#condition;
    this.#filter.go((query) => {
      const pairs = [...query];
      const isOld = ([name, value]) => this.#chip && name === this.#chip.dataset.key && old.includes(value);
      const first = pairs.findIndex(isOld);
      const kept = pairs.filter((pair) => !isOld(pair) && !(pair[0] === key && raws.includes(pair[1])));
      kept.splice(first < 0 ? kept.length : first, 0, ...raws.map((raw) => [key, raw]));
      for (const [name] of pairs) query.delete(name);
      for (const [name, value] of kept) query.append(name, value);
      more?.(query);
    });
  }
}
