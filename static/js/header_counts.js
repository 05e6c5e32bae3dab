// The objects by status in the header, as numbers and as a bar.

import { thousands } from "./html.js";

export const countInHeader = (counts) => {
  const box = document.getElementById("counts");
  for (const [status, n] of Object.entries(counts)) box.querySelector(`[data-count="${status}"]`).textContent = thousands(n);
  const drawn = box.querySelector("svg");
  drawn.setAttribute("viewBox", `0 0 ${Math.max(counts.U + counts.P + counts.D + counts.V, 1)} 1`);
  let x = 0;
  for (const status of ["V", "P", "D"]) {
    const part = drawn.querySelector(`.${status}`);
    part.setAttribute("x", x);
    part.setAttribute("width", counts[status]);
    x += counts[status];
  }
};
