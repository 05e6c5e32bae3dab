// The digits 1 to 9 and the taxa they stand for: shown in the panel, changed in a sheet, kept on the server.

import { element, nameCut } from "./html.js";
import { ownLabel } from "./key_map.js";
import { hearTabs, tellTabs } from "./other_tabs.js";
import { savePreference } from "./preferences.js";
import { toast } from "./toasts.js";

const DIGITS = [..."123456789"];

export class Slots {
  #taxa = new Map();

  // `who`: {project, account}; `use(digit, status)` labels what is meant with that slot's taxon.
  constructor(who, use) {
    this.who = who;
    this.use = use;
    this.box = document.getElementById("slots");
    this.sheet = document.getElementById("slot-sheet");
    for (const [digit, taxon] of Object.entries(JSON.parse(this.box.dataset.slots))) this.#taxa.set(digit, taxon);
    // The tiles keep the focus, so that the next key is theirs.
    this.box.addEventListener("pointerdown", (event) => event.preventDefault());
    this.box.addEventListener("click", (event) => this.#press(event));
    for (const digit of DIGITS) this.#wireRow(digit);
    hearTabs(who, "slot", (told) => this.#hear(told));
    this.#draw();
  }

  taxon(digit) {
    return this.#taxa.get(digit) ?? null;
  }

  tellEmpty(digit) {
    const action = { text: `Fill ${digit}`, run: () => this.open(digit) };
    toast(`Slot ${digit} is empty: give it a taxon, and the key ${digit} labels with it.`, { key: "slot", action });
  }

  #press(event) {
    const button = event.target.closest("button");
    if (!button) return;
    const { digit } = button.dataset;
    if (digit && this.#taxa.has(digit)) this.use(digit, event.shiftKey ? "D" : "V");
    else this.open(digit ?? DIGITS.find((free) => !this.#taxa.has(free)) ?? "1");
  }

  open(digit) {
    for (const each of DIGITS) this.#write(each);
    this.sheet.showPopover();
    this.#field(digit).focus();
  }

  #field(digit) {
    return this.sheet.querySelector(`taxon-field[data-digit="${digit}"]`);
  }

  #wireRow(digit) {
    const field = this.#field(digit);
    // A name taken from the list by the pointer is meant as much as one taken by Enter.
    field.addEventListener("taxon", () => field.taxon && this.#keep(digit, field.taxon));
    field.addEventListener("apply", async () => {
      if (field.empty || !(await field.resolve())) return;
      const next = this.#field(String(Number(digit) + 1));
      if (next) next.focus();
      else this.sheet.querySelector("[data-close]").focus();
    });
    // What was typed and not taken is no taxon: the slot's own name comes back.
    field.addEventListener("focusout", () => this.#write(digit));
    this.sheet.querySelector(`[data-empty="${digit}"]`).addEventListener("click", () => {
      this.#keep(digit, null);
      this.#write(digit);
    });
  }

  #write(digit) {
    const field = this.#field(digit);
    field.hold(this.taxon(digit));
    this.sheet.querySelector(`[data-empty="${digit}"]`).disabled = !this.#taxa.has(digit);
  }

  #keep(digit, taxon) {
    if (taxon?.id === this.#taxa.get(digit)?.id) return;
    if (taxon) this.#taxa.set(digit, { id: taxon.id, display_name: taxon.display_name, italic: taxon.italic });
    else this.#taxa.delete(digit);
    this.#draw();
    savePreference(this.who.project, { slots: { [digit]: taxon?.id ?? null } });
    tellTabs(this.who, "slot", { digit, taxon });
  }

  // Changed in another tab.
  #hear({ digit, taxon }) {
    if (taxon) this.#taxa.set(digit, taxon);
    else this.#taxa.delete(digit);
    this.#draw();
  }

  #draw() {
    const buttons = DIGITS.map((digit) => {
      const taxon = this.#taxa.get(digit);
      const name = taxon ? nameCut(taxon.display_name, taxon.italic) : element("span", { className: "quiet" }, "empty");
      const button = element("button", { type: "button", className: "plain slot" }, element("kbd", {}, ownLabel(`slot:${digit}`, digit)), name);
      button.dataset.digit = digit;
      button.ariaLabel = taxon ? `${digit}: ${taxon.display_name}` : `Slot ${digit} is empty: fill it`;
      return button;
    });
    const change = element("button", { type: "button", className: "plain slot" }, "Change…");
    this.box.replaceChildren(...buttons, change);
  }
}
