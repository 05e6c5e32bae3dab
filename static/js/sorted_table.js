// A table whose heads sort it and whose rows a search field narrows. Cells say by `data-value` what they sort by.

const valueOf = (row, column) => row.cells[column].dataset.value;

const sortBy = (table, head) => {
  const column = head.cellIndex;
  const isText = column === 0;
  const falling = head.ariaSort === "none" ? !isText : head.ariaSort === "ascending";
  for (const other of table.tHead.rows[0].cells) if (other.ariaSort) other.ariaSort = "none";
  head.ariaSort = falling ? "descending" : "ascending";
  const sign = falling ? -1 : 1;
  const keyed = [...table.tBodies[0].rows].map((row) => [isText ? valueOf(row, column) : Number(valueOf(row, column)), row]);
  keyed.sort(isText ? ([a], [b]) => sign * a.localeCompare(b) : ([a], [b]) => sign * (a - b));
  table.tBodies[0].replaceChildren(...keyed.map(([, row]) => row));
};

// `none`: what is shown where no row has the words of `field` in its first cell.
export const sortedTable = (table, field, none) => {
  table.tHead.addEventListener("click", ({ target }) => {
    const head = target.closest("th[aria-sort]");
    if (head && target.closest("button")) sortBy(table, head);
  });
  field.addEventListener("input", () => {
    const wanted = field.value.trim().toLowerCase();
    let n = 0;
    for (const row of table.tBodies[0].rows) {
      row.hidden = !valueOf(row, 0).includes(wanted);
      n += row.hidden ? 0 : 1;
    }
    none.hidden = n > 0;
  });
};
