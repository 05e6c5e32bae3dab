// What a button asks of the server, after which the page is another one.

import { toast } from "./toasts.js";

// `ask` may give the address to go on to; without one, this page is loaded again. A failure is said, and may be tried again.
export const doAndGo = async (button, ask) => {
  button.disabled = true;
  try {
    const next = await ask();
    if (typeof next === "string") location.assign(next);
    else location.reload();
  } catch (error) {
    button.disabled = false;
    toast(error.message, { kind: "bad" });
  }
};
