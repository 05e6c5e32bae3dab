// One object's tile: what it says of its label, and how a new label is written into it.

import { element, nameCut } from "./html.js";

const WORDS = { U: "unclassified", P: "predicted", D: "dubious", V: "validated" };

export const labelOf = (tile) => ({
  status: tile.dataset.status,
  taxon_id: Number(tile.dataset.taxonId) || null,
  taxon: tile.dataset.taxon || null,
  italic: "italic" in tile.dataset,
  state: tile.dataset.state,
  score: tile.dataset.score || null,
});

export const statusWord = (status) => WORDS[status];

export const writeLabel = (tile, label) => {
  const { status, taxon_id, taxon, italic = false, state, score = null } = label;
  Object.assign(tile.dataset, { status, taxonId: taxon_id ?? "", taxon: taxon ?? "", score: score ?? "" });
  if (state) tile.dataset.state = state;
  tile.toggleAttribute("data-italic", italic);
  tile.setAttribute("aria-label", `${tile.dataset.name}: ${taxon ?? ""} ${WORDS[status]}`);
  writeCaption(tile.querySelector(".caption"), label);
};

const writeCaption = (caption, { status, taxon, italic = false, score = null }) => {
  const distance = caption.querySelector('.figure[title^="distance"]');
  caption.className = `caption status status-${status}`;
  caption.replaceChildren(taxon ? nameCut(taxon, italic) : element("span", { className: "quiet" }, WORDS.U));
  if (distance) caption.append(distance);
  else if (status === "P" && score) {
    const title = `score ${Number(score).toFixed(3)}`;
    caption.append(element("span", { className: "figure", title }, Number(score).toFixed(2)));
  }
};

// A thumbnail that does not load gives way to a sign that says so, until one does. Error events do not bubble: caught on the way down;
// those that came before this module ran are looked for.
export const markBrokenImages = (root) => {
  root.addEventListener("error", (event) => event.target instanceof HTMLImageElement && markBroken(event.target), true);
  for (const image of root.querySelectorAll("img[src]")) if (image.complete && !image.naturalWidth) markBroken(image);
};

const markBroken = (image) => {
  image.hidden = true;
  if (image.nextElementSibling?.classList.contains("no-image")) return;
  const sign = element("span", { className: "no-image" }, "image cannot be shown");
  image.after(sign);
  image.addEventListener("load", () => {
    image.hidden = false;
    sign.remove();
  }, { once: true });
};

const signsOf = (tile) => {
  const signs = tile.querySelector(".signs") ?? element("span", { className: "signs" });
  tile.querySelector(".picture").append(signs);
  return signs;
};

// It stands on a pile from now on.
export const signAside = (tile) => {
  const signs = signsOf(tile);
  if (!signs.querySelector(".aside")) signs.append(element("span", { className: "aside", title: "set aside on a pile" }, "aside"));
};

// One comment more or less: its sign comes, counts and goes.
export const addComments = (tile, by) => {
  const signs = signsOf(tile);
  const sign = signs.querySelector('[title*="comment"]') ?? element("span", {}, "✎");
  const n = (Number.parseInt(sign.title, 10) || 0) + by;
  sign.title = `${n} comment${n === 1 ? "" : "s"}`;
  if (n > 0) signs.prepend(sign);
  else sign.remove();
};
