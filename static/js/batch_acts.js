// What is done in a batch: labels on the marked or on one tile, a page turned, undo and redo. All of it goes through the
// outbox, so that a lost connection loses nothing and nothing happens twice. Emits "left" when a page is done.

import { offerUndo, reversedWords } from "./acts.js";
import { tellDelayed } from "./delayed.js";
import { count } from "./html.js";
import { forgetFacts } from "./object_facts.js";
import { outboxOf } from "./outbox.js";
import { tellRefused } from "./refused.js";
import { Steps } from "./batch_steps.js";
import { tidyStacks } from "./stacks.js";
import { dropToast, toast } from "./toasts.js";

const SOON_MS = 250;
const TWICE_MS = 10_000; // a second undo within this time may go elsewhere

export class BatchActs extends EventTarget {
  #names = new Map(); // of taxa by id, as acts named them
  #elsewhereUntil = 0;
  #backTo = null; // marks of a page that comes back from the tray
  #telling = null;
  #waiting = null; // what is done once all that it is about was seen

  constructor(root, page, panel) {
    super();
    Object.assign(this, { root, page, panel, url: root.url });
    const { outbox, isNew } = outboxOf(root.dataset.project, root.dataset.account);
    Object.assign(this, { outbox, isNew });
    this.steps = new Steps(page, root.dataset.batch);
    this.buttons = { undo: panel.button("undo"), redo: panel.button("redo") };
    outbox.addEventListener("done", ({ detail }) => this.#done(detail));
    outbox.addEventListener("rejected", ({ detail }) => this.#rejected(detail));
    outbox.addEventListener("delayed", ({ detail }) => tellDelayed(detail));
    page.seen.addEventListener("seen", () => this.#waiting && this.#goOn());
    page.marks.addEventListener("change", () => this.forgetWaiting());
    page.addEventListener("shown", () => this.#bringBack());
  }

  // What was left to send comes before the page that follows from it.
  async begin() {
    const left = this.outbox.waiting.length;
    if (left && this.isNew) toast(`${count(left, "act")} kept from before: sent now.`);
    if (!left) return this.page.load();
    await this.outbox.flush();
    if (!this.#ours.length && !this.page.isReady) this.page.load();
  }

  offer(state) {
    offerUndo(this.buttons, state);
    if (!this.buttons.undo) return;
    this.buttons.undo.disabled = false; // marks and pages of the tray are taken back too
    this.buttons.undo.title = "Takes back your last step in this batch";
  }

  get #ours() {
    return this.outbox.waiting.filter(({ path }) => path.startsWith(this.url));
  }

  // Once nothing of this batch is on its way any more.
  async settled() {
    while (this.#ours.length) await new Promise((again) => setTimeout(again, SOON_MS));
  }

  // Does `act` once all that is marked, or not this, was seen: at once, or when its images are painted. What stands
  // further down is scrolled to, and wants another Enter.
  whenSeen(act) {
    const { seen, marks } = this.page;
    const unseen = [...marks.marked, ...marks.notThis].filter((tile) => !seen.has(tile));
    if (!unseen.length) return act();
    const away = unseen.filter((tile) => !seen.isInView(tile));
    if (away.length) return this.#lookAt(away);
    this.#waiting = act;
    this.root.classList.add("waiting");
    const broken = unseen.filter((tile) => tile.querySelector("img[hidden]"));
    if (broken.length) {
      this.forgetWaiting();
      toast(`${count(broken.length, "marked image")} cannot be shown, and nothing is labelled unseen: unmark ${broken.length === 1 ? "it" : "them"}.`, { kind: "warn", key: "marks" });
    }
  }

  #goOn() {
    const act = this.#waiting;
    const { seen, marks } = this.page;
    if ([...marks.marked, ...marks.notThis].some((tile) => !seen.has(tile))) return;
    this.forgetWaiting();
    act();
  }

  forgetWaiting() {
    this.#waiting = null;
    this.root.classList.remove("waiting");
  }

  #lookAt(away) {
    const { list } = this.page;
    const frame = list.getBoundingClientRect();
    const first = away.reduce((a, b) => (a.getBoundingClientRect().top <= b.getBoundingClientRect().top ? a : b));
    const { top } = first.getBoundingClientRect();
    const where = top > frame.top ? "further down" : "further up";
    list.scrollTop += top - frame.top - 8;
    toast(`${count(away.length, "marked object")} ${where}: looked at first, then Enter again.`, { key: "marks" });
  }

  #tellSeen() {
    const ids = this.page.seen.takeUnreported();
    if (ids.length) this.outbox.add(`${this.page.url}/seen`, { ids }, { bare: true });
  }

  apply(taxon, status) {
    const { page } = this;
    const { marked, notThis } = page.marks;
    page.size.learn(page.corrected);
    this.#tellSeen();
    const url = `${page.url}/apply`;
    page.leave();
    this.outbox.add(url, {
      taxon_id: taxon?.id ?? null,
      status,
      marked: marked.map((tile) => Number(tile.dataset.id)),
      states: marked.map((tile) => tile.dataset.state),
      not_this: notThis.map((tile) => Number(tile.dataset.id)),
      line: page.line.at,
    });
    this.#did();
    for (const tile of marked) tile.classList.add("sending");
    this.dispatchEvent(new Event("left"));
  }

  // Labelled by themselves in one act, and gone from the page.
  single(tiles, taxon, status) {
    const { page } = this;
    const unseen = tiles.filter((tile) => !page.seen.has(tile));
    if (unseen.length) return toast("Not painted long enough to be seen: once more.", { key: "marks" });
    this.#tellSeen();
    this.outbox.add(`${this.url}/one`, {
      ids: tiles.map((tile) => Number(tile.dataset.id)), states: tiles.map((tile) => tile.dataset.state), taxon_id: taxon.id, status,
    });
    this.#names.set(taxon.id, taxon.display_name);
    this.#did();
    this.#takeOff(tiles);
  }

  #takeOff(tiles) {
    const { page } = this;
    this.steps.quietly(() => {
      for (const tile of tiles) tile.hidden = true;
      tidyStacks(page.list);
      page.selection.drop(tiles);
      page.selection.keepPlace();
    });
    if (!page.selection.shown().length) page.leave();
  }

  // They are on a pile now, and no part of the batch.
  setAside(tiles, pileId) {
    const ids = tiles.map((tile) => Number(tile.dataset.id));
    this.outbox.add(`${this.url}/aside`, { ids }, { bare: true });
    if (pileId) this.steps.push({ kind: "aside", ids, pileId });
    this.#takeOff(tiles);
  }

  pass() {
    const { page } = this;
    const url = `${page.url}/pass`;
    this.#did(page.state);
    page.leave();
    this.outbox.add(url, {}, { bare: true });
    this.dispatchEvent(new Event("left"));
  }

  #did(state = null) {
    this.#elsewhereUntil = 0;
    this.steps.push({ kind: "done", state });
  }

