// Every key of Shoal's board and of an object's page: one table for what it does, for the strip below the tiles, for the
// list under "?", and for the help page.
//
// Keys go by place (event.code) where the place matters: arrows, Space, Enter, Esc and the digits above the letters stand
// where they stand on every keyboard. Signs and the letters of Ctrl shortcuts go by what is printed on them (event.key):
// "=" or "Ctrl Z" stand elsewhere on other keyboards, and are named by their sign. On the keys of digits the digit wins:
// what has its sign there on some keyboard ("/" over the 7, "'" under the 4) has a second key, which is on every keyboard.

import { element } from "./html.js";
import { remapped, shownKeys } from "./key_map.js";

const part = (keys, meant, does) => ({ keys: [keys].flat(), meant, does });
const DIGITS = [..."123456789"];

// `labels`: only for who may label; `short`: its words in the strip; `parts`: what of it has keys of its own; `fixed`: no
// key of its own can be given to it.
export const KEYS = [
  { group: "Look", keys: ["?"], does: "all keys", short: "all keys", command: "help" },
  { group: "Select", keys: ["click"], does: "select or unselect, with Ctrl too: the others stay", short: "select" },
  { group: "Select", keys: ["⇧ click"], does: "select the range from the last one", short: "range" },
  { group: "Select", keys: ["drag"], does: "draw a band: adds what it touches; Ctrl takes away", short: "band" },
  { group: "Select", keys: ["←", "→", "↑", "↓"], does: "move the cursor", command: "step",
    parts: [["←", "left"], ["→", "right"], ["↑", "up"], ["↓", "down"]].map(([key, direction]) => part(key, { direction }, `move the cursor ${direction}`)) },
  { group: "Select", keys: ["⇧ arrows"], does: "extend the selection", command: "step", fixed: true },
  { group: "Select", keys: ["Space"], does: "select or unselect under the cursor", short: "toggle", command: "toggle" },
  { group: "Select", keys: ["Ctrl A"], does: "select everything loaded", command: "all" },
  { group: "Select", keys: ["Esc"], does: "clear the selection; close or cancel what is open", command: "clear" },
  { group: "Label", keys: ["1–9"], labels: true, short: "label", command: "slot",
    parts: DIGITS.map((digit) => part(digit, { digit }, `label with the taxon of slot ${digit}; with ⇧ as dubious`)),
    does: "label the selection with the taxon of that slot; with nothing selected, the tile under the pointer or the cursor alone, and move on; a sign that shares a digit's key gives way to it" },
  { group: "Label", keys: ["⇧ 1–9"], labels: true, does: "the same, as dubious", command: "slot", fixed: true },
  { group: "Label", keys: ["letters"], labels: true, does: "name a taxon for the selection", short: "name a taxon", command: "name", fixed: true },
  { group: "Label", keys: ["."], labels: true, does: "go to the label field, for a name that begins with a digit", command: "field" },
  { group: "Label", keys: ["Enter"], labels: true, does: "validate: as the named taxon, or as what is seen", short: "validate", command: "validate" },
  { group: "Label", keys: ["⇧ Enter"], labels: true, does: "the same, as dubious", short: "dubious", command: "doubt" },
  { group: "Label", keys: ["drag a selected tile"], labels: true,
    does: "onto a taxon of the tree: validate the selection as it, with ⇧ at the drop as dubious; hold a tile that is not selected a moment to drag it alone" },
  { group: "Label", keys: ["Insert", "|"], labels: true, does: "set the selection aside on a pile, under a provisional name that the project shares", command: "aside" },
  { group: "Label", keys: ["'", "F2"], labels: true, does: "comment on the selection", command: "comment" },
  { group: "Label", keys: ["Ctrl Z"], labels: true, does: "undo your last act in this project, and show its objects", short: "undo", command: "undo" },
  { group: "Label", keys: ["Ctrl ⇧ Z", "Ctrl Y"], labels: true, does: "redo", command: "redo" },
  { group: "Find", keys: ["="], does: "order by likeness to the selection", short: "like these", command: "like" },
  { group: "Find", keys: ["Ctrl Enter"], labels: true, does: "work as a batch: what is like the selection; with nothing selected, what is shown", short: "as a batch", command: "batch" },
  { group: "Find", keys: ["drop", "Ctrl V"], does: "an image file: order by likeness to it" },
  { group: "Find", keys: ["/", "F4"], does: "find a taxon in the tree", command: "find" },
  { group: "Find", keys: [":"], does: "add a filter", short: "filter", command: "filter" },
  { group: "Look", keys: ["Alt"], does: "while held: a large view of the tile under the pointer or the cursor", short: "large view while held" },
  { group: "Look", keys: [","], does: "stretch the contrast of every image to its full range, or not", short: "contrast", command: "contrast" },
  { group: "Look", keys: [";"], does: "negative: the images inverted, or not", short: "negative", command: "invert" },
  { group: "Look", keys: ["-", "+", "F8", "F9"], does: "smaller and larger tiles", command: "smaller",
    parts: [part(["-", "F8"], {}, "smaller tiles"), part(["+", "F9"], { command: "larger" }, "larger tiles")] },
  { group: "Look", keys: ["double click", "⇧ Space"], does: "open the object's page, by the keys that of the tile under the cursor", command: "open" },
];

