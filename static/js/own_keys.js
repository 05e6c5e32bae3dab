// <own-keys>: the digits of one project, on one's own page: given a taxon, or emptied.

import { tellTabs } from "./other_tabs.js";
import { putJson } from "./requests.js";
import "./taxon_field.js";
import { toast } from "./toasts.js";

class OwnKeys extends HTMLElement {
  connectedCallback() {
    const field = this.querySelector("taxon-field");
    const form = this.querySelector("form");
    this.addEventListener("click", (event) => {
      const digit = event.target.closest("[data-empty]")?.dataset.empty;
      if (digit) this.#keep(digit, null);
    });
    field.addEventListener("apply", () => form.requestSubmit());
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const taxon = await field.resolve();
      if (taxon) this.#keep(form.elements.digit.value, taxon);
      else field.focus();
    });
  }

  async #keep(digit, taxon) {
    try {
      await putJson(`/projects/${this.dataset.project}/preferences`, { slots: { [digit]: taxon?.id ?? null } });
      tellTabs(this.dataset, "slot", { digit, taxon });
      location.reload();
    } catch (error) {
      toast(error.message, { kind: "bad", key: "slots" });
    }
  }
}

customElements.define("own-keys", OwnKeys);
