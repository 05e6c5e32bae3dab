// Taxa whose names are nearly the one that was typed: what a slip of the finger, or a missing letter, meant.

import { getJson } from "./requests.js";

const MOST = 5;
const LEAST_LETTERS = 3;

// The server finds the beginnings of words: it is asked for ever shorter ones, until something is near enough.
export const nearNames = async (name, projectId) => {
  const typed = name.trim().toLowerCase();
  for (let length = typed.length; length >= LEAST_LETTERS; length = Math.min(length - 1, Math.ceil(length * 0.7))) {
    const query = new URLSearchParams({ q: typed.slice(0, length), project_id: projectId });
    const near = nearest(await getJson(`/taxa?${query}`), typed);
    if (near.length) return near;
  }
  return [];
};

const nearest = (taxa, typed) =>
  taxa
    .map((taxon) => ({ taxon, slips: Math.min(...names(taxon).map((name) => slipsBetween(name, typed))) }))
    .filter(({ slips }) => slips <= Math.max(1, Math.floor(typed.length / 3)))
    .sort((a, b) => a.slips - b.slips)
    .slice(0, MOST)
    .map(({ taxon }) => taxon);

// A name counts as near by its beginning too: “Cilio” means Ciliophora.
const names = ({ display_name: shown }) => {
  const whole = shown.toLowerCase();
  return [whole, whole.split(" < ")[0]];
};

// Letters to put in, take out or change, where what follows the typed letters costs nothing.
const slipsBetween = (name, typed) => {
  let row = Array.from({ length: name.length + 1 }, (_, i) => i);
  for (let t = 1; t <= typed.length; t += 1) {
    const next = [t];
    for (let n = 1; n <= name.length; n += 1) {
      const changed = row[n - 1] + (typed[t - 1] === name[n - 1] ? 0 : 1);
      next.push(Math.min(changed, row[n] + 1, next[n - 1] + 1));
    }
    row = next;
  }
  return Math.min(...row);
};
