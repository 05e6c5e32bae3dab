// A sheet that opens under what it belongs to, and stays within the window.

import { whileShown } from "./page_life.js";

const GAP_PX = 4;

// Shows `sheet` under `anchor`, or above it where there is more room.
export const placeUnder = (sheet, anchor) => {
  const place = anchor.getBoundingClientRect();
  const left = Math.max(8, Math.min(place.left, innerWidth - sheet.offsetWidth - 8));
  const room = innerHeight - place.bottom - GAP_PX - 8;
  sheet.style.insetInlineStart = `${left}px`;
  sheet.style.insetBlockStart = `${place.bottom + GAP_PX}px`;
  sheet.style.maxBlockSize = `${Math.max(room, 200)}px`;
};

// Keeps a popover under its button each time it opens; `opened` is called then.
export const wireSheet = (sheet, anchor, opened) => {
  sheet.addEventListener("toggle", (event) => {
    const button = anchor();
    button?.setAttribute("aria-expanded", String(event.newState === "open"));
    if (event.newState !== "open") return;
    placeUnder(sheet, button);
    opened?.();
  });
  addEventListener("resize", () => sheet.matches(":popover-open") && placeUnder(sheet, anchor()), { signal: whileShown() });
};
