// Keeps marks and line of the page in hand on the server, a moment after each change, so that a reload, another window
// or a closed laptop finds them. What could not be sent yet waits in this browser.

import { putJson } from "./requests.js";

const AFTER_MS = 300;
const RETRY_MS = 2000;

export class Kept {
  #key;
  #timer = null;
  #stop = null;
  #page = null; // {url, number, read}: the page in hand, and what reads its marks and line

  // `answered`: the server has heard of work.
  constructor(batchId, accountId, answered) {
    this.#key = `shoal.marks.${accountId}.${batchId}`;
    this.answered = answered;
    document.addEventListener("visibilitychange", () => document.visibilityState === "hidden" && this.flush());
    addEventListener("online", () => this.#timer && this.#send());
  }

  // What this browser kept of that page and the server does not have yet; null: nothing.
  waiting(number) {
    const kept = JSON.parse(localStorage.getItem(this.#key) ?? "null");
    return kept?.number === number ? kept : null;
  }

  open(page) {
    this.forget();
    this.#page = page;
  }

  // The page is done, or about to be: nothing more is said of it.
  forget() {
    clearTimeout(this.#timer);
    this.#timer = null;
    this.#stop?.abort();
    this.#page = null;
    localStorage.removeItem(this.#key);
  }

  changed() {
    if (!this.#page) return;
    localStorage.setItem(this.#key, JSON.stringify({ number: this.#page.number, ...this.#page.read() }));
    this.#again(AFTER_MS);
  }

  #again(wait) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#send(), wait);
  }

  // At once what is not sent yet.
  async flush() {
    if (this.#timer) await this.#send();
  }

  async #send() {
    clearTimeout(this.#timer);
    this.#timer = null;
    this.#stop?.abort();
    const own = (this.#stop = new AbortController());
    const { url, read } = this.#page;
    try {
      await putJson(url, read(), { signal: own.signal, keepalive: true });
      if (!this.#timer) localStorage.removeItem(this.#key);
      this.answered();
    } catch (error) {
      if (own.signal.aborted) return;
      if (error.passing) this.#again(RETRY_MS);
      else if (error.needsLogin) addEventListener("shoal:session-back", () => this.#page && this.#send(), { once: true });
      else localStorage.removeItem(this.#key); // done in another window: the next page says so
    }
  }
}
