// Every key of the board: one table for what it does, for the strip below the tiles, and for the list under "?".
//
// Keys go by place (event.code), so that they do not move with the layout. Signs and the letters of Ctrl shortcuts go
// by what is printed on them (event.key): "=" or "Ctrl Z" stand elsewhere on other keyboards, and are named by their sign.

import { element } from "./html.js";

export const KEYS = [
  { keys: ["?"], does: "all keys", short: "all keys", command: "help" },
  { keys: ["click"], does: "select or unselect; Ctrl selects only this one", short: "select" },
  { keys: ["⇧ click"], does: "select the range from the last one", short: "range" },
  { keys: ["drag"], does: "draw a band: adds what it touches; Ctrl takes away", short: "band" },
  { keys: ["←", "→", "↑", "↓"], does: "move the cursor", command: "step" },
  { keys: ["⇧ arrows"], does: "extend the selection", command: "step" },
  { keys: ["Space"], does: "select or unselect under the cursor", short: "toggle", command: "toggle" },
  { keys: ["Ctrl A"], does: "select everything loaded", short: "all", command: "all" },
  { keys: ["Esc"], does: "clear the selection; close what is open", command: "clear" },
  { keys: ["letters"], does: "name a taxon for the selection", short: "name a taxon" },
  { keys: ["."], does: "go to the label field, for a name that begins with a digit", command: "field" },
  { keys: ["digits"], does: "nothing by themselves: they are kept for slots of your own" },
  { keys: ["Enter"], does: "validate: as the named taxon, or as what is seen", short: "validate", command: "validate" },
  { keys: ["⇧ Enter"], does: "the same, as dubious", short: "dubious", command: "doubt" },
  { keys: ["="], does: "order by likeness to the selection", short: "like these", command: "like" },
  { keys: ["Ctrl Z"], does: "undo your last act in this project", short: "undo", command: "undo" },
  { keys: ["Ctrl ⇧ Z", "Ctrl Y"], does: "redo", command: "redo" },
  { keys: ["/"], does: "find a taxon in the tree", command: "find" },
  { keys: ["double click"], does: "open the object's page" },
  { keys: ["drop", "Ctrl V"], does: "an image file: order by likeness to it" },
];

const ARROWS = { ArrowLeft: "left", ArrowRight: "right", ArrowUp: "up", ArrowDown: "down" };
const WITH_CTRL = { a: "all", z: "undo", y: "redo" };
const BY_CODE = { Space: "toggle", Enter: "validate", NumpadEnter: "validate", Escape: "clear" };
const BY_SIGN = { "=": "like", "/": "find", "?": "help", ".": "field" };

// What a key means on the board: {command, ...} or null where it is the browser's or the page's own.
export const commandOf = (event) => {
  if (event.altKey || event.isComposing) return null;
  if (event.ctrlKey || event.metaKey) return withCtrl(event);
  if (ARROWS[event.code]) return { command: "step", direction: ARROWS[event.code], extend: event.shiftKey };
  if (BY_CODE[event.code]) {
    const command = BY_CODE[event.code];
    return { command: command === "validate" && event.shiftKey ? "doubt" : command };
  }
  if (BY_SIGN[event.key]) return { command: BY_SIGN[event.key] };
  if (event.code === "Equal" && !event.shiftKey && !/\p{L}/u.test(event.key)) return { command: "like" };
  if (/^\p{L}$/u.test(event.key)) return { command: "name" };
  return null;
};

const withCtrl = (event) => {
  // On keyboards without Latin letters the place decides.
  const letter = /^[a-z]$/i.test(event.key) ? event.key.toLowerCase() : event.code.replace("Key", "").toLowerCase();
  const command = WITH_CTRL[letter];
  if (!command) return null;
  if (event.shiftKey) return command === "undo" ? { command: "redo" } : null;
  return { command };
};

const caps = (keys) => keys.flatMap((key, i) => (i ? [" ", element("kbd", {}, key)] : [element("kbd", {}, key)]));

export const fillStrip = (strip, usable) => {
  for (const { keys, short } of usable) if (short) strip.append(element("span", {}, ...caps(keys), ` ${short}`));
};

export const fillList = (sheet, usable) => {
  const rows = usable.map(({ keys, does }) =>
    element("tr", {}, element("td", {}, ...caps(keys)), element("td", {}, does)));
  const close = element("button", { type: "button", className: "plain" }, "Close ", element("kbd", {}, "Esc"));
  close.addEventListener("click", () => sheet.hidePopover());
  sheet.append(element("div", { className: "row spread" }, element("h2", {}, "Keys"), close));
  sheet.append(element("table", { className: "table" }, element("tbody", {}, ...rows)));
};
