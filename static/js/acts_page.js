// Lists of acts: shows what the undo of one would change, and takes it back; does again what was taken back many at once.

import { doAndGo } from "./do_and_go.js";
import { element, parseFragment } from "./html.js";
import { newId } from "./outbox.js";
import { getHtml, postJson } from "./requests.js";
import { toast } from "./toasts.js";

const send = (button, url) => doAndGo(button, async () => {
  const { job_id } = await postJson(url, { client_id: newId() });
  return job_id ? `/jobs/${job_id}` : null;
});

// Under the act's row, until it is decided.
const look = async (button) => {
  const row = button.closest("tr");
  if (row.nextElementSibling?.classList.contains("look")) return leave(row.nextElementSibling);
  button.disabled = true;
  try {
    const html = await getHtml(`/projects/${button.dataset.project}/acts/${button.dataset.undo}/undo`);
    const cell = element("td", { colSpan: row.cells.length }, ...parseFragment(html).childNodes);
    row.after(element("tr", { className: "look" }, cell));
    cell.querySelector("button").focus();
  } catch (error) {
    toast(error.message, { kind: "bad" });
  }
  button.disabled = false;
};

const leave = (row) => {
  row.previousElementSibling.querySelector("[data-undo]").focus();
  row.remove();
};

addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  const { project, undo, undoNow, redo } = button.dataset;
  if (undo) look(button);
  else if (undoNow) send(button, `/projects/${project}/acts/${undoNow}/undo`);
  else if (redo) send(button, `/projects/${project}/acts/${redo}/redo`);
  else if ("leave" in button.dataset) leave(button.closest("tr"));
});
