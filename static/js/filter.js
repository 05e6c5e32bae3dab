// The filter of this page as its address says it: which labels it keeps, and the addresses of other filters.

import { FilterSheet } from "./filter_sheet.js";
import { goTo } from "./in_place.js";
import { wireOrder } from "./order_sheet.js";
import { wireView } from "./view.js";

export class Filter {
  #tree;
  #account;

  constructor(tree, accountId) {
    this.#tree = tree;
    this.#account = accountId;
  }

  // A copy: the size of the tiles changes the address without a new page.
  get query() {
    return new URLSearchParams(location.search);
  }

  // Whether an object with this new label still belongs on the page, as far as label and tree can say.
  keeps({ status, taxon_id, provenance }) {
    const { query } = this;
    const statuses = query.getAll("status");
    if (statuses.length && !statuses.includes(status)) return false;
    // Acts from this page are this person's; what an undo leaves may be another's, which only the server knows.
    const people = query.getAll("who");
    const isMine = "DV".includes(status) && (people.includes(this.#account) || people.includes("me"));
    if (people.length && !isMine) return false;
    const provenances = query.getAll("provenance");
    if (provenances.length && "DV".includes(status) && !provenances.includes(provenance ?? "single")) return false;
    const labelledUntil = query.get("when")?.split("..")[1];
    if (labelledUntil && "DV".includes(status) && labelledUntil < new Date().toISOString().slice(0, labelledUntil.length)) return false;
    const taxa = query.getAll("taxon").map(Number);
    if (!taxa.length) return true;
    if (taxa.includes(taxon_id ?? 0)) return true;
    return this.withChildren && (!this.isPlaced(taxon_id) || taxa.some((taxon) => this.#tree.isBelow(taxon_id, taxon)));
  }

  // Whether the tree says already what stands above this taxon: one that nothing here had before comes with the next counts.
  isPlaced(taxonId) {
    return Boolean(this.#tree.row(taxonId));
  }

  get withChildren() {
    return this.query.get("children") !== "0";
  }

  // Goes to this page's address after `change` has been made to its query.
  go(change) {
    const query = this.query;
    change(query);
    query.delete("cursor");
    goTo(`${location.pathname}${query.size ? `?${query}` : ""}`);
  }
}

// The chips, the + filter sheet, the order and the view.
export const wireFilterControls = (filter) => {
  const board = document.querySelector("shoal-board");
  wireOrder(filter);
  wireView(board);
  new FilterSheet(filter);
};