// On an object's page, beside those above that label, undo and change the look.
export const OBJECT_KEYS = [
  { group: "Object's page", keys: ["wheel", "+", "-"], does: "zoom the image" },
  { group: "Object's page", keys: ["drag", "arrows"], does: "move the image, once it has the focus" },
  { group: "Object's page", keys: ["0"], does: "the whole image" },
  { group: "Object's page", keys: ["1"], does: "one screen pixel for one of the image" },
];

// In a batch, beside those of the board that move the cursor, undo and change the look.
export const BATCH_KEYS = [
  { group: "Batch", keys: ["Enter"], labels: true, does: "label what is marked, and on to the next page: once its images are painted, after a look at what is marked further down", short: "label the marked, next", command: "apply" },
  { group: "Batch", keys: ["⇧ Enter"], labels: true, does: "the same, as dubious", command: "applyDubious" },
  { group: "Batch", keys: ["Space"], labels: true, does: "mark or unmark under the cursor", short: "mark under cursor", command: "toggle" },
  { group: "Batch", keys: ["Del", "Backspace"], labels: true, does: "not this: an explicit stranger to the label, under the pointer or the cursor; by the pointer Ctrl click", short: "not this", command: "notThis" },
  { group: "Batch", keys: ["⇧ Del", "⇧ Backspace"], labels: true, does: "the rest is not this: all that is not marked; again, and it is passed over", command: "restNotThis" },
  { group: "Batch", keys: [":"], labels: true, does: "the marked first: they come to the front of the page, before the line", command: "markedFirst" },
  { group: "Batch", keys: ["Insert", "F4"], labels: true, does: "set what is marked aside on a pile, under a provisional name; with nothing marked, the tile under the pointer or the cursor", command: "aside" },
  { group: "Batch", keys: ["'", "F2"], labels: true, does: "in a review: to the comment with which the marked go back to those who labelled them", command: "sendBack" },
  { group: "Batch", keys: ["*", "_"], labels: true, does: "invert: what is marked is passed over, and the reverse", short: "invert", command: "invertMarks" },
  { group: "Batch", keys: ["[", "]"], labels: true, does: "move the boundary line by a row: what stands before it is marked; drag it by the pointer", short: "move the line", command: "line",
    parts: [part("[", { by: "row", way: -1 }, "move the boundary line up by a row"), part("]", { by: "row", way: 1 }, "move the boundary line down by a row")] },
  { group: "Batch", keys: ["<", ">"], labels: true, does: "move the boundary line by one object", command: "line",
    parts: [part("<", { by: "tile", way: -1 }, "move the boundary line up by one object"), part(">", { by: "tile", way: 1 }, "move the boundary line down by one object")] },
  { group: "Batch", keys: ["Ctrl A"], labels: true, does: "mark everything on the page, or nothing where everything is", command: "all" },
  { group: "Batch", keys: ["Esc"], does: "leave the cursor, so that digits are for the marked again; stop the brush; close what is open", command: "clear" },
  { group: "Batch", keys: ["1–9"], labels: true, does: "label the tile under the pointer or the cursor alone with the taxon of that slot, and move on; with neither, what is marked, but after a digit for one tile only once Esc was pressed or the pointer has left the tiles; with ⇧ as dubious; with the brush on, choose what it paints", short: "label one tile", command: "slot",
    parts: DIGITS.map((digit) => part(digit, { digit }, `label with the taxon of slot ${digit}; with ⇧ as dubious`)) },
  { group: "Batch", keys: ["Alt 1–6"], labels: true, does: "take a proposal into the label field", command: "propose",
    parts: [0, 1, 2, 3, 4, 5].map((place) => part(`Alt ${place + 1}`, { place }, `take proposal ${place + 1} into the label field`)) },
  { group: "Batch", keys: ["letters", "."], labels: true, does: "name a taxon for what is marked", short: "name a taxon", command: "name", fixed: true },
  { group: "Batch", keys: ["`", "F7"], labels: true, does: "the brush, or no brush: paints the named taxon, or that of the first slot, on what one drags over or moves the cursor to (the key left of 1)", command: "brush" },
  { group: "Batch", keys: ["/", "F6"], does: "open the stack of near-duplicates under the pointer or the cursor, or close it: closed, it is marked and labelled as one", command: "stack" },
  { group: "Batch", keys: ["\\", "Ctrl Enter"], labels: true, does: "the page to the tray, without labelling anything", short: "to the tray", command: "pass" },
  { group: "Batch", keys: ["|"], labels: true, does: "open the tray as a batch of its own", command: "tray" },
  { group: "Batch", keys: ["#", '"'], labels: true, does: "accept what nobody saw of the batch, once a random sample of it was judged", command: "audit" },
  { group: "Batch", keys: ["="], labels: true, does: "a new batch of what is like the marked and unlike what is not this", command: "like" },
];

