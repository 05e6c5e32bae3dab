// <import-questions>: what the unknown taxa and people of a source mean. Every answer is kept on the server at once.

import { count, element } from "./html.js";
import { NewTaxon } from "./new_taxon.js";
import { postJson } from "./requests.js";
import "./taxon_field.js";
import { toast } from "./toasts.js";

const UNLABELLED = "-";

class ImportQuestions extends HTMLElement {
  connectedCallback() {
    customElements.upgrade(this); // its fields: where they come with it in a fragment, they are made after it
    this.wireTaxa();
    this.wireAll();
    this.wirePeople();
    // The sheet speaks with one field: this stands for the row's that asked last.
    this.asking = new EventTarget();
    this.asking.choose = (taxon) => this.row && this.take(this.row, taxon);
    this.asking.focus = () => this.row && this.next(this.row);
    // Closed without a taxon, it leaves the focus where it was asked for.
    document.getElementById("new-taxon").addEventListener("toggle", ({ newState }) => {
      if (newState === "closed" && document.activeElement === document.body) this.opener?.focus();
    });
    this.sheet = new NewTaxon(this.asking, this.dataset.project, { nSelected: () => 0, label: () => {} });
    this.tell();
  }

  get rows() {
    return [...this.querySelectorAll("tr[data-taxon]")];
  }

  get open() {
    return this.rows.filter((row) => !row.dataset.answer);
  }

  wireTaxa() {
    for (const row of this.rows) {
      const field = row.querySelector("taxon-field");
      field.addEventListener("apply", async () => {
        const { taxon } = field;
        // What was proposed is taken here; what is looked up now tells so itself.
        if (taxon) await this.take(row, taxon);
        if (taxon || (!field.empty && (await field.resolve()))) this.next(row);
      });
      field.addEventListener("taxon", () => field.taxon && this.take(row, field.taxon));
      field.addEventListener("create", ({ detail }) => this.create(row, detail.name));
      row.querySelector("[data-create]:not(taxon-field)").addEventListener("click", () => this.create(row, row.dataset.taxon.split("<")[0].trim()));
      row.querySelector("[data-unlabelled]").addEventListener("click", () => this.leave([row]));
      for (const near of row.querySelectorAll("[data-near]")) {
        near.addEventListener("click", () => this.take(row, { id: Number(near.dataset.near), display_name: near.textContent }));
      }
      const { answer, proposed } = row.dataset;
      if (answer && answer !== UNLABELLED) field.hold({ id: Number(answer), display_name: field.text });
      else if (proposed) this.propose(row);
    }
  }

  // Nearly the same name: it stands in the field, and counts once it is taken, by Enter or for all at once.
  propose(row) {
    row.classList.add("proposed");
    row.querySelector("taxon-field").hold({ id: Number(row.dataset.proposed), display_name: row.dataset.proposedName });
  }

  wireAll() {
    const all = (name, act) => this.querySelector(`[data-all="${name}"]`)?.addEventListener("click", act);
    all("proposed", () => this.takeProposed());
    all("unlabelled", () => this.leave(this.open));
    all("make", () => this.makeAll());
    // Enter takes the parent; creating all is a second, deliberate press.
    const parent = this.querySelector(".make-all taxon-field");
    const atRoot = this.querySelector("[name=all_at_root]");
    atRoot?.addEventListener("change", () => atRoot.checked && parent.clear());
    parent?.addEventListener("taxon", () => parent.taxon && (atRoot.checked = false));
    parent?.addEventListener("apply", async () => {
      if (!parent.empty && (await parent.resolve())) this.querySelector('[data-all="make"]').focus();
    });
  }

  wirePeople() {
    for (const row of this.querySelectorAll("tr[data-person]")) {
      const input = row.querySelector("input");
      input.addEventListener("change", () => this.person(row, input.value.trim() || null, input.value));
      row.querySelector("[data-mine]").addEventListener("click", ({ currentTarget }) =>
        this.person(row, currentTarget.dataset.mine, currentTarget.dataset.name));
      row.querySelector("[data-new-person]").addEventListener("click", () => this.newPerson(row));
    }
  }

  create(row, name) {
    this.row = row;
    this.opener = document.activeElement;
    this.asking.dispatchEvent(new CustomEvent("create", { detail: { name, status: "V" } }));
  }

