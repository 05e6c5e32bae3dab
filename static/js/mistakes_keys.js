// The keys of likely mistakes: those of the board that move, name, undo and change the look, and its own.

import { remapped } from "./key_map.js";
import { KEYS, commandOf } from "./keys.js";

export const MISTAKE_KEYS = [
  { group: "Likely mistakes", keys: ["Enter"], labels: true, does: "the object stays what it is, and is not what its neighbours are", short: "it stays", command: "stays" },
  { group: "Likely mistakes", keys: ["Del", "Backspace"], labels: true, does: "the object is what its neighbours are: label it so", short: "it is the other", command: "moves" },
  { group: "Likely mistakes", keys: ["←", "→", "↑", "↓"], does: "to the next object, without a word on this one", command: "step", fixed: true },
  { group: "Likely mistakes", keys: ["letters", "."], labels: true, does: "name a third taxon", command: "name", fixed: true },
  { group: "Likely mistakes", keys: ["⇧ Space"], does: "open the object's page", command: "open", fixed: true },
  { group: "Likely mistakes", keys: ["Ctrl Z"], labels: true, does: "undo what was decided last", command: "undo", fixed: true },
];

const BY_CODE = { Enter: "stays", NumpadEnter: "stays", Delete: "moves", Backspace: "moves" };
const OF_THE_BOARD = new Set(["contrast", "invert", "help"]);
const KNOWN = new Set([...MISTAKE_KEYS.map((key) => key.command), ...OF_THE_BOARD]);

const usualAtMistakes = (event) => {
  if (!event.ctrlKey && !event.metaKey && !event.altKey && !event.isComposing && BY_CODE[event.code]) return { command: BY_CODE[event.code] };
  const meant = commandOf(event);
  const command = meant?.command === "field" ? "name" : meant?.command;
  return KNOWN.has(command) ? { ...meant, command } : null;
};

// What a key means at likely mistakes.
export const mistakeCommandOf = remapped(MISTAKE_KEYS, usualAtMistakes);

// All that are of use there, for the list under "?".
export const usableAtMistakes = (canLabel) => [...MISTAKE_KEYS, ...KEYS.filter(({ command }) => OF_THE_BOARD.has(command))].filter(({ labels }) => canLabel || !labels);
