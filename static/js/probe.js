// Stragglers of a taxon: chosen, worked as a batch, or probed at random, where those that belong are pressed.

import { makeBatch } from "./batch_make.js";
import { doAndGo } from "./do_and_go.js";
import { newId } from "./outbox.js";
import { postJson } from "./requests.js";
import { SampleTiles } from "./sample_tiles.js";
import "./taxon_field.js";
import { toast } from "./toasts.js";

class Stragglers extends HTMLElement {
  connectedCallback() {
    const { project, probe } = this.dataset;
    this.addEventListener("submit", (event) => this.#submit(event));
    this.querySelector("taxon-field")?.addEventListener("apply", (event) => event.target.closest("form").requestSubmit());
    this.addEventListener("click", ({ target }) => {
      const taxon_id = Number(this.dataset.taxonId);
      const does = { batch: () => makeBatch(project, { kind: "stragglers", taxon_id }, { taxonId: taxon_id }), judge: () => this.#judge() };
      does[target.closest("button[type=button]")?.dataset.do]?.();
    });
    if (!probe) return;
    this.url = `/api/v1/projects/${project}/probes/${probe}`;
    this.button = this.querySelector("[data-do=judge]");
    this.sample = new SampleTiles(this, this.url, () => this.#say());
  }

  #say() {
    const sample = this.sample;
    const [n, left] = sample ? [sample.pressed.length, sample.unseen.size] : [0, 1];
    const words = n ? `${n} belong; the others do not` : "None of them belongs";
    this.button.firstElementChild.textContent = left ? `Scroll on: ${sample ? left : "all"} not seen yet` : words;
    this.button.disabled = left > 0;
  }

  async #submit(event) {
    event.preventDefault();
    const form = event.target;
    if (form.dataset.do === "draw") {
      const wish = { client_id: newId(), taxon_id: Number(this.dataset.taxonId), n: Number(form.elements.n.value) };
      return doAndGo(event.submitter, () => postJson(`/api/v1/projects/${this.dataset.project}/probes`, wish).then(() => undefined));
    }
    const taxon = await form.querySelector("taxon-field").resolve();
    if (!taxon) return toast("Choose the taxon from the list first.", { kind: "warn", key: "stragglers" });
    return location.assign(`/projects/${this.dataset.project}/stragglers?taxon=${taxon.id}`);
  }

  #judge() {
    const { sample } = this;
    const belonging = sample.pressed;
    const others = sample.tiles.filter((tile) => !belonging.includes(tile));
    const ids = (tiles) => tiles.map((tile) => Number(tile.dataset.id));
    doAndGo(this.button, () => postJson(`${this.url}/judge`, { belonging: ids(belonging), others: ids(others) }).then(() => sample.forget()));
  }
}

customElements.define("shoal-stragglers", Stragglers);
