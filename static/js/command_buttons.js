// Buttons that do what keys do: each names its command, and what belongs to it, in its data.

import { showOwnKeys } from "./key_map.js";

export const wireCommands = (box, run) => {
  showOwnKeys(box);
  const buttonOf = (event) => event.target.closest("[data-command]");
  // The tiles keep the focus, so that the next key is theirs.
  box.addEventListener("pointerdown", (event) => buttonOf(event) && event.preventDefault());
  box.addEventListener("click", (event) => {
    const button = buttonOf(event);
    if (button && !button.disabled) run({ ...button.dataset });
  });
};
