// What is like an image file, dropped on or pasted into the board or chosen beside its order, or like a text?

import { keyOfImage, keyOfText, oneImage, takeFiles } from "./like_query.js";
import { whileShown } from "./page_life.js";
import { dropToast, toast } from "./toasts.js";

export const wireQueryImage = (board, filter) => {
  const { project } = board.dataset;
  const look = async (words, keyOf) => {
    toast(`Looking for what is like ${words}…`, { key: "query-image", stays: true });
    try {
      const query = await keyOf();
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
    const image = oneImage(files);
    if (image) look(image.name, () => keyOfImage(project, image));
  };
  takeFiles(board, take, whileShown());
  document.getElementById("like-image")?.addEventListener("change", (event) => take(event.target.files));
  const text = document.getElementById("like-text");
  const say = () => text.value.trim() && look(`“${text.value.trim()}”`, () => keyOfText(project, text.value));
  text?.addEventListener("keydown", (event) => event.key === "Enter" && say());
  document.getElementById("like-text-go")?.addEventListener("click", say);
};
