// The board: plugs selection, keys, panel, tree, endless scroll and acts together. Nothing else happens here.

import { Acts } from "./acts.js";
import { batchOfShown } from "./batch_make.js";
import { wireCommands } from "./command_buttons.js";
import { Comments } from "./comments.js";
import { Contrast } from "./contrast.js";
import { wireDivider } from "./divider.js";
import { DragToTaxon } from "./drag.js";
import { Filter, wireFilterControls } from "./filter.js";
import { count } from "./html.js";
import { wireInPlace } from "./in_place.js";
import { KEYS, commandOf, fillList, fillStrip } from "./keys.js";
import { LargeView } from "./large_view.js";
import { NewTaxon } from "./new_taxon.js";
import { forgetFacts } from "./object_facts.js";
import { outboxOf } from "./outbox.js";
import { whileShown } from "./page_life.js";
import { Panel } from "./panel.js";
import { Pointed } from "./pointed.js";
import { wireQueryImage } from "./query_image.js";
import { getJson } from "./requests.js";
import { Returned } from "./returned.js";
import { RubberBand } from "./rubber_band.js";
import { Sections } from "./sections.js";
import { Selection } from "./selection.js";
import { watchSession } from "./session.js";
import { SetAside } from "./set_aside.js";
import { Slots } from "./slots.js";
import { AWAY } from "./taxon_field.js";
import { toast } from "./toasts.js";
import { markBrokenImages, signAside } from "./tile.js";
import { Tree } from "./tree.js";
import { belongsElsewhere } from "./typing.js";
import { changeSize } from "./view.js";

const LABELLING = new Set(KEYS.filter((key) => key.labels).map((key) => key.command));
const MOST_EXAMPLES = 100; // as many ids as an address can hold with ease
const PICTURES = ".picture > img, .large img";

class Board extends HTMLElement {
  turn = Promise.resolve();
  inHand = 0; // acts whose taxon is still looked up, and which the outbox does not hold yet

  // Fields within it are made after it where it takes another board's place.
  connectedCallback() {
    queueMicrotask(() => this.#begin());
  }

  #begin() {
    wireDivider(this);
    this.list = this.querySelector("#tiles");
    this.canLabel = this.dataset.canLabel === "yes";
    this.field = this.querySelector("#label");
    this.selection = new Selection(this.list);
    this.pointed = new Pointed(this.list, this.selection);
    this.tree = new Tree(this.querySelector("#tree"), this.dataset.project);
    this.filter = new Filter(this.tree, this.dataset.account);
    this.sections = new Sections(this.list, {
      loading: this.querySelector(".loading"),
      failed: this.querySelector(".failed"),
    });
    // Who is not logged in has nothing kept: what they choose holds until they leave.
    this.contrast = new Contrast(this, this.dataset.account && this.dataset.project, { scroller: this.list, pictures: PICTURES });
    this.panel = new Panel(this, this.selection, this.field, this.contrast);
    this.band = new RubberBand(this.list, this.selection, { leavesSelected: this.canLabel });
    if (this.canLabel) this.#wireActs();
    new LargeView(this, this.pointed, this.contrast);
    this.#wireSession();
    markBrokenImages(this);
    wireFilterControls(this.filter);
    wireQueryImage(this, this.filter);
    wireInPlace(this.list);
    this.#wirePointer();
    this.#wireKeys();
    this.#wireTree();
  }

