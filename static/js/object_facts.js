// What is known of one object beside its tile: its own words at once, the rest from the server, asked once.

import { element, nameCut, parseFragment } from "./html.js";
import { getHtml } from "./requests.js";
import { labelOf, statusWord } from "./tile.js";

const MOST_KEPT = 50;
const kept = new Map(); // what was told of an object in its present state

export const ownFacts = (tile) => {
  const { taxon, italic, status, score } = labelOf(tile);
  const facts = element("dl");
  const say = (word, ...value) => facts.append(element("dt", {}, word), element("dd", {}, ...value));
  say("object", element("a", { href: tile.dataset.page }, nameCut(tile.dataset.name)));
  const words = status === "P" && score ? `predicted ${Number(score).toFixed(2)}` : statusWord(status);
  say("label", taxon ? nameCut(taxon, italic) : "", taxon ? ", " : "", words);
  if (tile.dataset.distance) say("distance", Number(tile.dataset.distance).toFixed(3));
  return facts;
};

// {facts, neighbours, suggestions}, each an element or null.
export const factsOf = async (tile, signal) => {
  const key = `${tile.dataset.id} ${tile.dataset.state}`;
  const text = kept.get(key) ?? (await getHtml(`${tile.dataset.page}/brief`, { signal }));
  kept.delete(key);
  kept.set(key, text);
  if (kept.size > MOST_KEPT) kept.delete(kept.keys().next().value);
  const told = parseFragment(text);
  const part = (name) => told.querySelector(`[data-panel="${name}"]`);
  return { facts: part("facts"), neighbours: part("neighbours"), suggestions: part("suggestions") };
};

// After an act: neighbours' labels may have changed too.
export const forgetFacts = () => kept.clear();
