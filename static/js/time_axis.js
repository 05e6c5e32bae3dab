// Dragging over the columns of when objects were taken writes the days that they stand for into the fields from and to.

const chart = document.querySelector("[data-time]");

const columnsBetween = (from, to) => {
  const [low, high] = [Math.min(from, to), Math.max(from, to)];
  return [...chart.querySelectorAll(".column")].filter((column) => {
    const left = column.x.baseVal.value;
    return left + column.width.baseVal.value >= low && left <= high;
  });
};

const placeOf = (event) => new DOMPoint(event.clientX, event.clientY).matrixTransform(chart.getScreenCTM().inverse()).x;

const show = (from, to) => {
  const box = chart.querySelector(".box");
  box.removeAttribute("hidden");
  box.setAttribute("x", Math.min(from, to));
  box.setAttribute("width", Math.abs(to - from));
  const chosen = columnsBetween(from, to);
  if (!chosen.length) return;
  document.querySelector("input[name=from]").value = chosen[0].dataset.first;
  document.querySelector("input[name=to]").value = chosen.at(-1).dataset.last;
};

if (chart) {
  let from = null;
  chart.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    from = placeOf(event);
    chart.setPointerCapture(event.pointerId);
    event.preventDefault();
    show(from, from);
  });
  chart.addEventListener("pointermove", (event) => {
    if (from !== null) show(from, placeOf(event));
  });
  for (const end of ["pointerup", "pointercancel"]) chart.addEventListener(end, () => (from = null));
}
