// The order control: what the objects are sorted by, in which direction, and shuffling.

import "./choice_field.js";
import { savePreference } from "./preferences.js";
import { wireSheet } from "./sheet.js";
import { wireSizeWeight } from "./size_weight.js";

export const wireOrder = (filter) => {
  const sheet = document.getElementById("order-sheet");
  const button = document.getElementById("order");
  const field = sheet.querySelector("choice-field");
  wireSheet(sheet, () => button, () => {
    field.text = "";
    field.focus();
  });
  sheet.addEventListener("submit", (event) => event.preventDefault());
  field.addEventListener("choose", ({ detail }) => filter.go((query) => orderBy(query, detail.value)));
  for (const radio of sheet.querySelectorAll("[name=dir]")) {
    radio.addEventListener("change", () => filter.go((query) => query.set("dir", radio.value)));
  }
  wireSizeWeight(sheet, async (weight) => {
    const kept = await savePreference(field.dataset.project, { size_weight: weight });
    if (kept && filter.query.get("order") === "like") filter.go(() => {});
  });
  document.getElementById("shuffle")?.addEventListener("click", () => filter.go((query) => orderBy(query, "random")));
};

const orderBy = (query, key) => {
  for (const name of ["dir", "seed", "examples", "query"]) query.delete(name);
  query.set("order", key);
  if (key === "random") query.set("seed", Math.floor(Math.random() * 1e6));
};
