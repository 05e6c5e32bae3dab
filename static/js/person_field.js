// <person-field data-url="...">: names a person by typing; the chosen one's email stands in the field. Without an answer
// from the server it stays a plain field for an email.

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
    this.#list = element("ul", { id: `${this.#input.id}-list`, className: "suggestions", role: "listbox", hidden: true });
    this.#list.setAttribute("aria-label", "People");
    this.append(this.#list);
    for (const [name, value] of Object.entries({
      role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": this.#list.id,
    })) this.#input.setAttribute(name, value);
    this.#input.addEventListener("input", () => this.#ask());
    this.#input.addEventListener("blur", () => this.#close());
    this.#input.addEventListener("keydown", (event) => this.#key(event));
    // A press would take the focus from the field, and so close the list before the click.
    this.#list.addEventListener("mousedown", (event) => event.preventDefault());
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
    const open = found.length > 0 && document.activeElement === this.#input;
    this.#list.hidden = !open;
    this.#input.setAttribute("aria-expanded", String(open));
    this.#mark();
  }

  #option(person, i) {
    const where = [person.email, person.organisation].filter(Boolean).join(" · ");
    const option = element(
      "li", { id: `${this.#list.id}-${i}`, role: "option" }, person.name, element("span", { className: "quiet" }, ` ${where}`),
    );
    option.dataset.index = i;
    return option;
  }

  #mark() {
    for (const option of this.#list.children) {
      const active = Number(option.dataset.index) === this.#active;
      option.setAttribute("aria-selected", String(active));
      if (active) option.scrollIntoView({ block: "nearest" });
    }
    this.#input.setAttribute("aria-activedescendant", this.#active >= 0 ? `${this.#list.id}-${this.#active}` : "");
  }

  #key(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.code];
    if (this.#list.hidden) return;
    if (step) {
      event.preventDefault();
      this.#active = (this.#active + step + this.#found.length) % this.#found.length;
      this.#mark();
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
    this.#list.hidden = true;
    this.#input.setAttribute("aria-expanded", "false");
  }
}

customElements.define("person-field", PersonField);
