// One object's page: naming it, through the same outbox as the board. What came of it is shown by loading anew.

import { reversedWords } from "./acts.js";
import { Contrast } from "./contrast.js";
import { tellDelayed } from "./delayed.js";
import { commandOf } from "./keys.js";
import { tellTabs } from "./other_tabs.js";
import { Outbox } from "./outbox.js";
import { watchSession } from "./session.js";
import { whoChanged } from "./refused.js";
import "./taxon_field.js";
import { markBrokenImages } from "./tile.js";
import { dropToast, toast } from "./toasts.js";
import { takesText } from "./typing.js";
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

const reverse = (outbox, path) => {
  outbox.add(path);
};

const tell = ({ entry, outcome }) => {
  dropToast("delayed");
  if (entry.path === "comments") return location.reload(); // written on the board, and sent from here
  tellTabs(page.dataset, "undo", outcome.undo);
  const changed = outcome.refused.find((object) => object.why === "changed");
  if (changed) {
    const action = { text: "Load it anew", run: () => location.reload() };
    const who = whoChanged(changed, page.dataset.account);
    return toast(`${who[0].toUpperCase()}${who.slice(1)} changed this object meanwhile: left as it is.`, { kind: "warn", action });
  }
  const here = outcome.changed.some((object) => object.id === Number(page.dataset.object));
  if (entry.path === "acts" || here) return location.reload();
  const word = entry.path === "undo" ? "Taken back" : "Done again";
  toast(`${word}: ${reversedWords(entry.path, outcome)} of other objects; this one is as it was.`);
  for (const button of page.querySelectorAll("[data-reverse]")) button.disabled = !outcome.undo[button.dataset.reverse];
};

const wire = () => {
  const outbox = new Outbox(page.dataset.project, page.dataset.account);
  outbox.addEventListener("done", ({ detail }) => tell(detail));
  outbox.addEventListener("rejected", ({ detail }) => toast(detail.error.message, { kind: "bad" }));
  outbox.addEventListener("delayed", ({ detail }) => tellDelayed(detail));
  for (const button of page.querySelectorAll("button[data-status]")) {
    button.addEventListener("click", () => label(outbox, button.dataset.status));
  }
  for (const button of page.querySelectorAll("button[data-reverse]")) {
    button.addEventListener("click", () => reverse(outbox, button.dataset.reverse));
  }
  field.addEventListener("apply", ({ detail }) => label(outbox, detail.shift ? "D" : "V"));
  const commands = {
    validate: () => label(outbox, "V"),
    doubt: () => label(outbox, "D"),
    undo: () => reverse(outbox, "undo"),
    redo: () => reverse(outbox, "redo"),
    name: () => field.focus(),
    field: () => field.focus(),
  };
  document.addEventListener("keydown", (event) => {
    const run = commands[commandOf(event)?.command];
    if (!run || event.repeat || takesText(event.target)) return;
    if (event.key === "Enter" && event.target.closest("button, a, summary, input")) return;
    // The letter itself goes into the field that now has the focus.
    if (!/^\p{L}$/u.test(event.key) || event.ctrlKey || event.metaKey) event.preventDefault();
    run();
  });
  outbox.flush();
};

// Zooming needs no click into the image first: the first one is meant, unless another has the focus.
document.addEventListener("keydown", (event) => {
  if (takesText(event.target) || event.target.closest("zoom-image")) return;
  page.querySelector("zoom-image")?.key(event, { arrows: false });
});

const contrast = new Contrast(page, page.dataset.account && page.dataset.project, { pictures: "zoom-image > img, .picture > img" });
for (const button of page.querySelectorAll('[data-command]')) {
  button.addEventListener("click", () => contrast.toggle(button.dataset.command));
}
document.addEventListener("keydown", (event) => {
  const { command } = commandOf(event) ?? {};
  if (!["contrast", "invert"].includes(command) || event.repeat || takesText(event.target)) return;
  event.preventDefault();
  contrast.toggle(command);
});

watchSession(page.dataset.account);
markBrokenImages(page);
if (field) wire();
