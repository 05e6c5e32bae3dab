// The sheet that keeps a search: how near a match must be, and where it is looked for.

import { postJson } from "./requests.js";
import { placeUnder } from "./sheet.js";
import { toast } from "./toasts.js";

const isOurs = (target) => target.id === "keep-search";

// On the document, since a board's page is exchanged in place.
document.addEventListener("toggle", ({ target, newState }) => {
  if (!isOurs(target) || newState !== "open") return;
  const button = document.querySelector("[popovertarget=keep-search]");
  if (button) placeUnder(target, button);
  target.elements.title.focus();
}, { capture: true });

document.addEventListener("input", ({ target }) => {
  const form = target.closest("#keep-search");
  if (form && ["chance", "max_distance"].includes(target.name)) form.elements.by.value = target.name;
});

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!isOurs(form)) return;
  event.preventDefault();
  const { project, examples, query, batch } = form.dataset;
  const { title, by, everywhere } = form.elements;
  const what = examples ? { examples: examples.split(",").map(Number) } : query ? { query } : { batch_id: Number(batch) };
  const wish = { title: title.value, ...what, [by.value]: Number(form.elements[by.value].value), everywhere: everywhere.checked };
  const button = form.querySelector("[type=submit]");
  button.disabled = true;
  try {
    await postJson(`/api/v1/projects/${project}/searches`, wish);
    form.hidePopover();
    toast("Kept. What imports bring is looked at from now on.", { key: "keep", link: { href: `/projects/${project}/searches`, text: "Kept searches" } });
  } catch (error) {
    toast(error.message, { kind: "warn", key: "keep" });
  } finally {
    button.disabled = false;
  }
});
