// The panel beside the cards: how much is meant, what may be done with it, and what it may be called.

import { count, element, nameCut, thousands } from "./html.js";

const MOST_PROPOSED = 3;

export class CardsPanel {
  #list;

  // `meant()` gives the cards that the next gesture is for.
  constructor(root, { selection, inside, field, meant }) {
    Object.assign(this, { root, selection, inside, field, meant });
    this.#list = root.querySelector("#proposals");
    this.#list?.addEventListener("pointerdown", (event) => event.preventDefault());
    this.#list?.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (button) this.take([...this.#list.querySelectorAll("button")].indexOf(button));
    });
    for (const source of [selection, inside]) source.addEventListener("change", () => this.tell());
    field?.addEventListener("taxon", () => this.#sayEnter(this.meant()));
    this.tell();
  }

  // Of all cards that are meant, the taxa with the most votes.
  get proposed() {
    const votes = new Map();
    for (const card of this.meant()) {
      for (const proposal of JSON.parse(card.dataset.proposals)) {
        const before = votes.get(proposal.taxon_id)?.votes ?? 0;
        votes.set(proposal.taxon_id, { ...proposal, votes: before + proposal.votes });
      }
    }
    return [...votes.values()].sort((a, b) => b.votes - a.votes).slice(0, MOST_PROPOSED);
  }

  // The `place`-th proposal goes into the label field.
  take(place) {
    const taxon = this.proposed[place];
    if (taxon) this.put({ id: taxon.taxon_id, display_name: taxon.taxon, italic: taxon.italic });
  }

  put(taxon) {
    this.field.choose(taxon);
    this.field.focus();
  }

  // What is mixed is split sooner than sorted.
  #offerSplit(meant) {
    const isMixed = !this.isNamed && meant.length === 1 && Number(meant[0].dataset.purity) < 0.5 && Number(meant[0].dataset.n) > 1;
    this.root.querySelector("[data-command=split]")?.classList.toggle("primary", isMixed);
    this.root.querySelector("[data-command=open]")?.classList.toggle("primary", !isMixed);
  }

  // Whether Enter names the cards, and opens no batch of them.
  get isNamed() {
    return Boolean(this.field && !this.field.empty);
  }

  #sayEnter(meant) {
    this.#offerSplit(meant);
    const words = this.root.querySelector("[data-command=open] > span");
    if (!words || !this.field) return;
    const { taxon } = this.field;
    const many = meant.length > 1 ? ` ${count(meant.length, "card")}` : "";
    const does = `${this.root.auditNext ? "Audit" : "Validate"}${many} as`;
    if (taxon) words.replaceChildren(`${does} `, nameCut(taxon.display_name, taxon.italic));
    else words.textContent = this.isNamed ? `${does}…` : "Open as a batch";
  }

  tell() {
    const meant = this.meant();
    const n = meant.reduce((sum, card) => sum + Number(card.dataset.n), 0);
    const words = this.selection.size ? `${count(meant.length, "card")} selected` : meant.length ? "The card under the cursor" : "No card selected";
    this.root.querySelector("#n-selected").textContent = meant.length ? `${words} · ${count(n, "object")}` : words;
    const any = meant.length > 0;
    const enabled = {
      open: any, grow: any, members: any, audit: any, aside: any,
      split: meant.length === 1, merge: meant.length > 1, sendOut: this.inside.chosen.length > 0,
    };
    for (const button of this.root.querySelectorAll(".commands [data-command]")) {
      if (button.dataset.command in enabled) button.disabled = !enabled[button.dataset.command];
    }
    this.#sayEnter(meant);
    this.#list?.replaceChildren(...this.proposed.map(proposalLine));
  }
}

const proposalLine = ({ taxon, italic, votes }, place) =>
  element("li", {}, element("button", { type: "button" }, nameCut(taxon, italic), element("span", { className: "quiet" }, thousands(votes)), element("kbd", {}, `Alt ${place + 1}`)));
