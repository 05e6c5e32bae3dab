// <taxon-field>: names a taxon by typing. Recent taxa first, then the preset list, the project's, then all; Enter takes
// the first. `data-without`: the id of a taxon that is not offered.
//
// Emits "taxon" when one is chosen, "apply" when Enter says that it is to be used at once (its detail's `isChosenNow`: a
// taxon of the list was chosen by that Enter), and, with data-create, "create" when a taxon of the typed name is wanted. While the server is away it says so, keeps what was typed, and asks again.

import { makeList, makeOption, markActive, showList, stepped } from "./combobox.js";
import { element, nameCut } from "./html.js";
import { atEnd, whileShown } from "./page_life.js";
import { nearNames } from "./near_names.js";
import { getJson } from "./requests.js";
import { toast } from "./toasts.js";

const RETRY_MS = 2000;
const AFTER_LAST_KEY_MS = 250;
const GROUPS = { recent: "Recent", preset: "Preset list", project: "In this project", all: "All taxa" };

export const AWAY = "The taxa could not be looked up, so nothing was labelled. The name is kept: press Enter again.";

export class TaxonField extends HTMLElement {
  #input;
  #list;
  #taxon = null;
  #found = [];
  #active = -1;
  #asked = Promise.resolve([]); // the latest question to the server: becomes the taxa found, or null
  #fresh = true; // the list shown is that question's answer
  #isNear = false; // what is shown has only nearly the typed name: none of it is meant unless it is chosen
  #abort = null;
  #retry = null;

