// One pile: its members are seen as they are painted, ticked ones are taken off, and one act names them all.

import { openAudit } from "./audit_open.js";
import { thousands } from "./html.js";
import { makeBatch } from "./batch_make.js";
import { newId } from "./outbox.js";
import { postJson, putJson } from "./requests.js";
import "./taxon_field.js";
import { toast } from "./toasts.js";

const LONG_MS = 300;
const REPORT_MS = 500;

class Pile extends HTMLElement {
  #actId = newId();
  #since = new Map();
  #unreported = new Set();

  connectedCallback() {
    const { project, pile } = this.dataset;
    this.url = `/api/v1/projects/${project}/piles/${pile}`;
    this.left = Number(this.dataset.nUnseen);
    this.said = this.querySelector(".to-see");
    this.addEventListener("change", () => this.#ticked());
    this.addEventListener("click", (event) => this.#click(event.target.closest("button[type=button][data-do]")));
    this.addEventListener("submit", (event) => this.#submit(event));
    this.#watch();
  }

  // Seen is what stands in the window, painted, for so long.
  #watch() {
    const watch = new IntersectionObserver((entries) => {
      for (const { target, isIntersecting } of entries) {
        if (isIntersecting) this.#since.set(target, null);
        else this.#since.delete(target);
      }
    }, { threshold: 0.5 });
    for (const tile of this.querySelectorAll("[data-unseen]")) watch.observe(tile);
    if (this.left) setInterval(() => this.#look(watch), 100);
  }

  #look(watch) {
    const now = performance.now();
    for (const [tile, since] of this.#since) {
      const image = tile.querySelector("img");
      const painted = document.visibilityState === "visible" && (!image || (image.complete && image.naturalWidth));
      if (!painted) this.#since.set(tile, null);
      else if (since === null) this.#since.set(tile, now);
      else if (now - since >= LONG_MS) {
        this.#since.delete(tile);
        watch.unobserve(tile);
        this.#unreported.add(tile);
      }
    }
    if (this.#unreported.size) this.timer ??= setTimeout(() => this.#report(), REPORT_MS);
  }

  async #report() {
    this.timer = null;
    const tiles = [...this.#unreported];
    this.#unreported.clear();
    try {
      await postJson(`${this.url}/seen`, { ids: tiles.map((tile) => Number(tile.dataset.id)) });
    } catch {
      for (const tile of tiles) this.#unreported.add(tile); // said again
      return;
    }
    for (const tile of tiles) tile.removeAttribute("data-unseen");
    this.left -= tiles.length;
    if (this.said) this.said.textContent = this.left > 0 ? `${thousands(this.left)} not seen by you yet` : "";
  }

  get #chosen() {
    return [...this.querySelectorAll("[name=ids]:checked")].map((box) => Number(box.value));
  }

  #ticked() {
    const button = this.querySelector("[data-do=remove]");
    if (button) button.disabled = !this.#chosen.length;
  }

  #click(button) {
    if (!button) return;
    const does = {
      audit: () => this.#audit(),
      batch: () => makeBatch(this.dataset.project, { kind: "pile", pile_id: Number(this.dataset.pile) }),
      remove: () => this.#send(button, () => postJson(`${this.url}/objects/remove`, { ids: this.#chosen })),
      close: () => this.#send(button, () => postJson(`${this.url}/close`, {})),
      reopen: () => this.#send(button, () => postJson(`${this.url}/reopen`, {})),
    };
    does[button.dataset.do]();
  }

  #audit() {
    const { taxon } = this.querySelector("taxon-field");
    if (!taxon) return toast("Choose the taxon from the list first.", { kind: "warn" });
    openAudit(this.dataset.project, { source: "pile", source_id: Number(this.dataset.pile), taxon_id: taxon.id });
  }

  #submit(event) {
    event.preventDefault();
    const form = event.target;
    const button = form.querySelector("button");
    if (form.dataset.do === "rename") return this.#send(button, () => putJson(this.url, { name: form.elements.name.value }));
    const { taxon } = form.querySelector("taxon-field");
    if (!taxon) return toast("Choose the taxon from the list first.", { kind: "warn" });
    this.#send(button, () => postJson(`${this.url}/name`, { client_id: this.#actId, taxon_id: taxon.id }));
  }

  async #send(button, ask) {
    button.disabled = true;
    try {
      await ask();
      location.reload();
    } catch (error) {
      button.disabled = false;
      toast(error.message, { kind: "bad" });
    }
  }
}

customElements.define("shoal-pile", Pile);
