// Doubts one by one: others' are settled by a button or a name, which can be taken back; one's own are given a second
// choice.

import { element } from "./html.js";
import { newId } from "./outbox.js";
import { postJson, putJson } from "./requests.js";
import { chooseByEnter } from "./taxon_field.js";
import { toast } from "./toasts.js";
import { takesText } from "./typing.js";

class Doubts extends HTMLElement {
  #settled = []; // acts of this page, the latest last

  connectedCallback() {
    this.url = `/api/v1/projects/${this.dataset.project}`;
    this.isMine = new URLSearchParams(location.search).get("whose") === "mine";
    this.addEventListener("click", ({ target }) => {
      const button = target.closest("button[data-taxon-id]");
      if (button) this.#settle(button.closest("tr"), Number(button.dataset.taxonId));
    });
    document.addEventListener("keydown", (event) => this.#key(event));
    for (const field of this.querySelectorAll("taxon-field")) {
      chooseByEnter(field);
      field.addEventListener("taxon", () => field.taxon && this.#named(field));
      field.addEventListener("change", () => this.isMine && field.empty && this.#second(field.closest("tr"), null));
    }
  }

  #named(field) {
    const line = field.closest("tr");
    if (this.isMine) this.#second(line, field.taxon.id);
    else this.#settle(line, field.taxon.id);
  }

  async #second(line, taxon_id) {
    try {
      await putJson(`${this.url}/objects/${line.dataset.id}/second-choice`, { taxon_id });
      toast(taxon_id ? "The second choice is kept." : "The second choice is taken back.", { key: "doubts" });
    } catch (error) {
      toast(error.message, { kind: "bad", key: "doubts" });
    }
  }

  // What was settled last can still be taken back here.
  #empty() {
    const more = element("p", {}, element("a", { href: location.href }, "Look for more"));
    this.querySelector("table").replaceWith(element("div", { className: "empty" }, element("h2", {}, "No doubts left here"), more));
  }

  #key(event) {
    const isUndo = event.code === "KeyZ" && (event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey;
    if (!isUndo || event.repeat || takesText(event.target) || !this.#settled.length) return;
    event.preventDefault();
    this.#undo(this.#settled.at(-1));
  }

  async #undo(actId) {
    if (!this.#settled.includes(actId)) return;
    this.#settled = this.#settled.filter((id) => id !== actId);
    try {
      await postJson(`/projects/${this.dataset.project}/undo`, { client_id: newId(), act_id: actId });
      location.reload();
    } catch (error) {
      if (error.passing) this.#settled.push(actId);
      toast(error.message, { kind: "bad", key: "doubts" });
    }
  }

  async #settle(line, taxon_id) {
    const next = line.nextElementSibling;
    for (const button of line.querySelectorAll("button, input")) button.disabled = true;
    const act = { client_id: newId(), kind: "label", taxon_id, status: "V", objects: [Number(line.dataset.id)], states: [line.dataset.state] };
    try {
      const { act_id: actId, refused } = await postJson(`/projects/${this.dataset.project}/acts`, act);
      if (refused.length) throw new Error("Somebody changed this object meanwhile. Load the page again to see what it is now.");
      this.#settled.push(actId);
      line.remove();
      toast("Settled.", { key: "doubts", action: { text: "Undo (Ctrl Z)", run: () => this.#undo(actId) } });
      next?.querySelector("button")?.focus();
      if (!this.querySelector("tbody tr")) this.#empty();
    } catch (error) {
      for (const button of line.querySelectorAll("button, input")) button.disabled = false;
      toast(error.message, { kind: "bad", key: "doubts" });
    }
  }
}

customElements.define("shoal-doubts", Doubts);