  connectedCallback() {
    this.#input = this.querySelector("input");
    this.#list = makeList(this, this.#input);
    this.#input.addEventListener("input", () => this.#typed());
    this.#input.addEventListener("focus", () => this.#taxon || this.#ask());
    this.#input.addEventListener("blur", () => this.#close());
    addEventListener("online", () => this.#askAgain(), { signal: whileShown() });
    atEnd(() => clearTimeout(this.#retry));
    this.#input.addEventListener("keydown", (event) => this.#key(event));
    this.#list.addEventListener("click", (event) => this.#point(event));
  }

  get taxon() {
    return this.#taxon;
  }

  get empty() {
    return !this.#input.value.trim();
  }

  focus() {
    this.#input.focus();
    this.#input.select();
  }

  clear() {
    this.#input.value = "";
    this.#taxon = null;
    this.#active = -1;
    this.#close();
    this.dispatchEvent(new Event("taxon"));
  }

  // What is meant by what was typed: waits for the server where it has not answered yet. Null: nothing of that name, and
  // a taxon of it is offered to be created, with which what is selected would get `status`.
  async resolve(status = "V") {
    if (this.#taxon || this.empty) return this.#taxon;
    const best = await this.#best();
    if (best) this.choose(best);
    else if (best === undefined) this.offerToCreate(status);
    else toast(AWAY, { kind: "warn", key: "taxa", stays: false });
    return this.#taxon;
  }

  // The same, and the field is free at once for the next name: {text, taxon}, the latter a promise.
  take() {
    const taken = { text: this.#input.value, taxon: this.#taxon ? Promise.resolve(this.#taxon) : this.#best() };
    this.#abort = null; // what is typed next must not abort this question
    this.clear();
    return taken;
  }

  // Undefined: no taxon is named so; null: the server could not be asked.
  async #best() {
    if (this.#fresh && this.#isNear && this.#active >= 0) return this.#found[this.#active];
    const place = this.#fresh ? Math.max(this.#active, 0) : 0;
    const typed = this.#typedName;
    const taxa = (await this.#asked) ?? (await this.#find(typed).catch(() => null));
    return taxa && taxa[place];
  }

  async #find(typed, signal = null) {
    const { project } = this.dataset; // none on the pages of the taxonomy
    const asked = new URLSearchParams(project ? { q: typed, project_id: project } : { q: typed });
    const found = await getJson(`/taxa?${asked}`, { signal });
    return found.filter((taxon) => String(taxon.id) !== this.dataset.without);
  }

  get text() {
    return this.#input.value;
  }

  set text(text) {
    this.#input.value = text;
    this.#typed();
  }

  #typed() {
    this.#taxon = null;
    this.dispatchEvent(new Event("taxon"));
    this.#ask();
  }

  #ask() {
    this.#abort?.abort();
    clearTimeout(this.#retry);
    const abort = (this.#abort = new AbortController());
    this.#fresh = false;
    this.#asked = this.#find(this.#typedName, abort.signal).then(
      (taxa) => {
        if (abort === this.#abort) this.#show(taxa);
        return taxa;
      },
      (error) => {
        if (error.name !== "AbortError" && abort === this.#abort) this.#unanswered(error);
        return null;
      },
    );
  }

  // What was found for other letters is no answer to these.
  #unanswered(error) {
    this.#found = [];
    this.#active = -1;
    const sentence = error.passing ? `${error.message} Asked again by itself; what you type stays.` : error.message;
    this.#list.replaceChildren(element("li", { className: "group away", role: "presentation" }, sentence));
    this.#open();
    if (error.passing) this.#retry = setTimeout(() => this.#askAgain(), RETRY_MS);
  }

  #askAgain() {
    if (document.activeElement === this.#input && !this.#taxon && this.#list.querySelector(".away")) this.#ask();
  }

  #show(taxa) {
    this.#found = taxa;
    this.#fresh = true;
    this.#isNear = false;
    this.#active = this.empty ? -1 : 0;
    let group = null;
    this.#list.replaceChildren();
    for (const [i, taxon] of taxa.entries()) {
      if (taxon.group !== group && GROUPS[taxon.group]) {
        this.#list.append(element("li", { className: "group", role: "presentation" }, GROUPS[taxon.group]));
      }
      group = taxon.group;
      this.#list.append(this.#option(taxon, i));
    }
    if (!taxa.length) this.#list.append(element("li", { className: "group none", role: "presentation" }, "No taxon of that name"));
    if (this.#mayCreate) this.#list.append(element("li", { className: "create", role: "option" }, `Create “${this.#typedName}”…`));
    if (taxa.length || !this.empty) this.#open();
    else this.#close();
    this.#mark();
    if (!taxa.length && !this.empty) this.#showNear(this.#abort);
  }

  // Of a name that is misspelt, perhaps, those that are nearly it: to be chosen by the arrows or the pointer.
  async #showNear(question) {
    const { project } = this.dataset;
    await new Promise((done) => setTimeout(done, AFTER_LAST_KEY_MS));
    if (question !== this.#abort) return;
    const taxa = project ? await nearNames(this.#typedName, project).catch(() => []) : [];
    if (question !== this.#abort || this.#taxon || !taxa.length) return;
    this.#found = taxa;
    this.#isNear = true;
    this.#active = -1;
    const none = this.#list.querySelector(".none");
    none.textContent = "No taxon of that name. Nearly so:";
    none.after(...taxa.map((taxon, i) => this.#option(taxon, i)));
  }

  #open() {
    showList(this.#input, this.#list, document.activeElement === this.#input);
  }

  get #typedName() {
    return this.#input.value.trim();
  }

  get #mayCreate() {
    const name = this.#typedName.toLowerCase();
    return "create" in this.dataset && name && !this.#found.some((taxon) => taxon.display_name.toLowerCase() === name);
  }

  #option(taxon, i) {
    const also = taxon.also ? element("span", { className: "quiet also", title: taxon.also }, ` ${taxon.also}`) : null;
    return makeOption(this.#list, i, nameCut(taxon.display_name, taxon.italic), also);
  }

  #mark() {
    markActive(this.#input, this.#list, this.#active);
  }

  #key(event) {
    const next = stepped(event, this.#active, this.#found.length);
    if (next !== null) {
      this.#active = next;
      this.#mark();
    } else if (event.code === "Enter" || event.code === "NumpadEnter") {
      event.preventDefault();
      event.stopPropagation();
      if (!event.repeat) this.#enter(event);
    } else if (event.code === "Escape") {
      event.stopPropagation();
      this.clear();
      this.#input.blur();
    }
  }

  #enter(event) {
    const isChosenNow = this.empty && this.#active >= 0;
    if (isChosenNow) this.choose(this.#found[this.#active]);
    this.dispatchEvent(new CustomEvent("apply", { detail: { shift: event.shiftKey, isChosenNow } }));
  }

  #point(event) {
    const option = event.target.closest('[role="option"]');
    if (!option) return;
    if (option.classList.contains("create")) this.offerToCreate();
    else this.choose(this.#found[Number(option.dataset.index)]);
  }

  choose(taxon) {
    this.#taxon = taxon;
    this.#input.value = taxon.display_name;
    this.#close();
    this.dispatchEvent(new Event("taxon"));
  }

  // Shows a taxon that is meant already, or none: nobody has chosen it just now.
  hold(taxon) {
    this.#taxon = taxon;
    this.#input.value = taxon?.display_name ?? "";
    this.#active = -1;
  }

  #close() {
    showList(this.#input, this.#list, false);
  }

  // `status`: how what is selected is to be labelled with it.
  offerToCreate(status = "V") {
    const name = this.#typedName;
    if (this.#mayCreate) this.dispatchEvent(new CustomEvent("create", { detail: { name, status } }));
    else toast(`No taxon is named “${name}”: choose one from the list.`, { kind: "warn", key: "taxa" });
  }
}

// A field of a form with more to say: Enter chooses the taxon first, and sends the form the next time.
export const chooseByEnter = (field) => {
  field.addEventListener("apply", ({ detail }) => {
    if (detail.isChosenNow) return;
    if (field.taxon || field.empty) field.closest("form")?.requestSubmit();
    else field.resolve();
  });
};

customElements.define("taxon-field", TaxonField);