  #wireActs() {
    const { outbox, isNew } = outboxOf(this.dataset.project, this.dataset.account);
    this.outbox = outbox;
    this.acts = new Acts({
      outbox: this.outbox,
      filter: this.filter,
      undoButton: this.panel.button("undo"),
      redoButton: this.panel.button("redo"),
      who: this.dataset,
    });
    this.returned = new Returned(this, this.sections);
    this.comments = new Comments(this.outbox);
    this.slots = new Slots(this.dataset, (digit, status) => this.#slot(digit, status));
    new DragToTaxon(this.list, this.selection, this.tree, {
      drop: (tiles, taxon, status) => this.#labelAs(tiles, taxon, status),
      opened: (on) => {
        if (on) this.hadTree = this.classList.contains("tree-open");
        this.#showTree(on || this.hadTree);
      },
      taken: () => this.band.cancel(),
    });
    // Said by the menu of a taxon in the tree.
    this.addEventListener("shoal:label-as", ({ detail }) => this.#labelAs(this.selection.tiles, detail, "V"));
    // What an act named for the first time here stands in the tree only now.
    this.tree.root.addEventListener("shoal:counted", () => this.acts.lookAgain());
    this.acts.addEventListener("done", ({ detail }) => this.#afterAct(detail));
    addEventListener("beforeunload", (event) => this.inHand && event.preventDefault(), { signal: whileShown() });
    this.field.addEventListener("apply", (event) => this.#label(event.detail.shift ? "D" : "V"));
    new NewTaxon(this.field, this.dataset.project, {
      nSelected: () => this.selection.size,
      label: (status) => this.#label(status),
    });
    const left = this.outbox.waiting.length;
    if (left && isNew) toast(`${count(left, "act")} kept from before: sent now.`);
    this.outbox.flush();
  }

  #wireSession() {
    watchSession(this.dataset.account);
    const back = () => {
      const failed = this.querySelector(".failed");
      if (!failed.hidden) failed.querySelector("button").click();
      this.tree.refresh();
    };
    addEventListener("shoal:session-back", back, { signal: whileShown() });
  }

  async #afterAct({ path, outcome }) {
    forgetFacts();
    this.selection.drop(this.selection.tiles.filter((tile) => tile.hidden));
    this.selection.keepPlace();
    this.tree.refresh();
    this.sections.check();
    if (path === "acts") this.returned.tidy();
    else await this.returned.show(path, outcome);
  }

  // The name may still be looked up: the next selection and the next name need not wait for it.
  #label(status) {
    const tiles = this.selection.tiles;
    if (!tiles.length) return toast("Nothing is selected.");
    const named = this.field.empty ? null : this.field.take();
    this.selection.clear();
    this.list.focus({ preventScroll: true });
    for (const tile of tiles) tile.classList.add("sending");
    this.#inTurn(async () => {
      const taxon = await named?.taxon;
      for (const tile of tiles) tile.classList.remove("sending");
      if (named && !taxon) return this.#unnamed(tiles, named.text, status, taxon);
      const kind = taxon ? "label" : status === "D" ? "doubt" : "confirm";
      this.#nameFirst(this.acts.say(tiles, { kind, taxon, status }));
    });
  }

  // What could not be confirmed stays selected, with the way to name it; unless something else is in hand by now.
  #nameFirst(tiles) {
    if (!tiles.length || this.selection.size || !this.field.empty) return;
    this.selection.replace(tiles);
    this.field.focus();
  }

  #labelAs(tiles, taxon, status) {
    this.selection.drop(tiles);
    this.list.focus({ preventScroll: true });
    this.#inTurn(() => this.acts.say(tiles, { kind: "label", taxon, status }));
  }

  #slot(digit, status) {
    const taxon = this.slots.taxon(digit);
    if (!taxon) return this.slots.tellEmpty(digit);
    if (this.selection.size) return this.#labelAs(this.selection.tiles, taxon, status);
    const { tile } = this.pointed;
    if (!tile) return toast("Nothing is selected, and no tile is under the pointer or the cursor.", { key: "slot" });
    this.#labelAs([tile], taxon, status);
    this.pointed.useCursor();
    this.selection.moveOn(tile);
  }

  // Acts leave in the order in which they were meant.
  #inTurn(act) {
    this.inHand += 1;
    this.turn = this.turn
      .then(act)
      .catch((error) => toast(`That act was not kept: ${error.message}`, { kind: "bad" }))
      .finally(() => (this.inHand -= 1));
  }

  // `found`: undefined where no taxon is named so, null where the server could not be asked.
  #unnamed(tiles, text, status, found) {
    const why = found === null ? "could not be looked up" : "names no taxon";
    if (!this.field.empty) return toast(`“${text}” ${why}: ${count(tiles.length, "object")} left as before.`, { kind: "warn" });
    this.selection.replace(tiles);
    this.field.focus();
    this.field.text = text;
    if (found === null) toast(AWAY, { kind: "warn", key: "taxa", stays: false });
    else this.field.offerToCreate(status);
  }

  #comment() {
    const tiles = this.selection.size ? this.selection.tiles : [this.pointed.tile].filter(Boolean);
    if (tiles.length) this.comments.open(tiles);
    else toast("Select one or several objects first.");
  }

  async #like() {
    const tiles = this.selection.tiles;
    if (!tiles.length) return toast("Select one or several objects first.");
    const order = { order: "like", examples: tiles.slice(-MOST_EXAMPLES).map((tile) => tile.dataset.id).join(",") };
    try {
      await getJson(`/projects/${this.dataset.project}/examples?${new URLSearchParams(order)}`);
    } catch (error) {
      return toast(error.message, { kind: "warn", key: "like", stays: false });
    }
    this.filter.go((query) => {
      for (const [name, value] of Object.entries(order)) query.set(name, value);
      for (const name of ["query", "dir"]) query.delete(name);
    });
  }

  run({ command, direction, extend, digit, status }) {
    if (LABELLING.has(command) && !this.canLabel) return;
    const { selection } = this;
    const commands = {
      step: () => {
        this.pointed.useCursor();
        selection.step(direction, { extend });
      },
      toggle: () => selection.cursor && selection.toggle(selection.cursor),
      all: () => this.#selectAll(),
      open: () => selection.cursor && openPage(selection.cursor),
      clear: () => selection.clear(),
      slot: () => this.#slot(digit, status),
      validate: () => this.#label("V"),
      doubt: () => this.#label("D"),
      comment: () => this.#comment(),
      aside: () => this.#setAside(),
      like: () => this.#like(),
      batch: () => batchOfShown(this.dataset.project, selection.tiles, this.filter.query),
      batchOfList: () => batchOfShown(this.dataset.project, [], this.filter.query),
      undo: () => this.#inTurn(() => this.acts.undo()),
      redo: () => this.#inTurn(() => this.acts.redo()),
      name: () => this.field.focus(),
      field: () => this.field.focus(),
      find: () => this.#showTree(true) || this.tree.find.focus(),
      contrast: () => this.contrast.toggle("contrast"),
      invert: () => this.contrast.toggle("invert"),
      smaller: () => changeSize(-1),
      larger: () => changeSize(1),
      help: () => document.getElementById("keys").togglePopover(),
    };
    commands[command]?.();
  }

  #setAside() {
    const ids = this.selection.tiles.map((tile) => Number(tile.dataset.id));
    if (!ids.length) return toast("Select what you want to set aside first.", { kind: "warn" });
    this.aside ??= new SetAside(this.dataset.project, (aside) => this.#leftAside(aside));
    this.aside.open(ids);
  }

  // The next act is for other tiles. They stay in their place, with a sign.
  #leftAside(ids) {
    const tiles = ids.map((id) => document.getElementById(`o${id}`)).filter(Boolean);
    this.selection.drop(tiles);
    for (const tile of tiles) signAside(tile);
  }

  #selectAll() {
    this.selection.all();
    const rest = this.sections.next ? " Those further down are not loaded yet." : "";
    toast(`${count(this.selection.size, "object")} selected: everything loaded.${rest}`);
  }

  #wirePointer() {
    this.list.addEventListener("click", (event) => {
      const tile = event.target.closest(".tile");
      if (!tile) return;
      if (event.shiftKey) this.selection.rangeTo(tile);
      else this.selection.toggle(tile);
    });
    this.list.addEventListener("dblclick", (event) => {
      const tile = event.target.closest(".tile");
      if (tile) openPage(tile);
    });
    for (const box of this.querySelectorAll(".commands, .like-bar")) wireCommands(box, (meant) => this.run(meant));
  }

  #wireKeys() {
    const usable = KEYS.filter(({ labels }) => this.canLabel || !labels);
    fillStrip(this.querySelector("#strip"), usable);
    fillList(document.getElementById("keys"), usable);
    document.addEventListener("keydown", (event) => this.#key(event), { signal: whileShown() });
  }

  #key(event) {
    const meant = commandOf(event);
    if (!meant || belongsElsewhere(event, meant.command)) return;
    // The letter itself goes into the field that now has the focus.
    if (meant.command !== "name") event.preventDefault();
    const moves = meant.command === "step";
    if (!event.repeat || moves) this.run(meant);
  }

  #wireTree() {
    const toggle = this.querySelector(".show-tree");
    toggle.addEventListener("click", () => this.#showTree(!this.classList.contains("tree-open")));
    const box = this.querySelector(".with-children");
    box.hidden = !this.filter.query.has("taxon");
    const input = box.querySelector("input");
    input.checked = this.filter.withChildren;
    input.addEventListener("change", () => {
      this.filter.go((query) => (input.checked ? query.delete("children") : query.set("children", "0")));
    });
  }

  #showTree(open) {
    this.classList.toggle("tree-open", open);
    this.querySelector(".show-tree").setAttribute("aria-expanded", String(open));
  }
}

const openPage = (tile) => window.open(tile.dataset.page, "_blank", "noopener");

customElements.define("shoal-board", Board);
