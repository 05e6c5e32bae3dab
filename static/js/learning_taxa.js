// <learning-taxa>: what each taxon of a learning set appears as, for one or for all that are shown, and how many objects
// of it the set then takes. The choices are sent with the form.

import { element, thousands } from "./html.js";

const RARE = 10;

class LearningTaxa extends HTMLElement {
  #past = []; // what the rows appeared as before each change of many

  connectedCallback() {
    this.lines = JSON.parse(document.getElementById("lineages").textContent);
    this.used = new Set(this.lines.used);
    this.form = this.querySelector("form");
    this.rows = [...this.querySelectorAll("tr[data-taxon]")];
    this.selects = this.rows.map((row) => row.querySelector("[data-as]"));
    for (const type of ["focusin", "pointerdown"]) this.addEventListener(type, (event) => this.#fill(event.target));
    this.addEventListener("change", (event) => this.#changed(event.target));
    this.addEventListener("input", (event) => event.target.name === "per_taxon" && this.#count());
    this.addEventListener("click", (event) => this.#pressed(event.target.closest("[data-do]")?.dataset.do));
    this.querySelector("[data-find]").addEventListener("input", (event) => this.#find(event.target.value));
    this.querySelector(".wizard-tools").addEventListener("keydown", (event) => event.key === "Enter" && this.#entered(event));
    this.form.addEventListener("submit", () => (this.form.elements.taxa.value = JSON.stringify(this.#meant())));
    this.#count();
  }

  get #shown() {
    return this.rows.map((row, i) => i).filter((i) => !this.rows[i].hidden);
  }

  // Enter in the tools presses what stands beside the field, and never sends the form.
  #entered(event) {
    event.preventDefault();
    if (event.target.matches("[data-fewest]")) this.#pressed("rare");
  }

  // What a taxon may appear as is written out when somebody looks.
  #fill(select) {
    if (!select.matches?.("[data-as]") || select.dataset.full) return;
    select.dataset.full = "yes";
    const own = select.closest("tr").dataset.taxon;
    const there = new Set([...select.options].map((option) => option.value));
    const out = select.querySelector('option[value="0"]');
    for (const id of this.lines.above[own] ?? []) {
      if (!there.has(String(id))) out.before(new Option(this.#named(id), id));
    }
    out.before(new Option("another taxon…", "other"));
  }

  #named(id) {
    const rank = this.lines.ranks[id];
    return `${this.lines.names[id] ?? id}${rank ? ` (${rank})` : ""}`;
  }

  #changed(select) {
    if (!select.matches("[data-as]")) return;
    if (select.value === "other") this.#askFor(select);
    else this.#count();
  }

  // A field to type the taxon, under the choice that asked for it.
  #askFor(select) {
    const cell = select.parentElement;
    cell.querySelector("taxon-field")?.remove();
    const input = element("input", { autocomplete: "off", placeholder: "type a taxon", "aria-label": "Taxon to appear as" });
    const field = element("taxon-field", {}, input);
    field.dataset.project = this.dataset.project;
    cell.append(field);
    input.addEventListener("keydown", (event) => {
      if (event.code === "Escape") this.#close(select, field, select.closest("tr").dataset.taxon);
    }, { capture: true });
    // The field tells of a taxon in the middle of its own work: it is taken away after that.
    const take = async () => {
      const taxon = field.taxon ?? (await field.resolve());
      if (taxon && field.isConnected) this.#take(select, field, taxon);
    };
    field.addEventListener("taxon", () => field.taxon && queueMicrotask(take));
    field.addEventListener("apply", take);
    input.focus();
  }

  #take(select, field, taxon) {
    this.lines.names[taxon.id] = taxon.display_name;
    this.#choose(select, taxon.id);
    this.#close(select, field, taxon.id);
  }

  #close(select, field, value) {
    field.remove();
    select.value = String(value);
    select.focus();
    this.#count();
  }

  // The choice shows this taxon, by a new line where it had none.
  #choose(select, id) {
    const value = String(id);
    if (![...select.options].some((option) => option.value === value)) {
      select.querySelector('option[value="0"]').before(new Option(this.#named(id), value));
    }
    select.value = value;
  }

  #pressed(what) {
    if (what === "apply") this.#applyTo(this.#shown, (own) => this.#helped(own, this.querySelector("[data-helper]").value));
    else if (what === "rare") this.#leaveOutRare();
    else if (what === "back") this.#takeBack();
    else if (what === "by-tree" || what === "by-count") this.#sort(what);
  }

  #helped(own, helper) {
    const above = this.lines.above[own] ?? [];
    if (helper === "none") return 0;
    if (helper === "parent") return above[0] ?? own;
    if (helper === "used") return [Number(own), ...above].find((id) => this.used.has(id)) ?? 0;
    if (helper.startsWith("rank:")) return above.find((id) => this.lines.ranks[id] === helper.slice(5)) ?? own;
    return own;
  }

  // By what would be taught: those that appear together count together.
  #leaveOutRare() {
    const fewest = Number(this.querySelector("[data-fewest]").value) || RARE;
    const sums = this.#sums();
    const few = this.#shown.filter((i) => this.selects[i].value !== "0" && sums.get(this.selects[i].value) < fewest);
    this.#applyTo(few, () => 0);
  }

  #applyTo(places, meant) {
    this.#past.push(this.selects.map((select) => select.value));
    for (const i of places) this.#choose(this.selects[i], meant(this.rows[i].dataset.taxon));
    this.#count();
  }

