// What a button asks of the server, after which the page is another one.

import { dropToast, toast } from "./toasts.js";

const HEARD_MS = 100;

// `ask` may give the address to go on to; without one, this page is loaded again. A failure is said, and may be tried again.
export const doAndGo = async (button, ask) => {
  button.disabled = true;
  const working = setTimeout(() => toast("Working on it…", { key: "working", stays: true }), HEARD_MS);
  try {
    const next = await ask();
    if (typeof next === "string") location.assign(next);
    else location.reload();
  } catch (error) {
    button.disabled = false;
    clearTimeout(working);
    dropToast("working");
    toast(error.message, { kind: "bad" });
  }
};