const ARROWS = { ArrowLeft: "left", ArrowRight: "right", ArrowUp: "up", ArrowDown: "down" };
const WITH_CTRL = { a: "all", z: "undo", y: "redo" };
const BY_CODE = { Space: "toggle", Enter: "validate", NumpadEnter: "validate", Escape: "clear", F2: "comment", Insert: "aside", F4: "find", F8: "smaller", F9: "larger" };
const WITH_SHIFT = { validate: "doubt", toggle: "open" };
const BY_SIGN = {
  "=": "like", "/": "find", "?": "help", "|": "aside", ".": "field", ",": "contrast", ";": "invert", "'": "comment", "-": "smaller", "+": "larger", ":": "filter",
};

const usualOnBoard = (event) => {
  if (event.altKey || event.isComposing) return null;
  if (event.ctrlKey || event.metaKey) return withCtrl(event);
  if (ARROWS[event.code]) return { command: "step", direction: ARROWS[event.code], extend: event.shiftKey };
  if (BY_CODE[event.code]) {
    const command = BY_CODE[event.code];
    return { command: (event.shiftKey && WITH_SHIFT[command]) || command };
  }
  const digit = digitOf(event);
  if (digit) return { command: "slot", digit, status: event.shiftKey ? "D" : "V" };
  if (BY_SIGN[event.key]) return { command: BY_SIGN[event.key] };
  if (event.code === "Equal" && !event.shiftKey && !/\p{L}/u.test(event.key)) return { command: "like" };
  if (/^\p{L}$/u.test(event.key)) return { command: "name" };
  return null;
};

// What a key means on the board: {command, ...} or null where it is the browser's or the page's own.
export const commandOf = remapped(KEYS, usualOnBoard);

