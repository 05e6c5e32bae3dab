// Acts on their way to the server. They are kept in this browser until the server has answered, sent one after the
// other, and sent again with the same id after a lost connection, a server in trouble, or a new login: the server does
// each id once. They belong to the account that made them: once another one may have logged in in this browser, who it is
// now is asked first, and nobody's acts are sent as somebody else's.

import { RequestFailed, getJson, postJson } from "./requests.js";

const LONGEST_WAIT_MS = 30_000;

// Held back: whoever is logged in now did not make these acts.
export class OtherAccount extends RequestFailed {
  constructor(name) {
    super(`This browser is now logged in as ${name}.`, 403);
    this.name = name;
  }
}

export class Outbox extends EventTarget {
  #key;
  #account;
  #isOurs = true; // the session is, as far as is known, the account's of this page
  #sending = false;
  #failures = 0;
  #timer = null;

  constructor(projectId, accountId) {
    super();
    this.url = `/projects/${projectId}`;
    this.#account = accountId;
    this.#key = `shoal.outbox.${accountId}.${projectId}`;
    addEventListener("online", () => this.flush());
    addEventListener("focus", () => this.#comeBack());
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && this.#comeBack());
  }

  get waiting() {
    return JSON.parse(localStorage.getItem(this.#key) ?? "[]");
  }

  #keep(entries) {
    if (entries.length) localStorage.setItem(this.#key, JSON.stringify(entries));
    else localStorage.removeItem(this.#key);
  }

  // `path` is acts, undo, redo or comments, or a whole address such as a batch's. `bare`: what may happen twice, and
  // goes without the id that would prevent it.
  add(path, body = {}, { bare = false } = {}) {
    const entry = { path, bare, body: { client_id: newId(), ...body } };
    this.#keep([...this.waiting, entry]);
    this.flush();
    return entry.body.client_id;
  }

  // Meanwhile another tab may have logged in as somebody else.
  #comeBack() {
    this.#isOurs = false;
    this.flush();
  }

  async #checkAccount() {
    const me = await getJson("/api/v1/me");
    if (String(me.id) !== this.#account) throw new OtherAccount(me.name);
    this.#isOurs = true;
  }

  async flush() {
    if (this.#sending) return;
    this.#sending = true;
    clearTimeout(this.#timer);
    try {
      for (let entry = this.waiting[0]; entry; entry = this.waiting[0]) await this.#send(entry);
    } catch (error) {
      this.#waitAfter(error);
    } finally {
      this.#sending = false;
    }
  }

  async #send(entry) {
    if (!this.#isOurs) await this.#checkAccount();
    try {
      const { client_id, ...bare } = entry.body;
      const outcome = await postJson(entry.path.startsWith("/") ? entry.path : `${this.url}/${entry.path}`, entry.bare ? bare : entry.body);
      this.#remove(entry);
      this.#updateStates(outcome?.outcome ?? outcome);
      this.#failures = 0;
      this.#tell("done", { entry, outcome });
    } catch (error) {
      if (!(error instanceof RequestFailed) || error.passing || error.needsLogin) throw error;
      this.#remove(entry);
      this.#tell("rejected", { entry, error });
    }
  }

  #remove(entry) {
    this.#keep(this.waiting.filter((kept) => kept.body.client_id !== entry.body.client_id));
  }

  // An act that waits was made on what the one before it shows: it goes out with the states that one left behind.
  #updateStates(outcome) {
    if (!outcome?.changed) return; // a comment changes no label
    const states = new Map(outcome.changed.map((object) => [object.id, object.state]));
    const entries = this.waiting;
    for (const { body } of entries) {
      if (body.states) body.states = (body.objects ?? body.marked ?? body.ids).map((id, i) => states.get(id) ?? body.states[i]);
      if (body.state) body.state = states.get(body.id) ?? body.state;
    }
    this.#keep(entries);
  }

  #waitAfter(error) {
    if (!(error instanceof RequestFailed)) throw error;
    this.#failures += 1;
    if (error.needsLogin) this.#isOurs = false;
    this.#tell("delayed", { error, n: this.waiting.length });
    // After a login elsewhere the window gets the focus again; asking in between would only be refused.
    if (error.needsLogin || error instanceof OtherAccount) return;
    const wait = Math.min(1000 * 2 ** (this.#failures - 1), LONGEST_WAIT_MS);
    this.#timer = setTimeout(() => this.flush(), wait);
  }

  #tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}

let ours = null; // the page's own, which outlives its boards

// The outbox of a board, and whether the page had none before.
export const outboxOf = (projectId, accountId) => {
  const isNew = !ours;
  ours ??= new Outbox(projectId, accountId);
  return { outbox: ours, isNew };
};

// crypto.randomUUID exists only on https and localhost; a laboratory's server may be plain http.
export const newId = () => {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/(.{8})(.{4})(.{4})(.{4})(.{12})/, "$1-$2-$3-$4-$5");
};
