// How long the objects in hand are kept for who works on them: told once that is over.

import { dropToast, toast } from "./toasts.js";

const OVER = "The time for which these objects were kept for you is over: others may come to them. Your marks are kept. Go on, and what is still free is yours again.";

export class Reservation {
  #length = 0;
  #timer = null;

  constructor(root) {
    this.root = root;
  }

  // For how many seconds, whatever clock this computer has; null: not at all.
  begin(seconds) {
    if (!seconds) return;
    this.#length = 1000 * seconds;
    this.renew();
  }

  // The server has heard of work.
  renew() {
    if (!this.#length) return;
    dropToast("reservation");
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => toast(OVER, { kind: "warn", key: "reservation" }), this.#length);
    this.#say(new Date(Date.now() + this.#length));
  }

  #say(until) {
    const time = this.root.querySelector("time[data-clock]");
    if (!time) return;
    time.dateTime = until.toISOString();
    time.textContent = until.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hour12: false });
  }
}