const BATCH_BY_CODE = { Enter: "apply", NumpadEnter: "apply", Delete: "notThis", Backspace: "notThis", NumpadMultiply: "invertMarks", Backquote: "brush", F2: "sendBack", F4: "aside", F6: "stack", F7: "brush" };
const BATCH_WITH_SHIFT = { apply: "applyDubious", notThis: "restNotThis" };
const BATCH_BY_SIGN = {
  "*": { command: "invertMarks" }, _: { command: "invertMarks" }, "\\": { command: "pass" }, "#": { command: "audit" }, '"': { command: "audit" }, "|": { command: "tray" }, "/": { command: "stack" },
  ":": { command: "markedFirst" }, "'": { command: "sendBack" },
  "[": { command: "line", by: "row", way: -1 }, "]": { command: "line", by: "row", way: 1 },
  "<": { command: "line", by: "tile", way: -1 }, ">": { command: "line", by: "tile", way: 1 },
};

// Signs that take AltGr on some keyboards are signs there, whatever digit is on their key.
const usualInBatch = (event) => {
  if (event.isComposing) return null;
  const { code, key } = event;
  if (event.getModifierState("AltGraph")) return BATCH_BY_SIGN[key] ?? null;
  if (event.altKey) return /^Digit[1-6]$/.test(code) && !event.ctrlKey ? { command: "propose", place: Number(code.at(-1)) - 1 } : null;
  if (event.ctrlKey || event.metaKey) return code.endsWith("Enter") ? { command: "pass" } : commandOf(event);
  if (BATCH_BY_CODE[code]) return { command: (event.shiftKey && BATCH_WITH_SHIFT[BATCH_BY_CODE[code]]) || BATCH_BY_CODE[code] };
  if (!digitOf(event) && BATCH_BY_SIGN[key]) return BATCH_BY_SIGN[key];
  return commandOf(event);
};

// What of the board means the same in a batch.
const SHARED = new Set(["step", "open", "field", "undo", "redo", "contrast", "invert", "smaller", "help"]);
export const BATCH_ROWS = [...BATCH_KEYS, ...KEYS.filter(({ command, fixed }) => SHARED.has(command) && !fixed)];

// What a key means in a batch.
export const batchCommandOf = remapped(BATCH_ROWS, usualInBatch);

// Above the letters by place; on the number pad while it types numbers.
const digitOf = ({ code, key }) => {
  const place = /^(Digit|Numpad)([1-9])$/.exec(code);
  return place && (place[1] === "Digit" || key === place[2]) ? place[2] : null;
};

const withCtrl = (event) => {
  if (/Enter$/.test(event.code)) return { command: "batch" };
  // On keyboards without Latin letters the place decides.
  const letter = /^[a-z]$/i.test(event.key) ? event.key.toLowerCase() : event.code.replace("Key", "").toLowerCase();
  const command = WITH_CTRL[letter];
  if (!command) return null;
  if (event.shiftKey) return command === "undo" ? { command: "redo" } : null;
  return { command };
};

const caps = (keys) => keys.flatMap((key, i) => (i ? [" ", element("kbd", {}, key)] : [element("kbd", {}, key)]));

export const fillStrip = (strip, usable) => {
  for (const row of usable) {
    const keys = shownKeys(row);
    if (!row.short || !keys.length) continue;
    const line = element("span", {}, ...caps(keys), ` ${row.short}`);
    line.dataset.of = row.command ?? "";
    strip.append(line);
  }
};

// The keys as one table, group after group.
export const keysTable = (usable) => {
  const table = element("table", { className: "table" });
  for (const [group, rows] of Map.groupBy(usable, (key) => key.group)) {
    const heading = element("tr", {}, element("th", { colSpan: 2, scope: "rowgroup" }, group));
    const lines = rows.map((row) => element("tr", {}, element("td", {}, ...caps(shownKeys(row))), element("td", {}, row.does)));
    table.append(element("tbody", {}, heading, ...lines));
  }
  return table;
};

export const fillList = (sheet, usable) => {
  const close = element("button", { type: "button", className: "plain" }, "Close ", element("kbd", {}, "Esc"));
  close.addEventListener("click", () => sheet.hidePopover());
  const help = element("a", { href: "/help" }, "Help");
  const change = element("a", { href: "/me/keys" }, "Change keys");
  sheet.append(element("div", { className: "row spread" }, element("h2", {}, "Keys"), change, help, close), keysTable(usable));
};
