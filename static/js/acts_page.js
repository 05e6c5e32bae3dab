// Lists of acts: takes one back.

import { newId } from "./outbox.js";
import { postJson } from "./requests.js";
import { toast } from "./toasts.js";

addEventListener("click", async (event) => {
  const button = event.target.closest("[data-undo]");
  if (!button) return;
  button.disabled = true;
  try {
    await postJson(`/projects/${button.dataset.project}/acts/${button.dataset.undo}/undo`, { client_id: newId() });
    location.reload();
  } catch (error) {
    button.disabled = false;
    toast(error.message, { kind: "bad" });
  }
});
