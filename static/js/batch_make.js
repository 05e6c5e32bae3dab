// Makes a batch and opens it: what every way into one does.

import { postJson } from "./requests.js";
import { toast } from "./toasts.js";

let isAsked = false;

export const makeBatch = async (projectId, source, { taxonId = null, order = "neighbours" } = {}) => {
  if (isAsked) return;
  isAsked = true;
  toast("Making the batch…", { key: "batch", stays: true });
  try {
    const made = await postJson(`/api/v1/projects/${projectId}/batches`, { source, order, taxon_id: taxonId });
    location.assign(`/projects/${projectId}/batches/${made.id}`);
  } catch (error) {
    toast(error.message, { kind: "warn", key: "batch" });
  } finally {
    isAsked = false;
  }
};

const VIEW = ["size", "show", "cursor"];
const OF_LIKENESS = ["order", "dir", "examples", "query"];

// From a board: what is like the selected tiles within its filter, or like the examples of its order, or what it shows.
export const batchOfShown = (projectId, tiles, query) => {
  if (!tiles.length && !document.querySelector("#tiles .tile")) return toast("Nothing to work through: no object passes this filter.", { key: "batch" });
  for (const name of VIEW) query.delete(name);
  const isLike = query.get("order") === "like";
  const isFar = isLike && !tiles.length && query.get("dir") === "desc";
  const ids = tiles.length ? tiles.map((tile) => Number(tile.dataset.id)) : isLike ? numbers(query.get("examples")) : [];
  const image = !tiles.length && isLike ? query.get("query") : null;
  if (!ids.length && !image) return makeBatch(projectId, { kind: "filter", query: String(query) });
  for (const name of OF_LIKENESS) query.delete(name);
  const filter = query.size ? { query: String(query) } : {};
  return makeBatch(projectId, { kind: "examples", ...(image ? { image } : { ids }), ...filter, ...(isFar ? { far: true } : {}) });
};

const numbers = (text) => (text ? text.split(",").map(Number) : []);
