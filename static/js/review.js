// Begins a review, or a batch of what others doubt.

import { postJson } from "./requests.js";
import "./taxon_field.js";
import { toast } from "./toasts.js";

class ReviewForms extends HTMLElement {
  connectedCallback() {
    this.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#begin(event.target);
    });
  }

  async #begin(form) {
    const { who, limit, all } = form.elements;
    const { taxon, empty } = form.querySelector("taxon-field");
    if (!taxon && !empty) return toast("Choose the taxon from the list, or leave the field empty.", { kind: "warn" });
    const source = { kind: form.dataset.kind };
    if (who.value) source.who = Number(who.value);
    if (taxon) source.taxon_id = taxon.id;
    if (all?.checked) source.all = true;
    const button = form.querySelector("button[type=submit]");
    button.disabled = true;
    try {
      const wish = { source, limit: Number(limit?.value ?? 1000) };
      const made = await postJson(`/api/v1/projects/${this.dataset.project}/batches`, wish);
      location.assign(`/projects/${this.dataset.project}/batches/${made.id}`);
    } catch (error) {
      button.disabled = false;
      toast(error.message, { kind: "bad" });
    }
  }
}

customElements.define("review-forms", ReviewForms);
