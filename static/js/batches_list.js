// The list of batches: taken over by a manager, and closed.

import { deleteJson, postJson } from "./requests.js";
import { toast } from "./toasts.js";

const table = document.querySelector("table.batches");

const act = async (button, question) => {
  button.disabled = true;
  try {
    await question();
  } catch (error) {
    button.disabled = false;
    toast(error.message, { kind: "warn", key: "batches" });
  }
};

table?.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  const { takeOver, close } = button.dataset;
  const url = `/api/v1/projects/${table.dataset.project}/batches/${takeOver ?? close}`;
  if (takeOver) {
    act(button, async () => {
      await postJson(`${url}/take-over`, {});
      location.assign(url.replace("/api/v1", ""));
    });
  } else if (close) {
    act(button, async () => {
      await deleteJson(url);
      location.reload();
    });
  }
});
