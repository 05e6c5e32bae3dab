// <offered-list>: a field above a list of buttons that the server fills as one types. Enter in the field presses the
// first one, as soon as the answer is there; the arrows walk through them.

class OfferedList extends HTMLElement {
  #enterWaits = false;

  connectedCallback() {
    this.input = this.querySelector("input");
    this.addEventListener("keydown", (event) => this.#key(event));
    this.input.addEventListener("input", () => (this.waiting = true));
    this.addEventListener("htmx:after:swap", () => this.#answered());
  }

  get buttons() {
    return [this.input, ...this.querySelectorAll("ul button")];
  }

  #key(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      const next = this.buttons[this.buttons.indexOf(document.activeElement) + step];
      next?.focus();
    } else if (event.key === "Enter" && event.target === this.input) {
      this.#enterWaits = Boolean(this.waiting);
      if (!this.waiting) this.buttons[1]?.click();
    } else return;
    event.preventDefault();
  }

  #answered() {
    this.waiting = false;
    if (this.#enterWaits) this.buttons[1]?.click();
    this.#enterWaits = false;
  }
}

customElements.define("offered-list", OfferedList);
