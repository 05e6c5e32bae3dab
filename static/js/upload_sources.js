// What a person chose or dropped, as one thing to send: an archive or a table as it is, or files and folders packed into a tar.

import { tarOf } from "./upload_tar.js";

const TABLE = /^ecotaxa.*\.(txt|tsv)$/i;
const HIDDEN = /^(\..*|__MACOSX|Thumbs\.db|desktop\.ini|\$RECYCLE\.BIN)$/i;
const SHOWN = 5;
const END_BYTES = 1 << 16;

// {name, blob, fingerprint, n, leftOut: [paths]}; throws with a sentence where there is nothing to send. Its first and
// last bytes tell it from another of the same names, sizes and times.
export const sourceOf = async (files, endings) => {
  const source = chosenAs(files, endings);
  const ends = await new Blob([source.blob.slice(0, END_BYTES), source.blob.slice(-END_BYTES)]).text();
  return { ...source, fingerprint: `${source.fingerprint}:${hash(ends)}` };
};

const chosenAs = (files, endings) => {
  const visible = files.filter(({ path }) => !path.split("/").some((step) => HIDDEN.test(step)));
  const archives = visible.filter(({ path }) => /\.(zip|tar)$/i.test(path));
  if (visible.length === 1 && (archives.length === 1 || TABLE.test(visible[0].path))) return single(visible[0].file);
  if (!visible.length) throw new Error("There is no file in what you chose.");
  const isTaken = ({ path }) => {
    const name = path.split("/").pop();
    return TABLE.test(name) || /images\.zip$/i.test(name) || endings.some((ending) => name.toLowerCase().endsWith(ending));
  };
  const taken = visible.filter(isTaken);
  const leftOut = visible.filter((item) => !isTaken(item)).map(({ path }) => path);
  if (archives.length > 1 && !taken.length) throw new Error("Send one archive at a time: each is checked by itself.");
  if (!taken.length) throw new Error(unsupported(leftOut));
  return packed(taken, leftOut);
};

const unsupported = (paths) => {
  const names = paths.slice(0, SHOWN).map((path) => path.split("/").pop()).join(", ");
  const what = paths.length === 1 ? `${names} is neither a zip, an image nor` : `None of the ${paths.length} files (${names}${paths.length > SHOWN ? ", …" : ""}) is a zip, an image or`;
  return `${what} an EcoTaxa table (ecotaxa*.tsv). Choose images, a folder of them, or a zip.`;
};

const single = (file) => ({
  name: file.name,
  blob: file,
  fingerprint: `archive:${file.name}:${file.size}:${file.lastModified}`,
  n: 1,
  leftOut: [],
});

const packed = (files, leftOut) => {
  const top = files[0].path.split("/")[0];
  const isOneFolder = files.every(({ path }) => path.startsWith(`${top}/`));
  const inside = files
    .map(({ path, file }) => ({ path: isOneFolder ? path.slice(top.length + 1) : path, file }))
    .sort((a, b) => (a.path < b.path ? -1 : 1));
  const stamps = inside.map(({ path, file }) => `${path}\n${file.size}\n${file.lastModified}`).join("\n");
  return {
    name: `${isOneFolder ? top : inside.length === 1 ? inside[0].path.replace(/\.[^.]*$/, "") : "files"}.tar`,
    blob: tarOf(inside),
    fingerprint: `files:${inside.length}:${hash(stamps)}`,
    n: inside.length,
    leftOut,
  };
};

// To know the same files again, not to withstand forgery; the browser's own hashes need an encrypted page. (cyrb53)
const hash = (text) => {
  let [high, low] = [0xdeadbeef, 0x41c6ce57];
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    high = Math.imul(high ^ code, 2654435761);
    low = Math.imul(low ^ code, 1597334677);
  }
  high = Math.imul(high ^ (high >>> 16), 2246822507) ^ Math.imul(low ^ (low >>> 13), 3266489909);
  low = Math.imul(low ^ (low >>> 16), 2246822507) ^ Math.imul(high ^ (high >>> 13), 3266489909);
  return (4294967296 * (2097151 & low) + (high >>> 0)).toString(16);
};

// Chosen with a file field: the folder's field tells each file's place in it.
export const chosenFiles = (list) => [...list].map((file) => ({ path: file.webkitRelativePath || file.name, file }));

// Dropped: folders are walked. The entries must be taken before anything is awaited, or the browser forgets them.
export const droppedFiles = async (transfer) => {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  const found = entries.length ? [] : chosenFiles(transfer.files);
  for (const entry of entries) await walk(entry, found);
  return found;
};

const walk = async (entry, found) => {
  if (entry.isFile) {
    const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
    found.push({ path: entry.fullPath.replace(/^\//, ""), file });
    return;
  }
  const reader = entry.createReader();
  // A folder is told in parts, until one is empty.
  for (;;) {
    const part = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!part.length) return;
    for (const inner of part) await walk(inner, found);
  }
};
