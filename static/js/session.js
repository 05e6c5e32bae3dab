// Notices that the session has ended, whatever request learned of it, offers to log in beside, and says when somebody
// of the same account is back: "shoal:session-back" on the window.

import { getJson } from "./requests.js";
import { dropToast, toast } from "./toasts.js";

let isWatched = false; // once a page, for all its boards

export const watchSession = (accountId) => {
  if (!accountId || isWatched) return;
  isWatched = true;
  let ended = false;
  addEventListener("shoal:session-ended", () => {
    ended = true;
    if (document.querySelector('.toast[data-key="delayed"]')) return;
    const link = { href: "/login", target: "_blank", text: "Log in" };
    toast("Your session has ended. Log in in another tab and come back: this page goes on where it is.", { kind: "warn", key: "delayed", link });
  });
  const look = async () => {
    if (!ended) return;
    const me = await getJson("/api/v1/me").catch(() => null);
    if (String(me?.id) !== accountId) return;
    ended = false;
    dropToast("delayed");
    dispatchEvent(new Event("shoal:session-back"));
  };
  addEventListener("focus", look);
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && look());
};
