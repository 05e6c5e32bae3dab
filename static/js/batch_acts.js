// What is done in a batch: labels on the marked or on one tile, a page turned, undo and redo. All of it goes through the
// outbox, so that a lost connection loses nothing and nothing happens twice. Emits "left" when a page is done.

import { reversedWords } from "./acts.js";
import { tellDelayed } from "./delayed.js";
import { count, thousands } from "./html.js";
import { forgetFacts } from "./object_facts.js";
import { outboxOf } from "./outbox.js";
import { tellRefused } from "./refused.js";
import { Steps } from "./batch_steps.js";
import { tidyStacks } from "./stacks.js";
import { dropToast, toast } from "./toasts.js";

const [SOON_MS, ANSWER_MS] = [250, 50];
const TWICE_MS = 10_000; // a second undo or redo within this time may go elsewhere

export class BatchActs extends EventTarget {
  #names = new Map(); // of taxa by id, as acts named them
  #elsewhereUntil = { undo: 0, redo: 0 };
  #offered = {}; // the next undo and redo of the whole project, as the server says
  #turn = Promise.resolve(); // undo and redo, one after the other
  #looking = null; // the page that comes of them
  #backTo = null; // marks of a page that comes back from the tray
  #telling = null;
  #waiting = null; // what is done once all that it is about was seen

  constructor(root, page, panel) {
    super();
    Object.assign(this, { root, page, panel, url: root.url });
    const { outbox, isNew } = outboxOf(root.dataset.project, root.dataset.account);
    Object.assign(this, { outbox, isNew });
    this.buttons = { undo: panel.button("undo"), redo: panel.button("redo") };
    this.steps = new Steps(page, root.dataset.batch, () => this.offer());
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

  offer(state = this.#offered) {
    this.#offered = state;
    const { undo, redo } = this.buttons;
    if (!undo) return;
    undo.disabled = false; // marks and pages of the tray are taken back too
    undo.title = "Takes back your last step in this batch";
    const isOwn = this.steps?.hasUndone || this.#isHere(state.redo);
    redo.disabled = !isOwn && !state.redo;
    redo.title = isOwn ? "Does again what you took back in this batch" : state.redo ? `Twice: ${state.redo.label}, ${count(state.redo.n, "object")}, elsewhere` : "";
  }

  #isHere(step) {
    return String(step?.batch_id) === this.root.dataset.batch;
  }

