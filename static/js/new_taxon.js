// The sheet that creates a taxon which the label field did not find. Nothing is created by Enter alone: the place in the
// tree has to be named first, and taxa of nearly the same name are shown before.

import { count, element, nameCut } from "./html.js";
import { nearNames } from "./near_names.js";
import { postJson } from "./requests.js";

const AFTER_LAST_KEY_MS = 250;
const NO_PLACE = "Say where it belongs: type the taxon above it, or tick “at the root of the tree”.";

export class NewTaxon {
  #status = "V"; // how what is selected is labelled with it
  #timer = null;

  // `label(status)` labels what is selected, each a `noun`, with the taxon that the field then holds.
  constructor(field, projectId, { nSelected, label, noun = "object" }) {
    Object.assign(this, { field, projectId, nSelected, label, noun });
    this.sheet = document.getElementById("new-taxon");
    this.parent = this.sheet.querySelector("taxon-field");
    this.create = this.sheet.querySelector("button.primary");
    this.near = this.sheet.querySelector(".near");
    this.inputs = this.sheet.elements;
    field.addEventListener("create", ({ detail }) => this.#open(detail));
    this.#wirePlace();
    this.#wireSheet();
  }

  #wirePlace() {
    const { parent, inputs, create } = this;
    inputs.at_root.addEventListener("change", () => {
      if (inputs.at_root.checked) parent.clear();
      this.#say("");
    });
    parent.addEventListener("taxon", () => parent.taxon && (inputs.at_root.checked = false));
    // Enter takes the parent; creating is a second, deliberate press.
    parent.addEventListener("apply", async () => {
      if (parent.empty) return this.#say(NO_PLACE);
      if (!(await parent.resolve())) return;
      this.#say("");
      create.focus();
    });
  }

  #wireSheet() {
    const { sheet } = this;
    this.inputs.name.addEventListener("input", () => {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#showNear(), AFTER_LAST_KEY_MS);
    });
    // The field above would lose the focus, its list would close, and the button slip away from under the pointer.
    sheet.addEventListener("mousedown", (event) => event.target.closest("button") && event.preventDefault());
    sheet.addEventListener("keydown", (event) => event.repeat && event.key === "Enter" && event.preventDefault());
    sheet.querySelector("[data-close]").addEventListener("click", () => sheet.hidePopover());
    sheet.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
  }

  #open({ name, status }) {
    this.#status = status;
    this.sheet.reset();
    this.parent.clear();
    this.#say("");
    this.inputs.name.value = name;
    const objects = count(this.nSelected(), this.noun);
    const deed = status === "D" ? `mark ${objects} as dubious` : `validate ${objects}`;
    this.create.textContent = this.nSelected() ? `Create and ${deed}` : "Create";
    this.near.hidden = true;
    this.#showNear();
    this.sheet.showPopover();
    this.parent.focus();
  }

  #say(sentence) {
    const fault = this.sheet.querySelector(".error");
    fault.textContent = sentence;
    fault.hidden = !sentence;
  }

  async #showNear() {
    const { name } = this.inputs;
    const asked = name.value;
    const taxa = await nearNames(asked, this.projectId).catch(() => []);
    if (asked !== name.value) return;
    this.near.querySelector(".row").replaceChildren(...taxa.map((taxon) => this.#choice(taxon)));
    this.near.hidden = !taxa.length;
  }

  #choice(taxon) {
    const button = element("button", { type: "button" }, nameCut(taxon.display_name, taxon.italic));
    button.addEventListener("click", () => this.#use(taxon));
    return button;
  }

  async #submit() {
    if (this.create.disabled) return; // Enter twice asks once
    this.create.disabled = true;
    try {
      const { name, type, at_root: atRoot } = this.inputs;
      const above = atRoot.checked ? null : await this.parent.resolve();
      if (!above && !atRoot.checked) return this.#say(NO_PLACE);
      const asked = { name: name.value, type: type.value, parent_id: above?.id ?? null, project_id: Number(this.projectId) };
      this.#use(await postJson("/taxa", asked));
    } catch (error) {
      this.#say(error.message);
    } finally {
      this.create.disabled = false;
    }
  }

  #use(taxon) {
    this.field.choose(taxon);
    this.sheet.hidePopover();
    if (this.nSelected()) this.label(this.#status);
    else this.field.focus();
  }
}
