// In a review: what is marked goes back to those who labelled it, with a comment, and leaves the page: it is judged.
// Emits "sent-back" with the ids.

import { count } from "./html.js";
import { postJson } from "./requests.js";
import { toast } from "./toasts.js";

const form = document.getElementById("send-back");
const { comment } = form.elements;

comment.addEventListener("keydown", (event) => {
  if (event.code === "Escape") document.getElementById("tiles").focus();
  if (event.code !== "Enter" || event.shiftKey) return;
  event.preventDefault();
  form.requestSubmit();
});

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const tiles = [...document.querySelectorAll('#tiles .tile[aria-selected="true"]')];
  if (!tiles.length) return toast("Mark what is to go back first.", { kind: "warn", key: "send-back" });
  const button = form.querySelector("button");
  button.disabled = true;
  try {
    const ids = tiles.map((tile) => Number(tile.dataset.id));
    const { n, n_left, ids: gone } = await postJson(`/api/v1/projects/${form.dataset.project}/returned`, { ids, comment: comment.value });
    const rest = n_left ? ` ${count(n_left, "object")} had no label of another person.` : "";
    toast(`${count(n, "label")} went back to who gave ${n === 1 ? "it" : "them"}.${rest}`, { key: "send-back" });
    form.reset(); // unlike an emptied box, it is not wrong yet
    form.dispatchEvent(new CustomEvent("sent-back", { bubbles: true, detail: gone }));
    document.getElementById("tiles").focus();
  } catch (error) {
    toast(error.message, { kind: "bad", key: "send-back" });
  } finally {
    button.disabled = false;
  }
});
