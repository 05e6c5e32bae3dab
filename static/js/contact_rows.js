// <contact-rows>: one more empty row under a project's contacts.

class ContactRows extends HTMLElement {
  connectedCallback() {
    this.querySelector("[data-add]").addEventListener("click", () => this.#add());
  }

  #add() {
    const body = this.querySelector("tbody");
    const row = body.lastElementChild.cloneNode(true);
    const number = body.children.length + 1;
    for (const field of row.querySelectorAll("input, select")) {
      if (field.tagName === "INPUT") field.value = "";
      field.setAttribute("aria-label", field.getAttribute("aria-label").replace(/\d+$|\d+(?= did)/, number));
    }
    body.append(row);
    row.querySelector("input").focus();
  }
}

customElements.define("contact-rows", ContactRows);
