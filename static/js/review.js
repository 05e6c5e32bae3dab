// Begins a review, a batch of what others doubt or sent back, and signs taxa off.

import { doAndGo } from "./do_and_go.js";
import { postJson } from "./requests.js";
import { chooseByEnter } from "./taxon_field.js";
import { toast } from "./toasts.js";

class ReviewForms extends HTMLElement {
  connectedCallback() {
    this.url = `/api/v1/projects/${this.dataset.project}`;
    this.addEventListener("click", ({ target }) => this.#click(target.closest("button[type=button]")));
    this.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#begin(event.target);
    });
    for (const field of this.querySelectorAll("taxon-field")) chooseByEnter(field);
    // Before this, a form would be sent as it stands, and nothing come of it.
    for (const button of this.querySelectorAll("button[type=submit]")) button.disabled = false;
  }

  async #begin(form) {
    if (form.dataset.kind === "sign_off") return this.#signOff(form);
    const { who, limit, all, hidden } = form.elements;
    const field = form.querySelector("taxon-field");
    const taxon = await field.resolve();
    if (!taxon && !field.empty) return;
    const source = { kind: form.dataset.kind };
    if (who.value) source.who = Number(who.value);
    if (taxon) source.taxon_id = taxon.id;
    if (all?.checked) source.all = true;
    if (hidden?.checked) source.hidden = true;
    const wish = { source, limit: Number(limit?.value ?? 1000) };
    return this.#open(form.querySelector("button[type=submit]"), wish);
  }

  #open(button, wish) {
    return doAndGo(button, async () => {
      const made = await postJson(`${this.url}/batches`, wish);
      return `/projects/${this.dataset.project}/batches/${made.id}`;
    });
  }

  async #signOff(form) {
    const field = form.querySelector("taxon-field");
    const taxon = await field.resolve();
    if (!taxon) return field.empty && toast("Choose the taxon from the list first.", { kind: "warn", key: "taxa" });
    const wish = { taxon_id: taxon.id, comment: form.elements.comment.value };
    return this.#sendSignOff(form.querySelector("button[type=submit]"), wish);
  }

  // Asks once where open doubts or the last review speak against it.
  async #sendSignOff(button, wish) {
    button.disabled = true;
    try {
      await postJson(`${this.url}/sign-offs`, wish);
      location.reload();
    } catch (error) {
      button.disabled = false;
      const run = () => this.#sendSignOff(button, { ...wish, anyway: true });
      const action = error.status === 409 && !wish.anyway ? { text: "Sign off anyway", run } : null;
      const words = action ? error.message.replace(/ A program says .*$/, "") : error.message;
      toast(words, { kind: action ? "warn" : "bad", key: "sign-off", action });
    }
  }

  #click(button) {
    if (button?.dataset.open) this.#open(button, { source: { kind: button.dataset.open } });
    if (button?.dataset.withdraw) doAndGo(button, () => postJson(`${this.url}/sign-offs/${button.dataset.withdraw}/withdraw`, {}));
  }
}

customElements.define("review-forms", ReviewForms);