  get #ours() {
    return this.outbox.waiting.filter(({ path }) => path.startsWith(this.url));
  }

  // Once nothing of this batch is on its way any more.
  async settled() {
    while (this.#ours.length) await pause(SOON_MS);
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
    this.#did(this.page.state);
    this.#leaveForTray();
  }

  #leaveForTray() {
    this.#tellSeen();
    const url = `${this.page.url}/pass`;
    this.page.leave();
    const sent = this.outbox.add(url, {}, { bare: true });
    this.dispatchEvent(new Event("left"));
    return sent;
  }

  #did(state = null) {
    dropToast("marks");
    this.#offered = { ...this.#offered, redo: null };
    this.steps.push({ kind: "done", state });
  }

  // The last step in this batch; once nothing of it is left, and at a second press, the last act elsewhere.
  undo() {
    this.#inTurn(() => this.#undo());
  }

  // What was taken back last in this batch; with the same caution.
  redo() {
    this.#inTurn(() => this.#redo());
  }

  // A second press is for what shows once the first has its answer.
  #inTurn(turn) {
    this.#turn = this.#turn.then(async () => {
      const sent = await turn();
      while (sent && this.outbox.waiting.some(({ body }) => body.client_id === sent)) await pause(ANSWER_MS);
      await this.#looking;
    });
  }

  #undo() {
    const { page, steps } = this;
    const step = steps.takeDone();
    if (!step && this.#isSecond("undo")) return this.#send("undo");
    if (step?.kind === "marks") return this.#bringMarks(step, () => steps.undone({ kind: "marks", state: page.state }), "Marks as before");
    if (step?.kind === "aside") return this.#send(`${this.url}/aside/back`, { ids: step.ids, pile_id: step.pileId }, { bare: true });
    this.#backTo = step?.state ?? null;
    return this.#send(`${this.url}/back`, { page: page.page?.number ?? null });
  }

  // Marks of the page in hand go before what may close it.
  async #send(...what) {
    await this.page.kept.flush();
    return this.outbox.add(...what);
  }

  #redo() {
    const { page, steps } = this;
    const step = steps.takeUndone();
    const { redo } = this.#offered;
    if (step?.kind === "marks") return this.#bringMarks(step, () => steps.done({ kind: "marks", state: page.state }), "Marks done again");
    if (step?.kind === "pass") return page.isReady ? this.#passAgain() : steps.undone(step);
    if (step?.kind === "aside") return this.#setAsideAgain(step);
    if (this.#isHere(redo) || (redo && this.#isSecond("redo"))) return this.#send("redo");
    this.#tellNothing("do again", redo && `does ${redo.label}, ${count(redo.n, "object")}, again elsewhere`);
    if (redo) this.#elsewhereUntil.redo = Date.now() + TWICE_MS;
  }

  #isSecond(way) {
    const isSecond = Date.now() < this.#elsewhereUntil[way];
    this.#elsewhereUntil[way] = 0;
    return isSecond;
  }

  #tellNothing(word, elsewhere) {
    const key = word === "undo" ? "Ctrl+Z" : "Ctrl+Y";
    toast(`Nothing left to ${word} in this batch.${elsewhere ? ` ${key} again ${elsewhere}.` : ""}`, { key: "reversed" });
  }

  #bringMarks({ state }, keep, words) {
    keep();
    this.steps.quietly(() => this.page.bringBack(state));
    this.offer();
    const { marked, notThis } = this.page.marks.counts;
    toast(`${words}: ${thousands(marked)} marked${notThis ? `, ${thousands(notThis)} not this` : ""}.`, { key: "reversed" });
  }

  #passAgain() {
    const { page } = this;
    this.steps.done({ kind: "done", state: page.state });
    const sent = this.#leaveForTray();
    toast(`Page ${page.page.number} is in the tray again.`, { key: "reversed" });
    return sent;
  }

  #setAsideAgain({ ids, pileId }) {
    const tiles = this.page.selection.shown().filter((tile) => ids.includes(Number(tile.dataset.id)));
    this.outbox.add(`/api/v1/projects/${this.root.dataset.project}/piles/${pileId}/objects`, { ids }, { bare: true });
    const sent = this.outbox.add(`${this.url}/aside`, { ids }, { bare: true });
    this.steps.done({ kind: "aside", ids, pileId });
    this.#takeOff(tiles);
    toast(`${count(ids.length, "object")} on the pile again.`, { key: "reversed" });
    return sent;
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
      this.steps.undone({ kind: "pass" });
      toast(`Page ${back.page} is back from the tray.`, { key: "reversed" });
      return this.#lookAgain();
    }
    const { undo } = back.undo;
    if (undo) this.#elsewhereUntil.undo = Date.now() + TWICE_MS;
    this.#tellNothing("undo", undo && `takes back ${undo.label}, ${count(undo.n, "object")}, elsewhere`);
  }

  #tellSingle({ taxon_id: taxonId, status }, { changed }) {
    const name = this.#names.get(taxonId);
    if (changed.length && name) toast(`${count(changed.length, "object")} ${status === "D" ? "dubious" : "validated"} as ${name}.`, { key: "single" });
    clearTimeout(this.#telling);
    this.#telling = setTimeout(() => this.page.isReady && !this.#ours.length && this.page.tell((told) => this.panel.tell(told)), SOON_MS);
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
      this.steps.undone({ kind: "aside", ids: entry.body.ids, pileId: entry.body.pile_id });
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
    if (path === "redo") this.steps.done({ kind: "done", state: null });
    else this.steps.undone({ kind: "act" });
    this.#lookAgain();
  }

  // The page in hand is another one now.
  #lookAgain() {
    this.#looking = this.#look();
  }

  async #look() {
    if (this.#ours.length) return;
    if (this.page.isReady) await this.page.kept.flush();
    this.page.leave();
    this.page.load();
  }

  // The server refused it whole: the page comes back as it is there.
  #rejected({ entry, error }) {
    if (!entry.bare) toast(error.message, { kind: "bad", key: "refused" });
    if (!entry.path.startsWith(this.url)) return;
    if (["/apply", "/one", "/pass"].some((end) => entry.path.endsWith(end))) this.steps.forgetDone();
    this.#lookAgain();
  }
}

const pause = (ms) => new Promise((again) => setTimeout(again, ms));
