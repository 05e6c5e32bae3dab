// Asks for the key of a search by an image or a text, under which lists and batches find its vector.

import { postForm, postJson } from "./requests.js";
import { toast } from "./toasts.js";

export const keyOfImage = async (projectId, file) => {
  const form = new FormData();
  form.append("image", file, file.name);
  return (await postForm(`/projects/${projectId}/query-image`, form)).query;
};

export const keyOfText = async (projectId, text) => (await postJson(`/projects/${projectId}/query-text`, { text })).query;

// The one image among files that were dropped, pasted or chosen; anything else is said.
export const oneImage = (files) => {
  const images = [...files].filter((file) => file.type.startsWith("image/"));
  if (images.length === 1) return images[0];
  if (images.length) toast("One image file at a time can be looked for.", { kind: "warn" });
  else if (files.length) toast(`${files[0].name} is not an image: drop one to look for what is like it.`, { kind: "warn" });
  return null;
};

// Files that are dropped on a place, or pasted anywhere while it is there.
export const takeFiles = (place, take, signal) => {
  const isFile = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
  place.addEventListener("dragover", (event) => {
    if (!isFile(event)) return;
    event.preventDefault();
    place.classList.add("dropping");
  });
  place.addEventListener("dragleave", (event) => place.contains(event.relatedTarget) || place.classList.remove("dropping"));
  place.addEventListener("drop", (event) => {
    if (!isFile(event)) return;
    event.preventDefault();
    place.classList.remove("dropping");
    take(event.dataTransfer.files);
  });
  addEventListener("paste", (event) => event.clipboardData.files.length && take(event.clipboardData.files), { signal });
};
