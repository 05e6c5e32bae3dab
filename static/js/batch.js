// The screen of a batch: plugs page, marks, line, keys, panel and acts together. Nothing else happens here.

import { openAudit } from "./audit_open.js";
import { Brush } from "./batch_brush.js";
import { Digits } from "./batch_digits.js";
import { Page } from "./batch_page.js";
import { BatchPanel } from "./batch_panel.js";
import { BatchActs } from "./batch_acts.js";
import { makeBatch } from "./batch_make.js";
import { wireCommands } from "./command_buttons.js";
import { Contrast } from "./contrast.js";
import { thousands } from "./html.js";
import { BATCH_KEYS, KEYS, batchCommandOf, fillList, fillStrip } from "./keys.js";
import { LargeView } from "./large_view.js";
import { NewTaxon } from "./new_taxon.js";
import { Pointed } from "./pointed.js";
import { postJson, putJson } from "./requests.js";
import { RubberBand } from "./rubber_band.js";
import { Selection } from "./selection.js";
import { watchSession } from "./session.js";
import { SetAside } from "./set_aside.js";
import { Slots } from "./slots.js";
import { toggleStack, withStack } from "./stacks.js";
import "./taxon_field.js";
import { markBrokenImages } from "./tile.js";
import { wireSizeWeight } from "./size_weight.js";
import { TileSize } from "./tile_size.js";
import { toast } from "./toasts.js";
import { belongsElsewhere } from "./typing.js";
import "./start.js";

const PICTURES = ".picture > img";
const OF_THE_BOARD = new Set(["Ctrl Z", "Ctrl ⇧ Z", "Alt", ",", ";", "-", "?", "←", "⇧ arrows", "⇧ click", "drag", "click", "double click"]);
const NOTHING = "Nothing is marked, and no tile is under the pointer or the cursor.";
const MIXED = "What stands together is marked alike: mark all of it, or nothing, and it closes.";
const ANYBODYS = new Set(["step", "open", "clear", "contrast", "invert", "smaller", "larger", "help", "takeOver", "stack"]);

class Batch extends HTMLElement {
  connectedCallback() {
    queueMicrotask(() => this.#begin());
  }

  #begin() {
    this.url = `/api/v1/projects/${this.dataset.project}/batches/${this.dataset.batch}`;
    this.list = this.querySelector("#tiles");
    this.canWork = this.dataset.canWork === "yes";
    this.field = this.querySelector("#label");
    this.selection = new Selection(this.list);
    this.pointed = new Pointed(this.list, this.selection);
    this.size = new TileSize(this, this.list);
    this.page = new Page(this, { size: this.size });
    const { marks, line } = this.page;
    this.contrast = new Contrast(this, this.dataset.account && this.dataset.project, { scroller: this.list, pictures: PICTURES });
    this.panel = new BatchPanel(this, { marks, line, field: this.field });
    new RubberBand(this.list, this.selection);
    new LargeView(this, this.pointed, this.contrast, { besides: true, facts: !("hidden" in this.dataset) });
    markBrokenImages(this);
    this.#wirePage();
    if (this.canWork) this.#wireActs();
    else this.page.load();
    this.#wirePointer();
    this.#wireKeys();
    this.#wireSendBack();
    watchSession(this.dataset.account);
    this.list.focus({ preventScroll: true });
  }

  #wirePage() {
    this.page.addEventListener("shown", ({ detail }) => {
      this.panel.show(detail.told, detail.page);
      this.contrast.look();
      this.acts?.offer(detail.page.undo);
      if (this.field?.empty) this.field.hold(this.#target);
      if (this.brush?.isOn && !this.selection.shown().length) this.brush.isOn = false;
      this.panel.update();
    });
  }