  // The last step in this batch; once nothing of it is left, and at a second press, the last act elsewhere.
  undo() {
    if (Date.now() < this.#elsewhereUntil) {
      this.#elsewhereUntil = 0;
      return this.outbox.add("undo");
    }
    const { page, steps } = this;
    const step = steps.pop();
    if (step?.kind === "marks") return steps.quietly(() => page.bringBack(step.state));
    if (step?.kind === "aside") return this.outbox.add(`${this.url}/aside/back`, { ids: step.ids, pile_id: step.pileId }, { bare: true });
    this.#backTo = step?.state ?? null;
    const url = `${this.url}/back`;
    const isSure = !this.#ours.some(({ path }) => path === url); // of which page is in hand when this arrives
    this.outbox.add(url, { page: isSure ? (page.page?.number ?? null) : null });
  }

  // A page from the tray with the marks that it had.
  #bringBack() {
    const state = this.#backTo;
    if (!state || state.number !== this.page.number) return;
    this.#backTo = null;
    this.steps.quietly(() => this.page.bringBack(state));
  }

  #tellBack(back) {
    this.offer(back.undo);
    if (back.outcome) return this.#reversed("undo", back.outcome);
    if (back.page) {
      toast(`Page ${back.page} is back from the tray.`, { key: "reversed" });
      return this.#lookAgain();
    }
    const { undo } = back.undo;
    if (undo) this.#elsewhereUntil = Date.now() + TWICE_MS;
    toast(`Nothing left to undo in this batch.${undo ? ` Ctrl+Z again takes back ${undo.label}, ${count(undo.n, "object")}, elsewhere.` : ""}`, { key: "reversed" });
  }

  #tellSingle({ taxon_id: taxonId, status }, { changed }) {
    const name = this.#names.get(taxonId);
    if (changed.length && name) toast(`${count(changed.length, "object")} ${status === "D" ? "dubious" : "validated"} as ${name}.`, { key: "single" });
    clearTimeout(this.#telling);
    this.#telling = setTimeout(() => this.page.isReady && !this.#ours.length && this.page.tell((told) => this.panel.tell(told)), SOON_MS);
  }

  redo() {
    this.outbox.add("redo");
  }

  #done({ entry, outcome }) {
    dropToast("delayed");
    forgetFacts();
    this.page.reservation.renew();
    const said = outcome?.outcome ?? outcome;
    if (said?.undo) this.offer(said.undo);
    if (said?.refused?.length) tellRefused(said.refused, this.root.dataset.account);
    if (outcome?.late?.length) this.#tellLate(outcome.late);
    if (entry.path === `${this.url}/back`) return this.#tellBack(outcome);
    if (entry.path === `${this.url}/aside/back`) {
      toast(`${count(entry.body.ids.length, "object")} back on the page, and off the pile.`, { key: "reversed" });
      return this.#lookAgain();
    }
    if (entry.path === `${this.url}/one`) this.#tellSingle(entry.body, said);
    if (entry.path === "undo" || entry.path === "redo") this.#reversed(entry.path, outcome);
    else if (!this.page.isReady && !this.#ours.length) this.page.load();
  }

  #tellLate(late) {
    const who = late.map(({ account, n }) => `${account} (${n})`).join(" and ");
    toast(`Kept for you no longer, and begun by ${who} meanwhile: labelled wherever nothing had changed.`, { kind: "warn" });
  }

  // The page of what was taken back or done again is in hand now, or the one after it.
  #reversed(path, outcome) {
    const word = path === "undo" ? "Taken back" : "Done again";
    const isHere = String(outcome.batch_id) === this.root.dataset.batch;
    const words = reversedWords(path, outcome);
    if (isHere) toast(`${word}: ${words}.`, { key: "reversed" });
    else {
      const { project } = this.root.dataset;
      const href = outcome.batch_id ? `/projects/${project}/batches/${outcome.batch_id}` : `/projects/${project}?act=${outcome.act_id}`;
      toast(`${word} elsewhere: ${words}.`, { key: "reversed", link: { href, text: "Show" } });
    }
    if (!isHere) return;
    if (path === "redo") this.steps.push({ kind: "done", state: null });
    this.#lookAgain();
  }

  // The page in hand is another one now.
  async #lookAgain() {
    if (this.#ours.length) return;
    if (this.page.isReady) await this.page.kept.flush();
    this.page.leave();
    this.page.load();
  }

  // The server refused it whole: the page comes back as it is there.
  #rejected({ entry, error }) {
    if (!entry.bare) toast(error.message, { kind: "bad" });
    if (!entry.path.startsWith(this.url)) return;
    if (["/apply", "/one", "/pass"].some((end) => entry.path.endsWith(end))) this.steps.forgetDone();
    this.#lookAgain();
  }
}
