// Working the predictions: a threshold for each taxon, what it buys as it is moved, and from there the audit or a batch.
// A taxon's whole curve comes at once, when one is about to move its threshold.

import { openAudit } from "./audit_open.js";
import { makeBatch } from "./batch_make.js";
import { element, thousands } from "./html.js";
import { getJson } from "./requests.js";
import { sortedTable } from "./sorted_table.js";
import { toast } from "./toasts.js";

const NONE = 2; // what a taxon without a threshold sorts by

class ThresholdTable extends HTMLElement {
  #curves = new Map();

  connectedCallback() {
    this.table = this.querySelector("table");
    this.url = `/api/v1/projects/${this.dataset.project}/predictions/thresholds`;
    sortedTable(this.table, this.querySelector("[data-list-search]"), this.querySelector("#thresholds-none"));
    this.addEventListener("click", ({ target }) => this.#click(target.closest("button")));
    this.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#suggest(event.target.elements.precision);
    });
    for (const kind of ["pointerover", "focusin"]) this.addEventListener(kind, ({ target }) => target.type === "range" && this.#curve(target));
    this.addEventListener("input", ({ target }) => target.type === "range" && this.#move(target));
    this.addEventListener("keydown", (event) => this.#key(event));
    this.querySelector("[data-novel]")?.addEventListener("change", () => this.#sayAll());
    this.#sayAll();
  }

  get #withNovel() {
    return this.querySelector("[data-novel]")?.checked ?? false;
  }

  get #rows() {
    return [...this.table.tBodies[0].rows];
  }

  #curve(slider) {
    const { taxon } = slider.closest("tr").dataset;
    if (!this.#curves.has(taxon)) {
      const asked = getJson(`${this.url}/${taxon}`);
      asked.then((curve) => this.#curves.set(taxon, curve), () => this.#curves.delete(taxon));
      this.#curves.set(taxon, asked);
    }
    return this.#curves.get(taxon);
  }

  async #move(slider) {
    const row = slider.closest("tr");
    row.dataset.moved = "";
    try {
      await this.#curve(slider);
      this.#say(row);
      this.#sum();
    } catch (error) {
      toast(error.message, { kind: "warn", key: "curve" });
    }
  }

  // What the threshold of a row buys; from its curve, once that has come, else as the server said it.
  #say(row) {
    const curve = this.#curves.get(row.dataset.taxon);
    if (!curve?.taken) return;
    const slider = row.querySelector("[type=range]");
    const step = Number(slider.value);
    const n = curve.taken[step] + (this.#withNovel ? curve.novel[step] : 0);
    const [precision, least, held] = [curve.precision[step], curve.at_least[step], curve.held_out[step]];
    const isTold = held >= curve.fewest;
    const words = isTold ? `at least ${least.toFixed(1)} % of ${thousands(held)}` : this.#untold(held, curve.by_score[step]);
    slider.ariaValueText = `${(step / 100).toFixed(2)}: takes ${thousands(n)}${isTold ? `, ${precision.toFixed(1)} % right, ${words}` : `, ${words}`}`;
    row.querySelector("output").value = (step / 100).toFixed(2);
    fill(cellOf(row, "threshold"), step / 100);
    fill(takesOf(row), n, thousands(n));
    const quiet = element("span", { className: "quiet" }, words);
    fill(cellOf(row, "bought"), isTold ? precision / 100 : -1, ...(isTold ? [element("b", {}, `${precision.toFixed(1)} %`), " ", quiet] : [quiet]));
    const accept = row.querySelector("[data-do=accept]");
    if (accept) accept.disabled = n === 0;
  }

