// <person-field data-url="...">: names a person by typing; the chosen one's email stands in the field. Without an answer
// from the server it stays a plain field for an email.

import { makeList, makeOption, markActive, showList, stepped } from "./combobox.js";
import { element } from "./html.js";
import { getJson } from "./requests.js";

export class PersonField extends HTMLElement {
  #input;
  #list;
  #found = [];
  #active = -1;
  #abort = null;

  connectedCallback() {
    this.#input = this.querySelector("input");
    this.#list = makeList(this, this.#input);
    this.#list.setAttribute("aria-label", "People");
    this.#input.addEventListener("input", () => this.#ask());
    this.#input.addEventListener("blur", () => this.#close());
    this.#input.addEventListener("keydown", (event) => this.#key(event));
    this.#list.addEventListener("click", (event) => {
      const option = event.target.closest("[data-index]");
      if (option) this.#choose(Number(option.dataset.index));
      event.preventDefault(); // a click inside a label would go on to its field
    });
  }

  async #ask() {
    this.#abort?.abort();
    const abort = (this.#abort = new AbortController());
    const typed = this.#input.value.trim();
    if (!typed) return this.#show([]);
    const url = `${this.dataset.url}?${new URLSearchParams({ q: typed })}`;
    const found = await getJson(url, { signal: abort.signal }).catch(() => null);
    if (abort === this.#abort && found) this.#show(found);
  }

  #show(found) {
    this.#found = found;
    this.#active = found.length ? 0 : -1;
    this.#list.replaceChildren(...found.map((person, i) => this.#option(person, i)));
    showList(this.#input, this.#list, found.length > 0 && document.activeElement === this.#input);
    markActive(this.#input, this.#list, this.#active);
  }

  #option(person, i) {
    const where = [person.email, person.organisation].filter(Boolean).join(" · ");
    return makeOption(this.#list, i, person.name, element("span", { className: "quiet" }, ` ${where}`));
  }

  #key(event) {
    if (this.#list.hidden) return;
    const next = stepped(event, this.#active, this.#found.length);
    if (next !== null) {
      this.#active = next;
      markActive(this.#input, this.#list, this.#active);
    } else if (event.key === "Enter") {
      event.preventDefault();
      this.#choose(this.#active);
    } else if (event.key === "Escape") {
      event.preventDefault();
      this.#close();
    }
  }

  #choose(place) {
    this.#abort?.abort();
    this.#input.value = this.#found[place].email;
    this.#close();
    this.dispatchEvent(new CustomEvent("person", { detail: this.#found[place] }));
  }

  #close() {
    showList(this.#input, this.#list, false);
  }
}

customElements.define("person-field", PersonField);
