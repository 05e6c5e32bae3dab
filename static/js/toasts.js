// Says what happened at the lower edge. What went wrong stays until it is closed or replaced by its key.

import { element } from "./html.js";

const SHOWN_MS = 6000;

export const toast = (text, { kind = "", link = null, action = null, key = null, stays = kind !== "" } = {}) => {
  const region = document.getElementById("toasts");
  if (key) dropToast(key);
  const close = element("button", { type: "button", className: "plain", ariaLabel: "Close" }, "✕");
  const shown = element("div", { className: `toast ${kind}` }, element("p", {}, text));
  if (key) shown.dataset.key = key;
  if (link) shown.append(element("a", { href: link.href, target: link.target ?? "" }, link.text));
  if (action) {
    const button = element("button", { type: "button" }, action.text);
    button.addEventListener("click", () => {
      shown.remove();
      action.run();
    });
    shown.append(button);
  }
  close.addEventListener("click", () => shown.remove());
  shown.append(close);
  region.append(shown);
  if (!stays) setTimeout(() => shown.remove(), SHOWN_MS);
  return shown;
};

export const dropToast = (key) => {
  for (const shown of document.querySelectorAll("#toasts .toast")) if (shown.dataset.key === key) shown.remove();
};
