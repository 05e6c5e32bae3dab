// The list of batches: a new one made, taken over by a manager, and closed.

import { makeBatch } from "./batch_make.js";
import { doAndGo } from "./do_and_go.js";
import { deleteJson, postJson } from "./requests.js";

document.querySelector("table.batches")?.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  const { takeOver, close } = button.dataset;
  const page = `/projects/${event.currentTarget.dataset.project}/batches/${takeOver ?? close}`;
  if (takeOver) doAndGo(button, () => postJson(`/api/v1${page}/take-over`, {}).then(() => page));
  else if (close) doAndGo(button, () => deleteJson(`/api/v1${page}`));
});

document.querySelector(".new-batches")?.addEventListener("click", ({ target, currentTarget }) => {
  const button = target.closest("[data-source]");
  if (button) makeBatch(currentTarget.dataset.project, JSON.parse(button.dataset.source));
});
