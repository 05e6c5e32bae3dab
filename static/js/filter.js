// The filter of this page as its address says it: which labels it keeps, and the addresses of other filters.

export class Filter {
  #tree;
  #account;

  constructor(tree, accountId) {
    this.#tree = tree;
    this.#account = accountId;
    this.query = new URLSearchParams(location.search);
  }

  // Whether an object with this new label still belongs on the page, as far as label and tree can say.
  keeps({ status, taxon_id }) {
    const statuses = this.query.getAll("status");
    if (statuses.length && !statuses.includes(status)) return false;
    // Acts from this page are this person's; what an undo leaves may be another's, which only the server knows.
    const people = this.query.getAll("who");
    if (people.length && (!"DV".includes(status) || !people.includes(this.#account))) return false;
    const taxa = this.query.getAll("taxon").map(Number);
    if (!taxa.length) return true;
    return taxa.includes(taxon_id ?? 0) || (this.withChildren && taxa.some((taxon) => this.#tree.isBelow(taxon_id, taxon)));
  }

  get withChildren() {
    return this.query.get("children") !== "0";
  }

  // Goes to this page's address after `change` has been made to its query.
  go(change) {
    const query = new URLSearchParams(this.query);
    change(query);
    query.delete("cursor");
    location.assign(`${location.pathname}${query.size ? `?${query}` : ""}`);
  }
}

// The + filter sheet and the order control.
export const wireFilterControls = (filter) => {
  const form = document.getElementById("add-filter");
  const kind = form.elements.kind;
  const part = () => kind.selectedOptions[0].dataset.type ?? kind.value;
  const showPart = () => {
    for (const group of form.querySelectorAll("[data-for]")) group.hidden = group.dataset.for !== part();
  };
  kind.addEventListener("change", showPart);
  form.addEventListener("toggle", (event) => event.newState === "open" && kind.focus());
  form.querySelector("taxon-field").addEventListener("apply", () => form.requestSubmit());
  const emptyRange = form.querySelector(".error");
  form.addEventListener("input", () => {
    const { lo, hi } = form.elements;
    const empty = part() === "number" && lo.value !== "" && hi.value !== "" && Number(lo.value) > Number(hi.value);
    emptyRange.textContent = empty ? `No number is both from ${lo.value} and up to ${hi.value}: change one of them.` : "";
    emptyRange.hidden = !empty;
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (!emptyRange.hidden) return;
    const pairs = await pairsOf(form, kind.value, part());
    if (pairs.length) filter.go((query) => pairs.forEach(([name, value]) => query.append(name, value)));
  });
  showPart();

  document.getElementById("order").addEventListener("change", (event) => {
    filter.go((query) => {
      query.set("order", event.target.value);
      query.delete("dir");
      if (event.target.value !== "like") for (const name of ["examples", "query"]) query.delete(name);
    });
  });
  const direction = document.getElementById("direction");
  direction.addEventListener("click", () => {
    filter.go((query) => query.set("dir", direction.dataset.direction === "asc" ? "desc" : "asc"));
  });
};

const pairsOf = async (form, name, part) => {
  const { elements } = form;
  if (part === "status") return new FormData(form).getAll("status").map((value) => ["status", value]);
  if (part === "taxon") {
    const taxon = await form.querySelector("taxon-field").resolve();
    return taxon ? [["taxon", taxon.id]] : [];
  }
  if (part === "number") {
    const { lo, hi } = elements;
    return lo.value || hi.value ? [[name, `${lo.value}..${hi.value}`]] : [];
  }
  if (part === "text") return elements.text.value ? [[name, `${elements.how.value}${elements.text.value}`]] : [];
  return elements[part].value ? [[part, elements[part].value]] : [];
};
