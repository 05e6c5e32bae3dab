// An image file dropped on or pasted into the board: what is like it?

import { whileShown } from "./page_life.js";
import { postForm } from "./requests.js";
import { dropToast, toast } from "./toasts.js";

const isFile = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");

export const wireQueryImage = (board, filter) => {
  const ask = async (file) => {
    toast(`Looking for what is like ${file.name}…`, { key: "query-image", stays: true });
    const form = new FormData();
    form.append("image", file, file.name);
    try {
      const { query } = await postForm(`/projects/${board.dataset.project}/query-image`, form);
      filter.go((to) => {
        to.set("order", "like");
        to.set("query", query);
        for (const name of ["examples", "dir"]) to.delete(name);
      });
    } catch (error) {
      dropToast("query-image");
      toast(error.message, { kind: "bad" });
    }
  };
  const take = (files) => {
    const images = [...files].filter((file) => file.type.startsWith("image/"));
    if (images.length === 1) ask(images[0]);
    else if (images.length) toast("One image file at a time can be looked for.", { kind: "warn" });
    else if (files.length) toast(`${files[0].name} is not an image: drop one to look for what is like it.`, { kind: "warn" });
  };

  board.addEventListener("dragover", (event) => {
    if (!isFile(event)) return;
    event.preventDefault();
    board.classList.add("dropping");
  });
  board.addEventListener("dragleave", (event) => board.contains(event.relatedTarget) || board.classList.remove("dropping"));
  board.addEventListener("drop", (event) => {
    if (!isFile(event)) return;
    event.preventDefault();
    board.classList.remove("dropping");
    take(event.dataTransfer.files);
  });
  const paste = (event) => event.clipboardData.files.length && take(event.clipboardData.files);
  addEventListener("paste", paste, { signal: whileShown() });
};
