// One pile: its members are seen as they are painted, ticked ones are taken off, and one act names them all.

import { openAudit } from "./audit_open.js";
import { doAndGo } from "./do_and_go.js";
import { thousands } from "./html.js";
import { makeBatch } from "./batch_make.js";
import { newId } from "./outbox.js";
import { postJson, putJson } from "./requests.js";
import "./taxon_field.js";
import { toast } from "./toasts.js";
import { whenSeen } from "./when_seen.js";

const REPORT_MS = 500;

class Pile extends HTMLElement {
  #actId = newId();
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

  #watch() {
    whenSeen(this.querySelectorAll("[data-unseen]"), (tile) => {
      this.#unreported.add(tile);
      this.#reportSoon();
    });
  }

  #reportSoon() {
    this.timer ??= setTimeout(() => this.#report(), REPORT_MS);
  }

  async #report() {
    this.timer = null;
    const tiles = [...this.#unreported];
    this.#unreported.clear();
    try {
      await postJson(`${this.url}/seen`, { ids: tiles.map((tile) => Number(tile.dataset.id)) });
    } catch {
      for (const tile of tiles) this.#unreported.add(tile);
      return this.#reportSoon();
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
      remove: () => doAndGo(button, () => postJson(`${this.url}/objects/remove`, { ids: this.#chosen })),
      close: () => doAndGo(button, () => postJson(`${this.url}/close`, {})),
      reopen: () => doAndGo(button, () => postJson(`${this.url}/reopen`, {})),
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
    if (form.dataset.do === "rename") return doAndGo(button, () => putJson(this.url, { name: form.elements.name.value }));
    const { taxon } = form.querySelector("taxon-field");
    if (!taxon) return toast("Choose the taxon from the list first.", { kind: "warn" });
    doAndGo(button, () => postJson(`${this.url}/name`, { client_id: this.#actId, taxon_id: taxon.id }));
  }
}

customElements.define("shoal-pile", Pile);