  #takeBack() {
    const before = this.#past.pop();
    for (const [i, value] of (before ?? []).entries()) this.#choose(this.selects[i], value);
    this.#count();
  }

  #sort(how) {
    const rows = how === "by-tree" ? this.rows : this.rows.toSorted((one, other) => other.dataset.n - one.dataset.n);
    this.querySelector("tbody").append(...rows);
    for (const button of this.querySelectorAll("th [data-do]")) button.setAttribute("aria-pressed", String(button.dataset.do === how));
  }

  #find(text) {
    const word = text.trim().toLowerCase();
    for (const row of this.rows) row.hidden = !row.dataset.name.includes(word);
    const n = this.#shown.length;
    this.querySelector("[data-n-shown]").textContent = thousands(n);
    this.querySelector("[data-none]").hidden = n > 0;
  }

  // Objects by the taxon that they would teach.
  #sums() {
    const sums = new Map();
    for (const [i, select] of this.selects.entries()) {
      const value = select.value === "other" ? this.rows[i].dataset.taxon : select.value;
      sums.set(value, (sums.get(value) ?? 0) + Number(this.rows[i].dataset.n));
    }
    return sums;
  }

  #count() {
    const typed = this.form.elements.per_taxon.value.replace(/\s/g, "");
    const most = typed ? Number(typed) : Infinity;
    const sums = this.#sums();
    for (const [i, row] of this.rows.entries()) {
      const value = this.selects[i].value;
      const whole = sums.get(value) ?? 0;
      const n = Number(row.dataset.n);
      const taken = value === "0" ? 0 : whole > most ? Math.round((n * most) / whole) : n;
      row.querySelector("[data-in-set]").textContent = value === "0" ? "" : `${whole > most && whole > n ? "about " : ""}${thousands(taken)}`;
      row.classList.toggle("out", value === "0");
      row.classList.toggle("other", value !== row.dataset.taxon && value !== "0");
    }
    this.#sum(sums, most);
    this.querySelector('[data-do="back"]').disabled = !this.#past.length;
  }

  #sum(sums, most) {
    const taught = [...sums].filter(([value]) => value !== "0").map(([, n]) => Math.min(n, most));
    const n = taught.reduce((sum, one) => sum + one, 0);
    const rare = taught.filter((one) => one < RARE).length;
    const parts = [`${thousands(taught.length)} ${taught.length === 1 ? "taxon" : "taxa"}`, `${thousands(n)} objects`];
    if (rare) parts.push(`${thousands(rare)} with fewer than ${RARE}`);
    this.querySelector("[data-sum]").textContent = taught.length ? parts.join(" · ") : "Nothing is left to learn from.";
  }

  #meant() {
    const pairs = this.selects.map((select, i) => [this.rows[i].dataset.taxon, select.value]);
    return Object.fromEntries(pairs.filter(([own, value]) => value !== own && value !== "other").map(([own, value]) => [own, Number(value)]));
  }
}

customElements.define("learning-taxa", LearningTaxa);
