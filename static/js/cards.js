// The page of cards: selection, keys, panel, and what is done to cards.

import { picturesOf } from "./atlas.js";
import { openAudit } from "./audit_open.js";
import { makeBatch } from "./batch_make.js";
import { CARD_KEYS, cardCommandOf } from "./cards_keys.js";
import { Inside } from "./cards_inside.js";
import { CardsPanel } from "./cards_panel.js";
import { SeenCells } from "./cards_seen.js";
import { CardsTree } from "./cards_tree.js";
import { count, element, parseFragment, thousands } from "./html.js";
import { showOwnKeys } from "./key_map.js";
import { fillList, fillStrip } from "./keys.js";
import { NewTaxon } from "./new_taxon.js";
import { newId } from "./outbox.js";
import { whileShown } from "./page_life.js";
import { tellRefused } from "./refused.js";
import { getHtml, getJson, postJson } from "./requests.js";
import { RubberBand } from "./rubber_band.js";
import { Sections } from "./sections.js";
import { Selection } from "./selection.js";
import { watchSession } from "./session.js";
import { SetAside } from "./set_aside.js";
import { Slots } from "./slots.js";
import { AWAY } from "./taxon_field.js";
import { markBrokenImages } from "./tile.js";
import { toast } from "./toasts.js";
import { belongsElsewhere } from "./typing.js";
import "./start.js";

class Cards extends HTMLElement {
  auditNext = false; // the next name is one to accept the cards as
  #busy = false;
  #mayTurn = (way) => (this.querySelector(`.commands [data-command=${way}]`).disabled = false);

  connectedCallback() {
    queueMicrotask(() => this.#begin());
  }

  #begin() {
    const { project, run } = this.dataset;
    this.api = `/api/v1/projects/${project}/clusters`;
    this.canLabel = this.dataset.canLabel === "yes";
    this.list = this.querySelector("#tiles");
    this.field = this.querySelector("#label");
    this.selection = new Selection(this.list);
    this.inside = new Inside(this.querySelector("#members"), { project, run });
    this.seen = new SeenCells([this.list, this.inside.root]);
    new Sections(this.list, { loading: this.querySelector(".loading"), failed: this.querySelector(".below > .failed") });
    const band = new RubberBand(this.list, this.selection, { leavesSelected: this.canLabel });
    if (this.canLabel) this.#wireNaming();
    const { selection, inside, field } = this;
    selection.addEventListener("change", () => (this.auditNext = false));
    markBrokenImages(this);
    this.panel = new CardsPanel(this, { selection, inside, field, meant: () => this.meant });
    this.tree = new CardsTree(this, {
      list: this.list, selection, band, canLabel: this.canLabel,
      name: (cards, taxon, status) => this.#name(taxon, status, cards),
      take: (taxon) => this.panel.put(taxon),
    });
    watchSession(this.dataset.account);
    this.#wirePointer();
    this.#wireKeys();
    this.#wireTools();
  }