  #untold(held, byScore) {
    const scores = byScore === null ? "" : `; ${byScore.toFixed(0)} % by their scores`;
    if ("closed" in this.dataset) return `what was held out is not told to you${scores}`;
    return `${held ? `only ${held}` : "nothing"} held out: too few to tell${scores}`;
  }

  async #sayAll() {
    if (this.#withNovel) await Promise.all(this.#rows.filter(isSet).map((row) => this.#curve(row.querySelector("[type=range]"))));
    for (const row of this.#rows) if (isSet(row)) this.#say(row);
    this.#sum();
  }

  #sum() {
    const rows = this.#rows.filter(isSet);
    const n = rows.reduce((sum, row) => sum + Number(takesOf(row).dataset.value), 0);
    this.querySelector("[data-sum]").textContent = `${thousands(rows.length)} of ${thousands(this.#rows.length)} taxa have a threshold, which takes ${thousands(n)} objects in all.`;
  }

  async #suggest(field) {
    const percent = Number(field.value.replace(",", "."));
    if (!(percent > 0 && percent < 100)) return toast("The wished precision lies between 0 and 100 %, such as 95.", { kind: "warn", key: "wish" });
    try {
      const told = await getJson(`${this.url}?precision=${percent / 100}`);
      const address = new URL(location);
      address.searchParams.set("precision", percent);
      history.replaceState(history.state, "", address);
      const by = new Map(told.taxa.map((one) => [String(one.taxon_id), one]));
      for (const row of this.#rows) if (by.has(row.dataset.taxon)) this.#take(row, by.get(row.dataset.taxon));
      await this.#sayAll();
      toast(`Thresholds for ${percent} % are suggested.`, { key: "wish" });
    } catch (error) {
      toast(error.message, { kind: "warn", key: "wish" });
    }
  }

  #take(row, one) {
    delete row.dataset.moved;
    const has = one.threshold !== null;
    row.querySelector("[type=range]").value = has ? Math.round(100 * one.threshold) : 100;
    row.querySelector("output").value = has ? one.threshold.toFixed(2) : "none";
    fill(cellOf(row, "threshold"), has ? one.threshold : NONE);
    fill(takesOf(row), has ? one.n_taken : 0, has ? thousands(one.n_taken) : "–");
    const accept = row.querySelector("[data-do=accept]");
    if (accept) accept.disabled = !has || !one.n_taken;
    if (!has) return fill(cellOf(row, "bought"), -1, element("span", { className: "quiet" }, "closed" in this.dataset ? "not told to you" : one.n_held_out < 20 ? `only ${one.n_held_out} held out: too few to tell` : "no threshold is so precise"));
    const [precision, least] = [one.precision, one.precision_at_least].map((share) => `${(100 * share).toFixed(1)} %`);
    const quiet = element("span", { className: "quiet" }, `at least ${least} of ${thousands(one.n_above)}`);
    fill(cellOf(row, "bought"), one.precision, element("b", {}, precision), " ", quiet);
  }

  #click(button) {
    if (!button) return;
    const { project } = this.dataset;
    if (button.dataset.source) return makeBatch(project, JSON.parse(button.dataset.source));
    const row = button.closest("tr[data-taxon]");
    if (row && button.dataset.do === "accept") return this.#accept(row);
    if (row && button.dataset.do === "open") {
      const [order, unsure] = this.querySelector("[data-order]").value.split(" ");
      const turned = unsure ? { unsure_first: true } : {};
      return makeBatch(project, { kind: "predicted", taxon_id: Number(row.dataset.taxon), alone: true, order, ...turned });
    }
  }

  #accept(row) {
    const taxonId = Number(row.dataset.taxon);
    const known = "novelty" in this.dataset && !this.#withNovel ? { known: true } : {};
    const query = { kind: "predicted", taxon_id: taxonId, alone: true, ...known, min_score: Number(row.querySelector("[type=range]").value) / 100 };
    return openAudit(this.dataset.project, { source: "found", source_id: 0, query, taxon_id: taxonId, status: "V" });
  }

  #key(event) {
    if (event.code !== "Enter" || event.repeat || event.isComposing || event.target.type !== "range") return;
    event.preventDefault();
    event.target.closest("tr").querySelector("[data-do=accept]:not(:disabled)")?.click();
  }
}

const cellOf = (row, name) => row.querySelector(`td.${name}`);
const takesOf = (row) => cellOf(row, "threshold").nextElementSibling;
const isSet = (row) => "moved" in row.dataset || Number(cellOf(row, "threshold").dataset.value) !== NONE;

// What a cell sorts by, and what it shows, if that is another.
const fill = (cell, value, ...shown) => {
  cell.dataset.value = value;
  if (shown.length) cell.replaceChildren(...shown);
};

customElements.define("threshold-table", ThresholdTable);
