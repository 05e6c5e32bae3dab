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
    const isMixed = meant.length === 1 && Number(meant[0].dataset.purity) < 0.5 && Number(meant[0].dataset.n) > 1;
    this.root.querySelector("[data-command=split]")?.classList.toggle("primary", isMixed);
    this.root.querySelector("[data-command=open]")?.classList.toggle("primary", !isMixed);
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
    this.#offerSplit(meant);
    this.#list?.replaceChildren(...this.proposed.map(proposalLine));
  }
}

const proposalLine = ({ taxon, italic, votes }, place) =>
  element("li", {}, element("button", { type: "button" }, nameCut(taxon, italic), element("span", { className: "quiet" }, thousands(votes)), element("kbd", {}, `Alt ${place + 1}`)));
