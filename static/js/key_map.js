// The keys that a person has given to commands in place of the usual ones: kept with the account, and written into every
// page by the server. They go by place (event.code): what is printed on the key is kept only to be shown.

import { element } from "./html.js";

const own = JSON.parse(document.documentElement.dataset.keys ?? "{}"); // of a command: [{chord, label}], none: it has no key

// What tells a command's variants apart.
const ARGUMENTS = { slot: ["digit"], step: ["direction"], propose: ["place"], line: ["by", "way"] };
const WITH_SHIFT = { slot: (meant, shift) => ({ ...meant, status: shift ? "D" : "V" }), step: (meant, shift) => ({ ...meant, extend: shift }) };

const idOf = (meant) => [meant.command, ...(ARGUMENTS[meant.command] ?? []).map((name) => meant[name])].join(":");

// What can be given keys of its own among the rows of a table of keys: {id, meant, keys, does, group}.
export const unitsOf = (rows) =>
  rows.filter((row) => row.command && !row.fixed).flatMap((row) => {
    const parts = row.parts ?? [{ keys: row.keys, does: row.does }];
    return parts.map(({ meant = {}, keys, does }) => {
      const whole = { command: row.command, ...meant };
      return { id: row.id ?? idOf(whole), meant: whole, keys, does, group: row.group, labels: row.labels };
    });
  });

// A key with what is held beside it: "Shift+BracketLeft"; null for what is no key by itself.
export const chordOf = (event) => {
  if (!event.code || /^(Control|Shift|Alt|Meta|OS|CapsLock)/.test(event.code) || event.getModifierState?.("AltGraph")) return null;
  const held = [(event.ctrlKey || event.metaKey) && "Ctrl", event.altKey && "Alt", event.shiftKey && "Shift"];
  return [...held.filter(Boolean), event.code].join("+");
};

// How a key reads on this person's keyboard.
export const labelOf = (event) => {
  const held = [(event.ctrlKey || event.metaKey) && "Ctrl", event.altKey && "Alt"];
  const isSign = event.key.length === 1 && event.key !== " ";
  const name = event.key === " " ? "Space" : isSign ? event.key.toUpperCase() : (NAMES[event.key] ?? event.key);
  if (event.code.startsWith("Numpad")) held.push("Num");
  if (event.shiftKey && !(isSign && !/\p{L}/u.test(event.key))) held.push("⇧");
  return [...held.filter(Boolean), name].join(" ");
};

const NAMES = { Delete: "Del", ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓", Escape: "Esc" };

const ownMeant = (units, event) => {
  const chord = chordOf(event);
  if (!chord) return null;
  for (const unit of units) if (own[unit.id]?.some((key) => key.chord === chord)) return WITH_SHIFT[unit.meant.command]?.(unit.meant, false) ?? unit.meant;
  const bare = event.shiftKey && chord.replace("Shift+", "");
  const unit = bare && units.find(({ id, meant }) => WITH_SHIFT[meant.command] && own[id]?.some((key) => key.chord === bare));
  return unit ? WITH_SHIFT[unit.meant.command](unit.meant, true) : null;
};

// What a key means on a page: the person's own keys first; the usual key of a command that was given another is free.
export const remapped = (rows, usual) => {
  const units = unitsOf(rows);
  if (!units.some(({ id }) => own[id])) return usual;
  const moved = new Set(units.filter(({ id }) => own[id]).map(({ meant }) => idOf(meant)));
  return (event) => {
    if (event.isComposing) return null;
    const meant = ownMeant(units, event);
    if (meant) return meant;
    const found = usual(event);
    return found && moved.has(idOf(found)) ? null : found;
  };
};

const labelsOf = (unit, keys) => own[unit.id]?.map(({ label }) => label) ?? keys;

// What is printed on a row's keys, for this person.
export const shownKeys = (row) => {
  const units = unitsOf([row]);
  if (!units.some(({ id }) => own[id])) return row.keys;
  return units.flatMap((unit) => labelsOf(unit, unit.keys));
};

export const ownLabel = (id, usual) => (own[id] ? (own[id][0]?.label ?? "") : usual);

// Writes the person's own keys onto buttons that name their command, and onto `kbd`s that do.
export const showOwnKeys = (root) => {
  if (!Object.keys(own).length) return;
  for (const button of root.querySelectorAll("[data-command]")) {
    const { command, by, way } = button.dataset;
    const id = idOf({ command, by, way });
    const kbd = button.querySelector("kbd");
    if (kbd && own[id]) kbd.replaceWith(...own[id].slice(0, 1).map(({ label }) => element("kbd", {}, label)));
  }
  for (const kbd of root.querySelectorAll("kbd[data-key]")) kbd.textContent = ownLabel(kbd.dataset.key, kbd.textContent);
};
