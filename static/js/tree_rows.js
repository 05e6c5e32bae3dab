// A taxon's row of the tree: as the server tells it, what is drawn and said of it, and how it is found by name.

import { element, thousands } from "./html.js";

const [ITALIC, DEPRECATED, OPEN] = [1, 2, 4];
export const NONE = 0; // the id that stands for objects without a taxon

export const rowOf = ([id, depth, name, display, flags, V, P, D, kept]) => ({
  id, depth, name, display: display || name, V, P, D, kept,
  italic: Boolean(flags & ITALIC), isDeprecated: Boolean(flags & DEPRECATED), open: Boolean(flags & OPEN), parent: null, hasChildren: false,
});

export const wordsOf = ({ name, display, depth, isDeprecated, V, P, D, U, kept }) => [name, display, depth, isDeprecated, V, P, D, U, kept].join("\t");

// Deep levels are set in less and less: the names keep their room.
export const indent = (depth) => (depth <= 4 ? depth : Math.min(4 + (depth - 4) * 0.6, 9));

export const number = (name, n) => element("span", { className: `count ${name}` }, n ? thousands(n) : "");

export const bar = ({ V, P, D }) => {
  const drawn = element("span", { className: "bar" });
  const all = Math.max(V + P + D, 1);
  drawn.style.setProperty("--v", `${(V / all) * 100}%`);
  drawn.style.setProperty("--p", `${((V + P) / all) * 100}%`);
  drawn.style.setProperty("--d", `${((V + P + D) / all) * 100}%`);
  return drawn;
};

export const inWords = (row, counted) => {
  const kept = counted ? `; ${thousands(row.kept)} in this filter` : "";
  if (row.id === NONE) return `unclassified: ${thousands(row.U)} ${row.U === 1 ? "object" : "objects"}${kept}`;
  const old = row.isDeprecated ? " (deprecated)" : "";
  return `${row.display}: ${thousands(row.V)} validated, ${thousands(row.P)} predicted, ${thousands(row.D)} dubious${kept}${old}`;
};

// The rows that have `wanted` in their name and what stands above them; the best is the one that begins with it.
export const withName = (rows, wanted) => {
  const found = new Set();
  let best = null;
  let bestRank = Infinity;
  for (const row of rows) {
    const name = row.display.toLowerCase();
    const at = name.indexOf(wanted);
    if (at < 0) continue;
    for (let above = row; above && !found.has(above); above = above.parent) found.add(above);
    const rank = row.name.toLowerCase() === wanted ? 0 : at === 0 ? 1 : 2;
    if (rank < bestRank) [best, bestRank] = [row, rank];
  }
  return { rows: found, best };
};
