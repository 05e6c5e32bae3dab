// <tile-fields>: the fields that a project's tiles show at first, chosen by typing; sent with the form as one text.

import "./choice_field.js";
import { element } from "./html.js";
import { toast } from "./toasts.js";

const MOST = 6;

class TileFields extends HTMLElement {
  #list;
  #choice;

  connectedCallback() {
    this.#list = this.querySelector("ol");
    this.#choice = this.querySelector("choice-field");
    this.#render([...this.#list.children].map((item) => ({ value: item.dataset.key, label: item.textContent })));
    this.#choice.addEventListener("choose", ({ detail }) => this.#add(detail));
  }

  get #shown() {
    return [...this.#list.children].map((item) => ({ value: item.dataset.key, label: item.dataset.label }));
  }

  #add(choice) {
    this.#choice.text = "";
    if (this.#shown.some(({ value }) => value === choice.value)) return;
    if (this.#shown.length === MOST) toast("Six fields are as many as fit: remove one first.", { key: "tile-fields" });
    else this.#render([...this.#shown, choice]);
  }

  #render(shown) {
    this.#list.replaceChildren(...shown.map((one) => this.#row(one)));
    const keys = shown.map(({ value }) => value.replaceAll("%", "%25").replaceAll(",", "%2C"));
    this.querySelector("input[name=show]").value = keys.join(",");
  }

  #row({ value, label }) {
    const remove = element("button", { type: "button", className: "plain" }, "✕");
    remove.setAttribute("aria-label", `Remove ${label}`);
    remove.addEventListener("click", () => {
      this.#render(this.#shown.filter((one) => one.value !== value));
      this.#choice.focus();
    });
    const row = element("li", {}, element("span", {}, label), remove);
    Object.assign(row.dataset, { key: value, label });
    return row;
  }
}

customElements.define("tile-fields", TileFields);
