// <choice-field>: finds one thing of many by typing: a sample of 100 000, a column of 500. Emits "choose" with {value, label}.
//
// What stands in its ul.given is offered first; the rest is asked of the server (app/objects/choices.py), fifty at a time.
// With data-open the list stands in the flow and is always shown.

import { makeList, makeOption, markActive, showList, stepped } from "./combobox.js";
import { element } from "./html.js";
import { getJson } from "./requests.js";

const MOST = 50;

export class ChoiceField extends HTMLElement {
  #input;
  #list;
  #given = [];
  #found = [];
  #active = -1;
  #abort = null;
  #waiting = false; // the server has not answered to what is typed now
  #enterWaits = false; // Enter was pressed meanwhile

  connectedCallback() {
    this.#input = this.querySelector("input");
    this.#given = [...this.querySelectorAll("ul.given li")].map((item) => ({
      value: item.dataset.value, label: item.textContent, detail: item.dataset.detail ?? "",
    }));
    this.#list = makeList(this, this.#input);
    this.#list.setAttribute("aria-label", this.#input.labels[0]?.textContent ?? "choices");
    this.#input.addEventListener("input", () => this.#ask());
    this.#input.addEventListener("focus", () => this.#ask());
    this.#input.addEventListener("blur", () => "open" in this.dataset || this.#close());
    this.#input.addEventListener("keydown", (event) => this.#key(event));
    this.#list.addEventListener("click", (event) => {
      const option = event.target.closest("[role=option]");
      if (option) this.#choose(this.#found[Number(option.dataset.index)]);
    });
  }

  focus() {
    this.#input.focus();
    this.#input.select();
  }

  get text() {
    return this.#input.value.trim();
  }

  set text(text) {
    this.#input.value = text;
  }

  async #ask() {
    this.#abort?.abort();
    const abort = (this.#abort = new AbortController());
    const typed = this.text.toLowerCase();
    const given = this.#given.filter(({ label, detail }) => `${label} ${detail}`.toLowerCase().includes(typed));
    given.sort((a, b) => rank(a, typed) - rank(b, typed));
    const named = given.filter((choice) => rank(choice, typed) < DESCRIBED);
    const described = given.slice(named.length);
    this.#waiting = true;
    this.#enterWaits = false;
    if (given.length) this.#show(given);
    const query = new URLSearchParams({ of: this.dataset.of, q: this.text });
    try {
      const found = await getJson(`/projects/${this.dataset.project}/choices?${query}`, { signal: abort.signal });
      if (abort !== this.#abort) return;
      this.#waiting = false;
      this.#show([...named, ...found, ...described], found.length === MOST);
      if (this.#enterWaits) this.#enter();
    } catch (error) {
      if (abort !== this.#abort) return;
      this.#waiting = this.#enterWaits = false;
      this.#show(given, false, error.message);
    }
  }

  // Enter means what is typed, not what the list still shows of what was typed before.
  #enter() {
    const isGiven = this.#given.some(({ value }) => value === this.#found[this.#active]?.value);
    if (this.#waiting && !(isGiven && this.#isCurrent)) this.#enterWaits = true;
    else if (this.#active >= 0) this.#choose(this.#found[this.#active]);
  }

  // Whether the active choice is named as is typed now: of one that is only described so, a better one may come.
  get #isCurrent() {
    return rank(this.#found[this.#active], this.text.toLowerCase()) < DESCRIBED;
  }

  #show(found, isMore = false, failure = "") {
    this.#found = found;
    this.#active = found.length && (this.text || "open" in this.dataset) ? 0 : -1;
    const note = failure || (found.length ? isMore && "More match: type on to find them." : "Nothing of that name.");
    this.#list.replaceChildren(...found.map((choice, i) => this.#option(choice, i)));
    if (note) this.#list.append(element("li", { className: "group", role: "presentation" }, note));
    showList(this.#input, this.#list, true);
    this.#mark();
  }

  #option({ label, detail }, i) {
    const name = element("span", { className: "choice" }, label);
    const option = makeOption(this.#list, i, name, detail ? element("small", {}, detail) : "");
    option.title = detail ? `${label}: ${detail}` : label;
    return option;
  }

  #mark() {
    markActive(this.#input, this.#list, this.#active, (option) => scrollWithin(this.#list, option));
  }

  #key(event) {
    const next = stepped(event, this.#active, this.#found.length);
    if (next !== null) {
      this.#active = next;
      this.#mark();
    } else if (event.code === "Enter" || event.code === "NumpadEnter") {
      event.preventDefault();
      event.stopPropagation();
      if (!event.repeat) this.#enter();
    }
  }

  #choose(choice) {
    this.text = choice.label;
    if (!("open" in this.dataset)) this.#close();
    this.dispatchEvent(new CustomEvent("choose", { detail: choice }));
  }

  #close() {
    showList(this.#input, this.#list, false);
  }
}

// What is named exactly so comes first, what is only described so last.
const DESCRIBED = 3;
const rank = ({ label }, typed) => {
  const name = label.toLowerCase();
  return name === typed ? 0 : name.startsWith(typed) ? 1 : name.includes(typed) ? 2 : DESCRIBED;
};

// scrollIntoView would scroll the page behind the sheet too.
const scrollWithin = (list, option) => {
  const top = option.offsetTop - list.offsetTop;
  if (option.offsetParent === list) list.scrollTop = Math.min(Math.max(list.scrollTop, option.offsetTop + option.offsetHeight - list.clientHeight), option.offsetTop);
  else list.scrollTop = Math.min(Math.max(list.scrollTop, top + option.offsetHeight - list.clientHeight), top);
};

customElements.define("choice-field", ChoiceField);