  next(row) {
    const rows = this.rows;
    const open = rows.slice(rows.indexOf(row) + 1).find((other) => !other.dataset.answer);
    (open?.querySelector("taxon-field") ?? document.getElementById("import-now")).focus();
  }

  take(row, taxon) {
    if (row.dataset.answer === String(taxon.id)) return Promise.resolve();
    return this.keep([[row, taxon.id, taxon.display_name]]);
  }

  leave(rows) {
    // Pressed again, it is open again.
    const isBack = rows.length === 1 && rows[0].dataset.answer === UNLABELLED;
    return this.keep(rows.map((row) => [row, isBack ? null : UNLABELLED, ""]));
  }

  takeProposed() {
    const rows = this.open.filter((row) => row.dataset.proposed);
    if (!rows.length) return toast("Nothing is proposed for those that are open.", { key: "import" });
    return this.keep(rows.map((row) => [row, Number(row.dataset.proposed), row.dataset.proposedName]));
  }

  async makeAll() {
    const field = this.querySelector(".make-all taxon-field");
    const isAtRoot = this.querySelector("[name=all_at_root]").checked;
    const parent = isAtRoot ? null : await field.resolve();
    if (!parent && !isAtRoot) return toast("Say under which taxon they are created, or tick “at the root of the tree”.", { kind: "warn", key: "import", stays: false });
    const rows = this.open;
    const body = { texts: rows.map((row) => row.dataset.taxon), parent_id: parent?.id ?? null, type: this.querySelector("[name=type]").value };
    return this.ask("taxa", body, ({ taxa }) => {
      for (const row of rows) this.mark(row, taxa[row.dataset.taxon], row.dataset.taxon.split("<")[0].trim());
    });
  }

  // [[row, answer, name to show]]
  keep(answers) {
    const taxa = Object.fromEntries(answers.map(([row, answer]) => [row.dataset.taxon, answer]));
    return this.ask("answers", { taxa }, () => {
      for (const [row, answer, name] of answers) this.mark(row, answer, name);
    });
  }

  async ask(what, body, done, row = null) {
    row?.querySelector(".fault")?.remove();
    try {
      done(await postJson(`${this.dataset.here}/${what}`, body));
      this.tell();
    } catch (error) {
      if (row) row.querySelector("td:nth-child(3)").append(element("p", { className: "error small fault", role: "alert" }, error.message));
      else toast(error.message, { kind: "bad", key: "import" });
    }
  }

  mark(row, answer, name) {
    row.dataset.answer = answer ?? "";
    row.classList.toggle("answered", Boolean(answer));
    row.classList.remove("proposed");
    const isLeft = answer === UNLABELLED;
    row.querySelector("[data-unlabelled]")?.setAttribute("aria-pressed", String(isLeft));
    row.querySelector("taxon-field").hold(answer && !isLeft ? { id: Number(answer), display_name: name } : null);
    row.querySelector("input").placeholder = isLeft ? "comes in without a label" : "type a name";
  }

  person(row, answer, name) {
    return this.ask("answers", { users: { [row.dataset.person]: answer } }, () => this.markPerson(row, answer, name), row);
  }

  newPerson(row) {
    const { person, email } = row.dataset;
    return this.ask("people", { name: person, email }, ({ users }) => this.markPerson(row, users[person], `${person} (new, without access)`), row);
  }

  markPerson(row, answer, name) {
    row.dataset.answer = answer ?? "";
    row.classList.toggle("answered", Boolean(answer));
    row.querySelector("input").value = name;
  }

  tell() {
    const n = this.querySelectorAll('tr[data-answer=""]').length;
    const words = document.getElementById("still-open");
    if (words) words.textContent = n ? `${count(n, "name")} to answer first` : "All names are answered";
    const left = this.rows.filter((row) => row.dataset.answer === UNLABELLED).reduce((sum, row) => sum + Number(row.dataset.n), 0);
    const told = document.getElementById("without-label");
    if (!told) return;
    told.hidden = !left;
    told.textContent = `As answered, the labels of ${count(left, "object")} stay away.`;
  }
}

customElements.define("import-questions", ImportQuestions);
