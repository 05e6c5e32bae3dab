// A batch of what is like an image, chosen, dropped or pasted, or like a text: from the list of batches.

import { makeBatch } from "./batch_make.js";
import { keyOfImage, keyOfText, oneImage, takeFiles } from "./like_query.js";
import { whileShown } from "./page_life.js";
import { toast } from "./toasts.js";

const form = document.querySelector(".find-batch");

const make = async (keyOf) => {
  const { project } = form.dataset;
  try {
    const image = await keyOf(project);
    await makeBatch(project, { kind: "examples", image, ...(form.elements.far.checked ? { far: true } : {}) });
  } catch (error) {
    toast(error.message, { kind: "bad", key: "find" });
  }
};

const take = (files) => {
  const image = oneImage(files);
  if (image) make((project) => keyOfImage(project, image));
};

form?.addEventListener("submit", (event) => {
  event.preventDefault();
  const text = form.elements.text?.value.trim();
  const files = form.elements.image?.files ?? [];
  if (files.length) take(files);
  else if (text) make((project) => keyOfText(project, text));
  else toast("Choose an image first, or type what you are looking for.", { kind: "warn", key: "find" });
});
if (form?.elements.image) takeFiles(document.querySelector("main"), take, whileShown());