  #wireNaming() {
    this.slots = new Slots(this.dataset, (digit, status) => this.#slot(digit, status));
    this.field.addEventListener("apply", (event) => this.#nameByField(event.detail.shift ? "D" : "V"));
    new NewTaxon(this.field, this.dataset.project, {
      nSelected: () => this.meant.length,
      label: (status) => this.#nameByField(status),
      noun: "card",
    });
  }

  // The selected cards, or the one under the cursor.
  get meant() {
    return this.selection.size ? this.selection.tiles : [this.selection.cursor].filter(Boolean);
  }

  get meantIds() {
    return this.meant.map(idOf);
  }

  run({ command, direction, extend, digit, status, place }) {
    const key = CARD_KEYS.find((one) => one.command === command);
    if (key?.labels && !this.canLabel) return;
    const { selection } = this;
    const commands = {
      step: () => {
        selection.step(direction, { extend });
        this.panel.tell();
      },
      toggle: () => selection.cursor && selection.toggle(selection.cursor),
      all: () => selection.all(),
      clear: () => (this.inside.card ? this.#leaveInside() : selection.clear()),
      open: () => (this.panel.isNamed ? this.#nameByField("V") : this.#openBatch()),
      grow: () => this.#openBatch({ beyond: true }),
      name: () => this.field.focus(),
      find: () => this.tree.find(),
      slot: () => this.#slot(digit, status),
      propose: () => this.panel.take(place),
      split: () => this.#split(),
      merge: () => this.#merge(),
      audit: () => this.#audit(),
      aside: () => this.#setAside(),
      members: () => this.#lookInside(),
      sendOut: () => this.#sendOut(),
      undo: () => this.#turn("undo"),
      redo: () => this.#turn("redo"),
      again: () => this.#ask(),
      help: () => document.getElementById("keys").togglePopover(),
    };
    commands[command]();
  }

  #some(n = 1) {
    if (this.meant.length >= n) return true;
    toast(n > 1 ? "Select two cards or more first." : "Select a card first.", { key: "cards" });
    return false;
  }

  // One thing at a time: a second press while the first is on its way would be meant for what is not there yet.
  async #inTurn(work) {
    if (this.#busy) return;
    this.#busy = true;
    this.setAttribute("aria-busy", "true");
    try {
      await work();
    } catch (error) {
      toast(error.message, { kind: "warn", key: "cards" });
    } finally {
      this.#busy = false;
      this.removeAttribute("aria-busy");
    }
  }

  #openBatch({ beyond = false, taxonId = null, cards = this.meant } = {}) {
    if (!cards.length) return this.#some();
    const source = { kind: "cluster", cluster_ids: cards.map(idOf), ...(beyond && { beyond }) };
    makeBatch(this.dataset.project, source, { taxonId, order: beyond ? "alike" : "neighbours" });
  }

  // What the cards are to be accepted as is the named taxon, or the first proposal.
  #audit() {
    if (!this.#some()) return;
    const cards = this.meantIds;
    this.#inTurn(async () => {
      const named = this.field.empty ? null : await this.field.resolve();
      const taxonId = named?.id ?? (this.field.empty ? this.panel.proposed[0]?.taxon_id : null);
      if (!taxonId) {
        this.auditNext = true;
        if (!this.field.empty) return; // what is wrong with the name is said, or a taxon of it is offered
        this.field.focus();
        return toast("Name the taxon that the cards are to be accepted as: Enter draws the sample.", { key: "cards" });
      }
      const query = { kind: "cluster", cluster_ids: cards };
      await openAudit(this.dataset.project, { source: "found", source_id: 0, query, taxon_id: taxonId, status: "V" });
    });
  }

  #setAside() {
    if (!this.#some()) return;
    this.#inTurn(async () => {
      const told = await Promise.all(this.meantIds.map((card) => getJson(`${this.api}/${card}`)));
      this.aside ??= new SetAside(this.dataset.project, () => this.selection.clear());
      this.aside.open(told.flatMap(({ ids }) => ids));
    });
  }

  #split() {
    if (!this.#some()) return;
    const parts = Number(this.querySelector("#parts").value);
    this.#step({ kind: "split", cards: this.meantIds, parts });
  }

  #merge() {
    if (this.#some(2)) this.#step({ kind: "merge", cards: this.meantIds });
  }

  #sendOut() {
    const objects = this.inside.chosen;
    if (!objects.length) return toast("Look inside a card and select what shall leave it.", { key: "cards" });
    this.#step({ kind: "send_out", cards: [this.inside.card], objects });
  }

  #step(step) {
    this.#inTurn(async () => {
      const done = await postJson(`${this.api}/steps?run=${this.dataset.run}`, { client_id: newId(), ...step });
      this.#mayTurn("undo");
      if (step.kind === "join") return location.reload();
      await this.#replace(done, step.kind === "send_out" ? done.added.slice(0, 1) : done.added);
      toast(`${done.says} ${count(done.added.length, "card")} in the place of ${thousands(done.removed.length)}.`, { key: "cards" });
    });
  }

  #turn(way) {
    this.#inTurn(async () => {
      const turned = await postJson(`${this.api}/${way}?run=${this.dataset.run}`, { client_id: newId() });
      this.#mayTurn(way === "undo" ? "redo" : "undo");
      const isHere = turned.removed.some((card) => cardOf(card));
      // Objects whose label changed stand in cards that may not be on the page.
      if (turned.objects.length || !isHere) return this.#reload(turned.says);
      await this.#replace(turned);
      toast(turned.says, { key: "cards" });
    });
  }

  #reload(says) {
    sessionStorage.setItem("shoal.cards.says", says);
    location.reload();
  }

  // Cards that took others' place stand where the first of these stood. The next name is for the one of `kept`, those
  // that go on in their place; where these are several, as after a split, nobody has chosen one: the cursor stands on the
  // first, and none is selected.
  async #replace({ removed, added }, kept = added) {
    this.inside.close();
    const places = removed.map(cardOf).filter(Boolean);
    const here = element("span");
    places[0]?.before(here);
    this.selection.drop(places);
    for (const card of places) card.remove();
    const cards = await this.#fetch(added);
    if (here.isConnected) here.replaceWith(...cards);
    else this.list.prepend(element("section", { className: "tiles cards" }, ...cards));
    addTo("n-total", cards.length - places.length);
    const next = kept.map(cardOf).filter(Boolean);
    this.selection.replace(next.length === 1 ? next : []);
    if (cards.length) this.selection.moveCursor(next[0] ?? cards[0], { scroll: true });
    this.panel.tell();
    this.list.focus({ preventScroll: true });
  }

  async #fetch(ids) {
    if (!ids.length) return [];
    const { project, run } = this.dataset;
    const html = await getHtml(`/projects/${project}/clusters/cards?run=${run}&ids=${ids.join(",")}`);
    const section = document.adoptNode(parseFragment(html).querySelector(".tiles"));
    const images = [...section.querySelectorAll("img")];
    if (section.dataset.atlas) {
      const pictures = await picturesOf(section.dataset.atlas, whileShown());
      images.forEach((image, k) => (image.src = pictures[k]));
    }
    return [...section.querySelectorAll(".tile")];
  }

  #lookInside() {
    const card = this.selection.cursor ?? this.meant[0];
    if (this.inside.card && this.inside.card === (card && idOf(card))) return this.#leaveInside();
    if (card) this.inside.open(idOf(card));
    else this.#some();
  }

  #leaveInside() {
    this.inside.close();
    this.list.focus({ preventScroll: true });
  }

  #slot(digit, status) {
    const taxon = this.slots.taxon(digit);
    if (taxon) this.#name(taxon, status);
    else this.slots.tellEmpty(digit);
  }

  async #nameByField(status) {
    if (this.field.empty) return;
    if (this.auditNext) return this.#audit();
    const { text, taxon } = this.field.take();
    const found = await taxon;
    this.list.focus({ preventScroll: true });
    if (found) return this.#name(found, status);
    if (this.field.empty) this.field.text = text; // so that nothing is lost
    if (found === null) toast(AWAY, { kind: "warn", key: "taxa" });
    else this.field.offerToCreate(status);
  }

  // What was seen whole is labelled at once; what was not is a batch's work.
  #name(taxon, status, cards = this.meant) {
    if (!cards.length) return this.#some();
    this.#inTurn(async () => {
      const word = { client_id: newId(), cards: cards.map(idOf), taxon_id: taxon.id, status, seen: this.seen.ids };
      try {
        await this.#named(cards, await postJson(`${this.api}/name`, word), word, taxon);
      } catch (error) {
        if (!error.told?.n_unseen) throw error;
        this.#openBatch({ taxonId: taxon.id, cards });
      }
    });
  }

  async #named(cards, { changed, refused }, { status }, taxon) {
    toast(`${count(changed.length, "object")} ${status === "D" ? "dubious" : "validated"} as ${taxon.display_name}.`, { key: "cards" });
    if (refused.length) tellRefused(refused, this.dataset.account);
    this.#mayTurn("undo");
    this.tree.refresh();
    document.body.dispatchEvent(new Event("cardsNamed"));
    this.inside.close();
    this.selection.drop(cards);
    const left = new Map((await this.#fetch(cards.map(idOf))).map((card) => [idOf(card), card]));
    addTo("n-left", objectsOf([...left.values()]) - objectsOf(cards));
    const { cursor } = this.selection;
    for (const card of cards) {
      const now = left.get(idOf(card));
      if (now) card.replaceWith(now);
      else card.hidden = true;
      if (now && card === cursor) this.selection.moveCursor(now);
    }
    addTo("n-total", left.size - cards.length);
    this.selection.keepPlace();
    this.panel.tell();
  }

  // What the filter keeps now is cut anew.
  #ask() {
    this.#inTurn(async () => {
      const bySize = this.querySelector("#by-size:checked");
      await postJson(this.api, { query: this.dataset.query, ...(bySize && { size_weight: Number(bySize.value) }) });
      location.assign(`/projects/${this.dataset.project}/clusters`);
    });
  }

  #wirePointer() {
    this.list.addEventListener("click", (event) => {
      const card = event.target.closest(".tile");
      if (!card) return;
      if (event.shiftKey) this.selection.rangeTo(card);
      else this.selection.toggle(card);
    });
    this.list.addEventListener("dblclick", (event) => {
      const card = event.target.closest(".tile");
      if (!card || !this.canLabel) return;
      this.selection.only(card);
      this.#openBatch();
    });
    const commands = this.querySelector(".commands");
    showOwnKeys(this);
    commands.addEventListener("pointerdown", (event) => event.target.closest("button") && event.preventDefault());
    this.addEventListener("click", (event) => {
      const button = event.target.closest("[data-command]");
      if (button && !button.disabled) this.run({ command: button.dataset.command });
      const cancel = event.target.closest("[data-cancel]");
      if (cancel) this.#inTurn(() => postJson(`/api/v1/jobs/${cancel.dataset.cancel}/cancel`, {}));
    });
  }

  #wireKeys() {
    const usable = CARD_KEYS.filter(({ labels }) => this.canLabel || !labels);
    fillStrip(this.querySelector("#strip"), usable);
    fillList(document.getElementById("keys"), usable);
    document.addEventListener("keydown", (event) => this.#key(event), { signal: whileShown() });
  }

  #key(event) {
    const meant = cardCommandOf(event);
    if (!meant || belongsElsewhere(event, meant.command)) return;
    const pressed = ["open", "toggle", "members"].includes(meant.command) && event.target.closest("button:not(.cell), a, summary");
    if (pressed) return;
    if (!meant.typed) event.preventDefault();
    if (!event.repeat || meant.command === "step") this.run(meant);
  }

  #wireTools() {
    const go = (name, value) => {
      const query = new URLSearchParams(location.search);
      query.set(name, value);
      location.search = query;
    };
    this.querySelector("#card-order")?.addEventListener("change", ({ target }) => go("order", target.value));
    this.querySelector("#card-run")?.addEventListener("change", ({ target }) => go("run", target.value));
    this.querySelector("#n-cards")?.addEventListener("change", ({ target }) => {
      if (target.value) this.#step({ kind: "join", n_cards: Number(target.value) });
    });
    // The first cards show by themselves; what changes under one's hands is only told.
    document.addEventListener("htmx:after:swap", () => {
      const progress = document.getElementById("cards-progress");
      const isReady = progress && !progress.dataset.active && !this.list.querySelector(".tile");
      if (isReady && progress.dataset.revision !== this.dataset.revision) location.reload();
    }, { signal: whileShown() });
    const says = sessionStorage.getItem("shoal.cards.says");
    sessionStorage.removeItem("shoal.cards.says");
    if (says) toast(says, { key: "cards" });
  }
}

const idOf = (card) => Number(card.dataset.id);

const cardOf = (id) => document.getElementById(`c${id}`);

const objectsOf = (cards) => cards.reduce((sum, card) => sum + Number(card.dataset.n), 0);

const addTo = (id, by) => {
  const place = document.getElementById(id);
  if (place) place.textContent = thousands(Number(place.textContent.replace(/\D/g, "")) + by);
};

customElements.define("shoal-cards", Cards);
