// One kept search: renamed, paused, deleted; its matches looked at, or worked as a batch where they are.

import { makeBatch } from "./batch_make.js";
import { doAndGo } from "./do_and_go.js";
import { deleteJson, patchJson, postJson } from "./requests.js";

const page = document.querySelector(".kept-search");
const { project, search } = page.dataset;
const list = `/projects/${project}/searches`;
const url = `/api/v1${list}/${search}`;

const COMMANDS = {
  pause: () => patchJson(url, { paused: true }),
  resume: () => patchJson(url, { paused: false }),
  looked: () => postJson(`${url}/looked-at`, {}),
  delete: () => deleteJson(url).then(() => list),
};

page.addEventListener("click", ({ target }) => {
  const button = target.closest("button");
  if (!button) return;
  const { do: command, batch } = button.dataset;
  if (batch) makeBatch(batch, { kind: "search", search_id: Number(search), ...("all" in button.dataset && { all: true }) });
  else if (command) doAndGo(button, COMMANDS[command]);
});

page.querySelector("[data-change]").addEventListener("submit", (event) => {
  event.preventDefault();
  const { title, max_distance: distance } = event.target.elements;
  const isFarther = distance.value !== distance.defaultValue;
  doAndGo(event.submitter, () => patchJson(url, { title: title.value, ...(isFarther && { max_distance: Number(distance.value) }) }));
});
