// One pile: its members are seen as they are painted, ticked ones are taken off, and one act names them all.

import { openAudit } from "./audit_open.js";
import { doAndGo } from "./do_and_go.js";
import { thousands } from "./html.js";
import { makeBatch } from "./batch_make.js";
import { NewTaxon } from "./new_taxon.js";
import { newId } from "./outbox.js";
import { postJson, putJson } from "./requests.js";
import { SeenReports, SeenWatch } from "./seen.js";
import "./taxon_field.js";
import { toast } from "./toasts.js";

class Pile extends HTMLElement {
  #actId = newId();

  connectedCallback() {
    const { project, pile } = this.dataset;
    this.url = `/api/v1/projects/${project}/piles/${pile}`;
    this.left = Number(this.dataset.nUnseen);
    this.said = this.querySelector(".to-see");
    this.addEventListener("change", () => this.#ticked());
    this.addEventListener("click", (event) => this.#click(event.target.closest("button[type=button][data-do]")));
    this.addEventListener("submit", (event) => this.#submit(event));
    this.#watch();
    this.#wireNaming();
    this.#ticked();
  }

  #watch() {
    const reports = new SeenReports(`${this.url}/seen`, {
      told: (tiles) => this.#told(tiles),
      refused: (error) => toast(error.message, { kind: "bad", key: "seen" }),
    });
    const watch = new SeenWatch((tiles) => reports.add(tiles));
    for (const tile of this.querySelectorAll("[data-unseen]")) watch.observe(tile);
  }

  #told(tiles) {
    for (const tile of tiles) tile.removeAttribute("data-unseen");
    this.left -= tiles.length;
    if (this.said) this.said.textContent = this.left > 0 ? `${thousands(this.left)} not seen by you yet` : "";
  }

  // Enter in the field, or the button: the pile is named, with a new taxon too.
  #wireNaming() {
    const form = this.querySelector("form[data-do=name]");
    this.field = form?.querySelector("taxon-field");
    if (!form) return;
    this.field.addEventListener("apply", () => this.field.empty || form.requestSubmit());
    new NewTaxon(this.field, this.dataset.project, { nSelected: () => Number(this.dataset.open), label: () => form.requestSubmit() });
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

  async #audit() {
    const taxon = await this.field.resolve();
    if (taxon) openAudit(this.dataset.project, { source: "pile", source_id: Number(this.dataset.pile), taxon_id: taxon.id });
    else if (this.field.empty) this.#askTaxon();
  }

  #askTaxon() {
    toast("Type the taxon of the pile first.", { kind: "warn", key: "taxa", stays: false });
    this.field.focus();
  }

  #submit(event) {
    event.preventDefault();
    const form = event.target;
    const button = form.querySelector("button");
    if (form.dataset.do === "rename") return doAndGo(button, () => putJson(this.url, { name: form.elements.name.value }));
    if (!button.disabled) this.#name(button);
  }

  async #name(button) {
    const taxon = await this.field.resolve();
    if (taxon) doAndGo(button, () => postJson(`${this.url}/name`, { client_id: this.#actId, taxon_id: taxon.id }));
    else if (this.field.empty) this.#askTaxon();
  }
}

customElements.define("shoal-pile", Pile);
