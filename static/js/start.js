// Ways to go on: their buttons make the batch or ask for cards, and Enter sets out on the first of them.

import { makeBatch } from "./batch_make.js";
import { doAndGo } from "./do_and_go.js";
import { postJson } from "./requests.js";
import { whileShown } from "./page_life.js";

const CONTROLS = "a, button, input, select, textarea, summary, [role=listbox]";

const setOut = (button) => {
  const { project, source, taxonId } = button.dataset;
  if (source) return makeBatch(project, JSON.parse(source), { taxonId: taxonId ? Number(taxonId) : null });
  return doAndGo(button, async () => {
    await postJson(`/api/v1/projects/${project}/clusters`, {});
    return `/projects/${project}/clusters`;
  });
};

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-set-out]");
  if (button) setOut(button);
}, { signal: whileShown() });

// A page that has keys of its own says itself what Enter does.
document.addEventListener("keydown", (event) => {
  if (event.code !== "Enter" || event.repeat || event.isComposing || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
  if (event.defaultPrevented || event.target.closest(CONTROLS)) return;
  document.querySelector("#ways [data-next]")?.click();
}, { signal: whileShown() });
