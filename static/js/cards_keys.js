// The keys of the page of cards: those of the board that move, select, name and undo, and its own.

import { remapped } from "./key_map.js";
import { commandOf } from "./keys.js";

export const CARD_KEYS = [
  { group: "Cards", keys: ["?"], does: "all keys", short: "all keys", command: "help" },
  { group: "Cards", keys: ["←", "→", "↑", "↓"], does: "move the cursor; with ⇧ extend the selection", command: "step", fixed: true },
  { group: "Cards", keys: ["Space"], does: "select or unselect under the cursor", short: "select", command: "toggle" },
  { group: "Cards", keys: ["click", "⇧ click", "drag"], does: "select one, a range, or what a band touches" },
  { group: "Cards", keys: ["Ctrl A"], does: "select every card that is loaded", command: "all" },
  { group: "Cards", keys: ["Esc"], does: "clear the selection; close what is open", command: "clear" },
  { group: "Cards", keys: ["Enter"], labels: true, does: "open the selected cards, or the one under the cursor, as one batch", short: "open as a batch", command: "open", id: "openCards" },
  { group: "Cards", keys: ["letters", "."], labels: true, does: "name a taxon for the selected cards: what was seen whole is labelled at once, the rest opens as a batch for that taxon", short: "name", command: "name", fixed: true },
  { group: "Cards", keys: ["/", "F4"], does: "find a taxon in the tree: with cards selected, Enter there takes it into the label field", command: "find" },
  { group: "Cards", keys: ["drag a selected card"], labels: true, does: "onto a taxon of the tree: name the selected cards so, with ⇧ at the drop as dubious; hold a card that is not selected a moment to drag it alone" },
  { group: "Cards", keys: ["1–9"], labels: true, does: "the same, with the taxon of that slot; with ⇧ as dubious", command: "slot", fixed: true },
  { group: "Cards", keys: ["Alt 1–3"], labels: true, does: "take a proposal into the label field", command: "propose", fixed: true },
  { group: "Cards", keys: ["F6", "%"], labels: true, does: "split the card, into as many parts as the panel says", short: "split", command: "split" },
  { group: "Cards", keys: ["F7", "&"], labels: true, does: "merge the selected cards", short: "merge", command: "merge" },
  { group: "Cards", keys: ["F8", ">"], labels: true, does: "grow: what is most like the cards and not in them, as a batch", short: "grow", command: "grow" },
  { group: "Cards", keys: ["F9", "#"], labels: true, does: "accept under audit: a random sample of what is in the cards is judged, and the rest labelled with the named taxon, or the proposed one", short: "audit", command: "audit" },
  { group: "Cards", keys: ["Insert", "|"], labels: true, does: "set what is in the cards aside on a pile, under a provisional name", command: "aside" },
  { group: "Cards", keys: ["⇧ Space"], does: "look inside the card; there, Space selects objects, and Del sends them out", short: "look inside", command: "members" },
  { group: "Cards", keys: ["Del"], labels: true, does: "send the selected objects out of the card", command: "sendOut" },
  { group: "Cards", keys: ["Ctrl Z"], labels: true, does: "undo what you did last, to cards or to labels", short: "undo", command: "undo" },
  { group: "Cards", keys: ["Ctrl ⇧ Z", "Ctrl Y"], labels: true, does: "redo", command: "redo" },
];

const BY_CODE = { Enter: "open", NumpadEnter: "open", F6: "split", F7: "merge", F8: "grow", F9: "audit", Delete: "sendOut" };
const BY_SIGN = { "%": "split", "&": "merge", ">": "grow", "#": "audit" };
const SAME = { open: "members", field: "name" }; // the board's words for what is another thing here
const KNOWN = new Set(CARD_KEYS.map((key) => key.command));

// A sign that stands above a digit is meant where it takes Shift; a digit alone is a slot.
const usualAmongCards = (event) => {
  if (event.isComposing) return null;
  const { code, key } = event;
  if (event.altKey) return /^Digit[1-3]$/.test(code) && !event.ctrlKey ? { command: "propose", place: Number(code.at(-1)) - 1 } : null;
  if (!event.ctrlKey && !event.metaKey) {
    if (BY_CODE[code]) return { command: BY_CODE[code] };
    if (BY_SIGN[key] && (event.shiftKey || !code.startsWith("Digit"))) return { command: BY_SIGN[key] };
  }
  const meant = commandOf(event);
  if (!meant) return null;
  const command = SAME[meant.command] ?? meant.command;
  return KNOWN.has(command) ? { ...meant, command, typed: meant.command === "name" } : null;
};

// What a key means among cards.
export const cardCommandOf = remapped(CARD_KEYS, usualAmongCards);
