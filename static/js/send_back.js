// In a review: what is marked goes back to those who labelled it, with a comment.

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
    const { n, n_left } = await postJson(`/api/v1/projects/${form.dataset.project}/returned`, { ids, comment: comment.value });
    const rest = n_left ? ` ${count(n_left, "object")} had no label of another person.` : "";
    toast(`${count(n, "label")} went back to who gave ${n === 1 ? "it" : "them"}.${rest}`, { key: "send-back" });
    comment.value = "";
    document.getElementById("tiles").focus();
  } catch (error) {
    toast(error.message, { kind: "bad", key: "send-back" });
  } finally {
    button.disabled = false;
  }
});
