// Begins a review, or a batch of what others doubt.

import { doAndGo } from "./do_and_go.js";
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

  #begin(form) {
    const { who, limit, all } = form.elements;
    const { taxon, empty } = form.querySelector("taxon-field");
    if (!taxon && !empty) return toast("Choose the taxon from the list, or leave the field empty.", { kind: "warn" });
    const source = { kind: form.dataset.kind };
    if (who.value) source.who = Number(who.value);
    if (taxon) source.taxon_id = taxon.id;
    if (all?.checked) source.all = true;
    const wish = { source, limit: Number(limit?.value ?? 1000) };
    return doAndGo(form.querySelector("button[type=submit]"), async () => {
      const made = await postJson(`/api/v1/projects/${this.dataset.project}/batches`, wish);
      return `/projects/${this.dataset.project}/batches/${made.id}`;
    });
  }
}

customElements.define("review-forms", ReviewForms);
