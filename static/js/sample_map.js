// Dragging over the map of samples draws a box and writes it into the field under the map as S,W,N,E.

const frame = document.querySelector("[data-map]");

const degreesAt = (event) => {
  const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(frame.getScreenCTM().inverse());
  return { x: point.x, y: Math.max(-90, Math.min(90, point.y)) };
};

// From -180 to 180: a frame across the date line goes beyond.
const rolled = (x) => ((((x + 180) % 360) + 360) % 360) - 180;

const boxOf = (from, to) => {
  const [west, east] = [Math.min(from.x, to.x), Math.max(from.x, to.x)];
  const [north, south] = [Math.min(from.y, to.y), Math.max(from.y, to.y)];
  return { west, east, north, south };
};

const show = (box) => {
  const shown = frame.querySelector(".box");
  shown.removeAttribute("hidden");
  shown.setAttribute("x", box.west);
  shown.setAttribute("y", box.north);
  shown.setAttribute("width", box.east - box.west);
  shown.setAttribute("height", box.south - box.north);
  const sides = [-box.south, rolled(box.west), -box.north, rolled(box.east)];
  document.getElementById("place").value = sides.map((side) => String(Math.round(side * 100) / 100)).join(",");
};

if (frame) {
  let from = null;
  frame.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    from = degreesAt(event);
    frame.setPointerCapture(event.pointerId);
    event.preventDefault();
  });
  frame.addEventListener("pointermove", (event) => {
    if (from) show(boxOf(from, degreesAt(event)));
  });
  for (const end of ["pointerup", "pointercancel"]) frame.addEventListener(end, () => (from = null));
}