  // What the batch expects its objects to be; null: each act is named anew.
  get #target() {
    const { taxonId, taxon, italic } = this.dataset;
    return taxonId ? { id: Number(taxonId), display_name: taxon, italic: italic !== undefined } : null;
  }

  #wireActs() {
    this.acts = new BatchActs(this, this.page, this.panel);
    this.acts.addEventListener("left", () => {
      this.field.hold(this.#target);
      this.digits.forget();
    });
    this.brush = new Brush(this, this.list, {
      taxon: () => this.#brushTaxon(),
      paint: (tiles, taxon) => this.acts.single(tiles, taxon, "V"),
      changed: (on) => this.#sayBrush(on),
    });
    this.panel.digits = this.digits = new Digits(this, { pointed: this.pointed, marks: this.page.marks, isBrushing: () => this.brush.isOn });
    this.slots = new Slots(this.dataset, (digit, status) => (this.brush.isOn ? this.#dip(digit) : this.#applySlot(digit, status)));
    this.field.addEventListener("taxon", () => (this.dipped = null));
    this.field.addEventListener("apply", (event) => this.#apply(event.detail.shift ? "D" : "V"));
    new NewTaxon(this.field, this.dataset.project, {
      nSelected: () => this.selection.size,
      label: (status) => this.#apply(status),
    });
    this.acts.begin();
  }

  // Enter, or a name: waits until what is marked was seen, and goes on with the next page; after the last, with what
  // would bring most now.
  async #apply(status) {
    if (!this.page.isReady) return this.querySelector("#ended:not([hidden]) [data-next]")?.click();
    const { marked, notThis } = this.page.marks.counts;
    if (!marked && !notThis) return toast("Nothing is marked. Mark what the label is for, or turn the page with \\.", { key: "marks" });
    const { field } = this;
    const text = field.empty ? "" : field.text;
    if (text && !field.taxon && !(await field.resolve(status))) return;
    if (!text && this.page.marks.marked.some((tile) => tile.dataset.status === "U")) return this.#nameFirst();
    this.list.focus({ preventScroll: true });
    const taxon = text ? field.taxon : null; // another name may be typed until all is seen
    this.acts.whenSeen(() => this.acts.apply(taxon, status));
  }

  #nameFirst() {
    toast("Name the taxon of what is marked first.", { kind: "warn", key: "marks", stays: false });
    this.field.focus();
  }

  #applySlot(digit, status) {
    const taxon = this.slots.taxon(digit);
    if (!taxon) return this.slots.tellEmpty(digit);
    if (!this.page.isReady) return;
    if (!this.page.marks.counts.marked) return toast(NOTHING, { key: "marks" });
    this.acts.whenSeen(() => this.acts.apply(taxon, status));
  }

  #slot(digit, status) {
    const { kind, tile } = this.digits.meant;
    if (kind === "brush") return this.#dip(digit);
    if (kind === "marked") return this.#applySlot(digit, status);
    if (kind === "nothing") return this.#tellNothing();
    const taxon = this.slots.taxon(digit);
    if (taxon) this.#labelOne(tile, taxon, status);
    else this.slots.tellEmpty(digit);
  }

  #labelOne(tile, taxon, status) {
    if (!this.page.isReady) return;
    this.digits.labels(tile);
    this.acts.single(withStack(tile), taxon, status);
    this.selection.keepPlace();
    this.digits.say();
  }

  // The marked wait for a gesture of their own.
  #tellNothing() {
    const { marked } = this.page.marks.counts;
    toast(marked ? `No tile is under the pointer or the cursor. Esc, then a digit labels the ${thousands(marked)} marked.` : NOTHING, { key: "marks" });
  }

  // The brush, into the slot of a digit.
  #dip(digit) {
    const taxon = this.slots.taxon(digit);
    if (!taxon) return this.slots.tellEmpty(digit);
    this.dipped = taxon;
    this.#sayBrush(true);
  }

  #brushTaxon() {
    return this.dipped ?? this.field.taxon ?? this.slots.taxon([..."123456789"].find((digit) => this.slots.taxon(digit)) ?? "1");
  }

  #sayBrush(on) {
    this.panel.button("brush").setAttribute("aria-pressed", String(on));
    this.digits?.say();
    if (!on) return void (this.dipped = null);
    const taxon = this.#brushTaxon();
    if (taxon) toast(`The brush paints ${taxon.display_name}: drag over tiles, or move the cursor off them.`, { key: "brush" });
    else {
      this.brush.isOn = false;
      toast("The brush has no label: name a taxon, or fill the slot 1.", { kind: "warn", key: "brush", stays: false });
    }
  }

  #notThis() {
    const { tile } = this.pointed;
    if (tile) this.page.marks.toggleNotThis(tile);
    else toast("Point at a tile, or move the cursor to one: it is marked as not this.", { key: "marks" });
  }

  // What is marked; with nothing marked, the tile under the pointer or the cursor.
  #setAside() {
    if (!this.page.isReady) return;
    const { marked } = this.page.marks;
    const tiles = marked.length ? marked : [this.pointed.tile].filter(Boolean).flatMap(withStack);
    if (!tiles.length) return toast("Mark what you want to set aside first.", { key: "marks" });
    this.aside ??= new SetAside(this.dataset.project, (ids, pile) => this.#leftAside(ids, pile));
    this.aside.open(tiles.map((tile) => Number(tile.dataset.id)));
  }

  async #leftAside(ids, pile) {
    const gone = new Set(ids.map(String));
    const tiles = this.selection.shown().filter((tile) => gone.has(tile.dataset.id));
    await this.page.kept.flush();
    if (tiles.length && this.page.isReady) this.acts.setAside(tiles, pile?.id);
  }

  #openStack() {
    const { tile } = this.pointed;
    if (toggleStack(tile)) return this.selection.moveCursor(tile);
    const words = tile?.closest(".stacked.open") ? MIXED : "Point at a stack of near-duplicates, or move the cursor to one: it opens, and closes again.";
    toast(words, { key: "marks" });
  }

  // With the brush, what the cursor leaves is painted.
  #step(direction, extend) {
    const left = this.selection.cursor;
    this.pointed.useCursor();
    if (this.brush?.isOn && left) {
      const taxon = this.#brushTaxon();
      this.selection.step(direction);
      if (taxon) this.acts.single(withStack(left), taxon, "V");
    } else this.selection.step(direction, { extend: extend && this.canWork });
    this.digits?.say();
  }

  #clear() {
    if (this.brush?.isOn) this.brush.isOn = false;
    else this.selection.leaveCursor();
    this.pointed.useCursor();
    this.digits?.say();
  }

  // What nobody saw of this batch is accepted as the named taxon, once a random sample of it was judged.
  #audit() {
    const taxonId = this.field.taxon?.id ?? this.#target?.id;
    if (!taxonId) {
      toast("Name the taxon first that the rest of this batch is to be accepted as.", { kind: "warn" });
      return this.field.focus();
    }
    openAudit(this.dataset.project, { source: "batch", source_id: Number(this.dataset.batch), taxon_id: taxonId });
  }

  async #like() {
    const ids = (tiles) => tiles.map((tile) => Number(tile.dataset.id));
    const { marked, notThis } = this.page.marks;
    if (!marked.length) return toast("Mark one or several examples first.", { key: "marks" });
    await this.page.kept.flush();
    makeBatch(this.dataset.project, { kind: "examples", ids: ids(marked), not_ids: ids(notThis) }, { taxonId: this.#target?.id });
  }

  async #openTray() {
    await this.acts.settled();
    await this.page.kept.flush();
    this.#ask(async () => {
      const made = await postJson(`${this.url}/tray`, { order: this.querySelector("#batch-order").value });
      location.assign(`/projects/${this.dataset.project}/batches/${made.id}`);
    });
  }

  // `more`: {size_weight}, where sizes are to count otherwise.
  #reorder(order, more = {}) {
    this.#ask(async () => {
      await this.acts.settled();
      this.page.leave();
      await putJson(`${this.url}/order`, { order, ...more });
      await this.page.load();
      this.list.focus({ preventScroll: true });
    });
  }

  async #ask(question) {
    try {
      await question();
    } catch (error) {
      toast(error.message, { kind: "warn", key: "batch" });
      if (!this.page.isReady) this.page.load();
    }
  }

  async #takeOver() {
    this.#ask(async () => {
      await postJson(`${this.url}/take-over`, {});
      location.reload();
    });
  }

  run(meant) {
    const { command, direction, extend, digit, status, by, way, place } = meant;
    if (!this.canWork && !ANYBODYS.has(command)) return;
    this.acts?.forgetWaiting();
    this.digits?.heard(command);
    const { selection } = this;
    const { marks, line } = this.page;
    const commands = {
      step: () => this.#step(direction, extend),
      toggle: () => selection.cursor && selection.toggle(selection.cursor),
      all: () => marks.all(),
      open: () => selection.cursor && openPage(selection.cursor),
      clear: () => this.#clear(),
      slot: () => this.#slot(digit, status),
      apply: () => this.#apply("V"),
      applyDubious: () => this.#apply("D"),
      notThis: () => this.#notThis(),
      restNotThis: () => marks.restNotThis(),
      markedFirst: () => this.page.isReady && (this.page.markedFirst(), this.acts.steps.changed()),
      aside: () => this.#setAside(),
      invertMarks: () => marks.invert(),
      line: () => line.move(by, Number(way)),
      stack: () => this.#openStack(),
      propose: () => this.panel.take(place),
      brush: () => (this.brush.isOn = !this.brush.isOn && selection.shown().length > 0),
      pass: () => this.page.isReady && this.acts.pass(),
      tray: () => this.#openTray(),
      sendBack: () => document.getElementById("send-back-why")?.focus(),
      like: () => this.#like(),
      audit: () => this.#audit(),
      undo: () => this.acts.undo(),
      redo: () => this.acts.redo(),
      name: () => this.field.focus(),
      field: () => this.field.focus(),
      contrast: () => this.contrast.toggle("contrast"),
      invert: () => this.contrast.toggle("invert"),
      smaller: () => this.size.step(-1),
      larger: () => this.size.step(1),
      help: () => document.getElementById("keys").togglePopover(),
      takeOver: () => this.#takeOver(),
    };
    commands[command]?.();
  }

  #wirePointer() {
    this.list.addEventListener("click", (event) => {
      const sign = event.target.closest(".stack-n");
      if (sign) {
        const tile = sign.parentElement.querySelector(".tile:not([hidden])");
        return toggleStack(tile) || toast(MIXED, { key: "marks" });
      }
      const tile = event.target.closest(".tile");
      if (!tile || !this.canWork) return;
      this.acts.forgetWaiting();
      if (event.ctrlKey || event.metaKey) this.page.marks.toggleNotThis(tile);
      else if (event.shiftKey) this.selection.rangeTo(tile);
      else this.selection.toggle(tile);
    });
    this.list.addEventListener("dblclick", (event) => {
      const tile = event.target.closest(".tile");
      if (tile) openPage(tile);
    });
    for (const name of ["pointerover", "pointerleave"]) this.list.addEventListener(name, () => this.digits?.say());
    const order = this.querySelector("#batch-order");
    order.addEventListener("change", () => this.#reorder(order.value));
    wireSizeWeight(this, (weight) => this.#reorder(order.value, { size_weight: weight }));
    for (const box of this.querySelectorAll(".commands, .middle > .notice, #left, .below")) wireCommands(box, (meant) => this.run(meant));
  }

  #wireSendBack() {
    document.getElementById("send-back")?.addEventListener("sent-back", ({ detail }) => this.#leftAside(detail));
  }

  #wireKeys() {
    const others = KEYS.filter(({ keys }) => OF_THE_BOARD.has(keys[0]));
    const usable = [...BATCH_KEYS, ...others].filter(({ labels }) => this.canWork || !labels);
    fillStrip(this.querySelector("#strip"), usable);
    fillList(document.getElementById("keys"), usable);
    document.addEventListener("keydown", (event) => this.#key(event));
  }

  #key(event) {
    const meant = batchCommandOf(event);
    if (!meant || belongsElsewhere(event, meant.command)) return;
    // The letter itself goes into the field that now has the focus.
    if (meant.command !== "name") event.preventDefault();
    if (!event.repeat || meant.command === "step" || meant.command === "line") this.run(meant);
  }
}

const openPage = (tile) => window.open(tile.dataset.page, "_blank", "noopener");

customElements.define("shoal-batch", Batch);
