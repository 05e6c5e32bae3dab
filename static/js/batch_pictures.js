// The next page's pictures, fetched before it is asked for. Which of them stand where is known only then: they are kept
// by their objects, and make up the page's own atlas where all of it is here.

import { haveEarly, picturesOf } from "./atlas.js";

let fetched = { url: null, byId: new Map() };

export const fetchAhead = async (url) => {
  if (!url || url === fetched.url) return;
  const byId = new Map();
  fetched = { url, byId };
  try {
    const ids = idsOf(url);
    for (const [k, picture] of (await picturesOf(url)).entries()) byId.set(ids[k], picture);
  } catch {
    fetched.url = null; // the page fetches its own
  }
};

// Before a section of tiles is shown.
export const useAhead = (section) => {
  const url = section.dataset.atlas;
  if (!url) return;
  const pictures = [...section.querySelectorAll(".tile:has(.picture > img)")].map((tile) => fetched.byId.get(Number(tile.dataset.id)));
  if (pictures.every(Boolean)) haveEarly(url, pictures);
};

const DIGEST_BYTES = 8;

// An atlas's name holds its objects' ids, each as its difference to the one before (app/objects/atlas.py).
export const idsOf = (url) => {
  const name = url.split("/").at(-1).replaceAll("-", "+").replaceAll("_", "/");
  const bytes = Uint8Array.from(atob(name), (sign) => sign.charCodeAt(0));
  const ids = [];
  let [last, rest, weight] = [0, 0, 1];
  for (const byte of bytes.subarray(DIGEST_BYTES)) {
    rest += (byte & 127) * weight;
    weight *= 128;
    if (byte > 127) continue;
    last += rest % 2 ? -(rest + 1) / 2 : rest / 2;
    ids.push(last);
    [rest, weight] = [0, 1];
  }
  return ids;
};
