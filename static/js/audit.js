// An audit: strangers are clicked, the others said to be right once all were seen; then it is accepted, or goes on.

import { openAudit } from "./audit_open.js";
import { makeBatch } from "./batch_make.js";
import { doAndGo } from "./do_and_go.js";
import { count } from "./html.js";
import { commandOf } from "./keys.js";
import { NewTaxon } from "./new_taxon.js";
import { newId } from "./outbox.js";
import { whileShown } from "./page_life.js";
import { postJson, putJson } from "./requests.js";
import { chooseByEnter } from "./taxon_field.js";
import { SampleTiles } from "./sample_tiles.js";
import { toast } from "./toasts.js";
import { belongsElsewhere } from "./typing.js";

class Audit extends HTMLElement {
  #actId = newId();

  connectedCallback() {
    const { project, audit } = this.dataset;
    this.url = `/api/v1/projects/${project}/audits/${audit}`;
    this.judge = this.querySelector("[data-do=judge]");
    this.addEventListener("click", (event) => this.#click(event.target.closest("button")));
    this.addEventListener("submit", (event) => {
      event.preventDefault();
      doAndGo(event.submitter, () => this.#accept(event.target.elements.reason.value));
    });
    document.addEventListener("keydown", (event) => this.#key(event), { signal: whileShown() });
    const strangers = this.querySelector("taxon-field");
    if (strangers) {
      chooseByEnter(strangers);
      new NewTaxon(strangers, project, { nSelected: () => 0, label: () => {} });
    }
    if (this.judge) this.sample = new SampleTiles(this, this.url, () => this.#say());
  }

  #say() {
    if (!this.sample) return;
    const [n, left] = [this.sample.pressed.length, this.sample.unseen.size];
    const words = n ? `${count(n, "stranger")}; the others are right` : "All are right";
    this.judge.firstElementChild.textContent = left ? `Scroll on: ${left} not seen yet` : words;
    this.judge.disabled = left > 0;
  }

  #click(button) {
    if (!button || button.type === "submit") return;
    if (button.classList.contains("tile")) return;
    if (button.dataset.do === "batch") return makeBatch(this.dataset.project, JSON.parse(this.dataset.query), { taxonId: Number(this.dataset.taxonId) });
    const { project } = this.dataset;
    const does = {
      judge: () => this.#judge(),
      accept: () => this.#accept(null),
      more: () => this.#draw(this.dataset.upto ? { upto: Number(this.dataset.upto) } : {}),
      nearer: () => this.#draw({ upto: Math.ceil(Number(this.dataset.n) / 2) }),
      drop: () => postJson(`${this.url}/drop`, {}),
      undo: () => postJson(`/api/v1/projects/${project}/acts/${button.dataset.act}/undo`, { client_id: newId() }),
    };
    doAndGo(button, does[button.dataset.do]);
  }

  async #judge() {
    const strangers = new Set(this.sample.pressed);
    const field = this.querySelector("taxon-field");
    const isNamed = strangers.size > 0 && !field.empty;
    const taxon = isNamed ? await field.resolve() : null;
    if (isNamed && !taxon) throw new Error("Nothing is said yet: name the taxon of the strangers, or leave its field empty.");
    const verdicts = this.sample.tiles.map((tile) => ({
      id: Number(tile.dataset.id),
      is_right: !strangers.has(tile),
      taxon_id: strangers.has(tile) ? (taxon?.id ?? null) : null,
    }));
    await postJson(`${this.url}/judge`, { verdicts });
    this.sample.forget();
  }

  async #accept(ask) {
    const { outcome } = await postJson(`${this.url}/accept`, { client_id: this.#actId, ask });
    if (outcome) toast(`${count(outcome.changed.length, "object")} labelled.`);
  }

  #key(event) {
    const button = this.querySelector("[data-do=undo]:not(:disabled)");
    if (!button || commandOf(event)?.command !== "undo" || belongsElsewhere(event, "undo")) return;
    event.preventDefault();
    button.click();
  }

  // What stands in the way is left first: an audit that waits for a manager, or, as a manager, a colleague's.
  async #draw(more) {
    const { project, source, sourceId, taxonId, status, query } = this.dataset;
    if ("leave" in this.dataset) await postJson(`${this.url}/drop`, {});
    if (query) more.query = JSON.parse(query);
    const wish = { client_id: newId(), source, source_id: Number(sourceId), taxon_id: Number(taxonId), status, ...more };
    const { audit } = await postJson(`/api/v1/projects/${project}/audits`, wish);
    return `/projects/${project}/audits/${audit.id}`;
  }
}

class AuditLimit extends HTMLElement {
  connectedCallback() {
    this.addEventListener("submit", async (event) => {
      event.preventDefault();
      const percent = Number(event.target.elements.percent.value.replace(",", "."));
      try {
        const said = { share: percent / 100, waiving: event.target.elements.waiving.checked };
        const { share, waiving } = await putJson(`/api/v1/projects/${this.dataset.project}/audit-limit`, said);
        const programs = waiving ? "Their programs may accept without a sample." : "Their programs may not accept without a sample.";
        toast(`Up to ${Math.round(share * 1000) / 10} % may be accepted by annotators from now on. ${programs}`);
      } catch (error) {
        toast(error.message, { kind: "bad" });
      }
    });
  }
}

// Everything that is predicted as a taxon, from a score on.
class AuditFound extends HTMLElement {
  connectedCallback() {
    const field = this.querySelector("taxon-field");
    chooseByEnter(field);
    this.querySelector("button").disabled = false;
    this.addEventListener("submit", async (event) => {
      event.preventDefault();
      const least = Number(event.target.elements.n.value.replace(",", "."));
      const taxon = await field.resolve();
      if (!taxon) return field.empty && toast("Choose the taxon from the list first.", { kind: "warn", key: "taxa" });
      const query = { kind: "predicted", taxon_id: taxon.id, min_score: least };
      return openAudit(this.dataset.project, { source: "found", source_id: 0, query, taxon_id: taxon.id, status: "V" });
    });
  }
}

customElements.define("shoal-audit", Audit);
customElements.define("audit-found", AuditFound);
customElements.define("audit-limit", AuditLimit);
