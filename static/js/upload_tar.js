// Packs files into one tar that is read from the disk only while it is sent: a Blob made of headers and of the files.
//
// The same files give the same bytes, so that an interrupted upload of a folder goes on. Format: POSIX ustar, with a pax
// header before what that cannot hold (names that are long or not ASCII, files of 8 GiB and more).

const BLOCK = 512;
const LARGEST_PLAIN = 8 ** 11 - 1;
const LONGEST_PLAIN = 100;
const encoder = new TextEncoder();

export const tarOf = (files) => {
  const parts = [];
  let padding = new Uint8Array(0);
  for (const { path, file } of files) {
    // What fills up the file before stands in one part with this header: half as many parts.
    parts.push(joined([padding, ...headers(path, file)]), file);
    padding = new Uint8Array((BLOCK - (file.size % BLOCK)) % BLOCK);
  }
  parts.push(joined([padding, new Uint8Array(2 * BLOCK)]));
  return new Blob(parts, { type: "application/x-tar" });
};

const headers = (path, file) => {
  const name = encoder.encode(path);
  const modified = Math.floor(file.lastModified / 1000);
  const records = [];
  if (name.length > LONGEST_PLAIN || name.some((byte) => byte > 126 || byte < 32)) records.push(record("path", path));
  if (file.size > LARGEST_PLAIN) records.push(record("size", String(file.size)));
  const own = header(records.length ? encoder.encode("file") : name, file.size > LARGEST_PLAIN ? 0 : file.size, modified, "0");
  if (!records.length) return [own];
  const body = joined(records);
  const padded = new Uint8Array(Math.ceil(body.length / BLOCK) * BLOCK);
  padded.set(body);
  return [header(encoder.encode("PaxHeader"), body.length, modified, "x"), padded, own];
};

// "LENGTH name=value\n", where LENGTH counts itself too.
const record = (name, value) => {
  const rest = encoder.encode(` ${name}=${value}\n`);
  let length = rest.length + 1;
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
  return joined([encoder.encode(String(length)), rest]);
};

const header = (name, size, modified, kind) => {
  const block = new Uint8Array(BLOCK);
  const put = (text, at) => block.set(encoder.encode(text), at);
  const octal = (number, digits) => number.toString(8).padStart(digits, "0");
  block.set(name, 0);
  put(`${octal(0o644, 7)}\0${octal(0, 7)}\0${octal(0, 7)}\0${octal(size, 11)}\0${octal(modified, 11)}\0`, 100);
  put("        ", 148);
  put(kind, 156);
  put("ustar\x0000", 257);
  const sum = block.reduce((total, byte) => total + byte, 0);
  put(`${octal(sum, 6)}\0 `, 148);
  return block;
};

const joined = (arrays) => {
  const whole = new Uint8Array(arrays.reduce((total, array) => total + array.length, 0));
  let at = 0;
  for (const array of arrays) {
    whole.set(array, at);
    at += array.length;
  }
  return whole;
};
