// One object's page: naming it, through the same outbox as the board. What came of it is shown by loading anew.

import { Outbox } from "./outbox.js";
import "./taxon_field.js";
import { markBrokenImages } from "./tile.js";
import { dropToast, toast } from "./toasts.js";
import "./zoom_image.js";

const page = document.querySelector(".object");
const field = page.querySelector("taxon-field");

const label = async (outbox, status) => {
  const taxon = await field.resolve();
  if (!taxon && !field.empty) return;
  if (!taxon && page.dataset.status === "U") return toast("This object has no taxon yet: name one first.");
  outbox.add("acts", {
    kind: taxon ? "label" : status === "D" ? "doubt" : "confirm",
    ...(taxon && { taxon_id: taxon.id }),
    status,
    provenance: "single",
    objects: [Number(page.dataset.object)],
    states: [page.dataset.state],
  });
};

const wire = () => {
  const outbox = new Outbox(page.dataset.project, page.dataset.account);
  outbox.addEventListener("done", ({ detail: { outcome } }) => {
    dropToast("delayed");
    const changed = outcome.refused.find((object) => object.why === "changed");
    if (!changed) return location.reload();
    const action = { text: "Load it anew", run: () => location.reload() };
    toast(`${changed.by ?? "A new prediction"} changed this object meanwhile: left as it is.`, { kind: "warn", action });
  });
  outbox.addEventListener("rejected", ({ detail }) => toast(detail.error.message, { kind: "bad" }));
  outbox.addEventListener("delayed", ({ detail }) => {
    const link = detail.error.needsLogin ? { href: "/login", target: "_blank", text: "Log in" } : null;
    toast(`${detail.error.message} Your act is kept in this browser.`, { kind: "warn", link, key: "delayed" });
  });
  for (const button of page.querySelectorAll("button[data-status]")) {
    button.addEventListener("click", () => label(outbox, button.dataset.status));
  }
  field.addEventListener("apply", ({ detail }) => label(outbox, detail.shift ? "D" : "V"));
  document.addEventListener("keydown", (event) => {
    if (event.target.closest("input, textarea, select, button, a, summary") || event.repeat) return;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.code === "Enter") label(outbox, event.shiftKey ? "D" : "V");
    else if (/^\p{L}$/u.test(event.key)) field.focus();
  });
  outbox.flush();
};

markBrokenImages(page);
if (field) wire();
