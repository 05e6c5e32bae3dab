// A classifier's report, and a run's: tables of taxa sorted and narrowed, and confusions as a picture and as a list.

import "./confusion.js";
import { makeBatch } from "./batch_make.js";
import "./lists.js";

const table = document.getElementById("taxa");
const words = document.getElementById("taxa-filter");

const valueOf = (row, column) => {
  const { value } = row.cells[column].dataset;
  return column === 0 ? value : Number(value);
};

const sortBy = (head) => {
  const column = head.cellIndex;
  const falling = head.ariaSort === "none" ? column > 0 : head.ariaSort === "ascending";
  for (const other of table.tHead.rows[0].cells) other.ariaSort = "none";
  head.ariaSort = falling ? "descending" : "ascending";
  const sign = falling ? -1 : 1;
  const rows = [...table.tBodies[0].rows].sort((a, b) => {
    const one = valueOf(a, column), other = valueOf(b, column);
    return sign * (column === 0 ? one.localeCompare(other) : one - other);
  });
  table.tBodies[0].append(...rows);
};

table?.tHead.addEventListener("click", ({ target }) => {
  const head = target.closest("th");
  if (head && target.closest("button")) sortBy(head);
});

words?.addEventListener("input", () => {
  const wanted = words.value.trim().toLowerCase();
  let n = 0;
  for (const row of table.tBodies[0].rows) {
    row.hidden = !row.cells[0].dataset.value.includes(wanted);
    n += row.hidden ? 0 : 1;
  }
  document.getElementById("taxa-none").hidden = n > 0;
});

document.querySelector(".confused-list")?.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-cell]");
  if (button) openCell(document.querySelector("confusion-picture"), ...button.dataset.cell.split(",").map(Number));
});

const openCell = (picture, truth, predicted) =>
  makeBatch(picture.dataset.project, { kind: "confusion", classifier_id: Number(picture.dataset.classifier), truth, predicted });

table?.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-predicted]");
  if (button) makeBatch(button.dataset.project, { kind: "predicted", taxon_id: Number(button.dataset.predicted) });
});

document.querySelector("confusion-picture")?.addEventListener("cell", ({ target, detail }) =>
  openCell(target, detail.truth, detail.predicted));
