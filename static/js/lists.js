// Lists by keyboard: "/" goes to the search field, the arrows from row to row; and the button that copies a link.

import { toast } from "./toasts.js";
import { takesText } from "./typing.js";

const step = (event) => {
  const links = [...document.querySelectorAll("[data-list] tbody tr a:first-of-type")];
  const rows = [...new Map(links.map((link) => [link.closest("tr"), link]).reverse()).values()].reverse();
  const here = rows.findIndex((link) => link.closest("tr").contains(document.activeElement));
  const next = rows[event.code === "ArrowDown" ? here + 1 : here - 1];
  if (!next) return;
  event.preventDefault();
  next.focus();
};

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  const search = document.querySelector("[data-list-search]");
  if (event.key === "/" && search && !takesText(event.target)) {
    event.preventDefault();
    search.focus();
    search.select();
  } else if (event.code === "ArrowDown" && event.target === search) step(event);
  else if ((event.code === "ArrowDown" || event.code === "ArrowUp") && !takesText(event.target)) step(event);
});

addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const source = document.getElementById(button.dataset.copy);
  try {
    await navigator.clipboard.writeText(source.textContent);
    button.textContent = "Copied";
  } catch {
    // Without HTTPS the browser gives no clipboard: what is marked can be copied by hand.
    getSelection().selectAllChildren(source);
    toast("The link is marked: copy it with Ctrl+C.", { key: "copy" });
  }
});
