// Likely mistakes one by one: the object in question stands large between good examples of both taxa, and one key says
// what it is. A decision is sent at once, one after the other, and tried again while the server is away.

import { makeBatch } from "./batch_make.js";
import { Contrast } from "./contrast.js";
import { count, element, thousands } from "./html.js";
import { showOwnKeys } from "./key_map.js";
import { fillList } from "./keys.js";
import { mistakeCommandOf, usableAtMistakes } from "./mistakes_keys.js";
import { NewTaxon } from "./new_taxon.js";
import { newId } from "./outbox.js";
import { postJson } from "./requests.js";
import { SeenWatch } from "./seen.js";
import { watchSession } from "./session.js";
import "./taxon_field.js";
import { dropToast, toast } from "./toasts.js";
import { belongsElsewhere, takesText } from "./typing.js";

const AGAIN_MS = 2000;
const MAGNIFIED = 3;
const BROKEN = "The image of this object cannot be shown, and nothing is decided on unseen: go on to the next one with →.";
const PAIR_MS = 600; // a fast Enter that was meant for the pair before decides nothing

class Mistakes extends HTMLElement {
  #sending = Promise.resolve();
  #isSeen = false; // nothing is decided on that was not
  #pausedUntil = 0;

  connectedCallback() {
    this.list = this.querySelector("#tiles");
    this.large = this.querySelector(".mistake-large");
    this.ofPair = document.querySelector(".mistake-pairs [aria-current] .number");
    this.nOfPair = Number(this.ofPair.textContent.replace(/\D/g, ""));
    this.watch = new SeenWatch(() => (this.#isSeen = true));
    this.field = this.querySelector("taxon-field");
    this.contrast = new Contrast(this, this.dataset.project, { pictures: ".picture > img, .large-picture > img" });
    this.addEventListener("click", (event) => this.#click(event));
    document.addEventListener("keydown", (event) => this.#key(event));
    this.#wireThird();
    watchSession(this.dataset.account);
    showOwnKeys(this);
    fillList(document.getElementById("keys"), usableAtMistakes(this.dataset.canLabel));
    this.#tellPair();
    this.#show(this.#left[0]);
  }

  // Another pair than the one before is told, and nothing is decided until one could have noticed.
  #tellPair() {
    const { project, kind, taxonId, otherId, taxon, other } = this.dataset;
    const [key, pair] = [`shoal.pair.${project}.${kind}`, `${taxonId}-${otherId}`];
    const before = sessionStorage.getItem(key);
    sessionStorage.setItem(key, pair);
    if (!before || before === pair) return;
    this.#pausedUntil = performance.now() + PAIR_MS;
    toast(`Another pair: ${taxon} that may be ${other}.`, { key: "pair" });
  }

  get #left() {
    return [...this.list.querySelectorAll(".tile:not(.is-done)")];
  }

  #click({ target }) {
    const command = target.closest("[data-command]")?.dataset.command;
    const tile = target.closest("#tiles .tile");
    if (command) this.#do({ command });
    else if (tile) this.#show(tile);
  }

  #key(event) {
    const meant = mistakeCommandOf(event);
    if (!meant || belongsElsewhere(event, meant.command) || (event.target.closest("a, button") && event.code.endsWith("Enter"))) return;
    if (takesText(event.target)) return;
    if (meant.command === "name" && event.key !== ".") return this.field?.focus(); // the letter goes into the field
    event.preventDefault();
    if (event.repeat && meant.command !== "step") return;
    this.#do(meant);
  }

  #do({ command, direction }) {
    const does = {
      stays: () => this.#decide(this.dataset.taxonId),
      moves: () => this.#decide(this.dataset.otherId),
      step: () => this.#step(direction === "left" || direction === "up" ? -1 : 1),
      name: () => this.field?.focus(),
      open: () => this.tile && open(this.tile.dataset.page, "_blank"),
      undo: () => this.#undo(),
      help: () => document.getElementById("keys").togglePopover(),
      contrast: () => this.contrast.toggle("contrast"),
      invert: () => this.contrast.toggle("invert"),
    };
    if (this.dataset.canLabel || ["step", "open", "help", "contrast", "invert"].includes(command)) does[command]?.();
  }

  #show(tile) {
    this.tile?.setAttribute("aria-selected", "false");
    this.tile = tile;
    this.#isSeen = false;
    this.watch.clear();
    this.querySelector("#n-left").textContent = `${count(this.#left.length, "object")} left of this pair`;
    this.ofPair.textContent = thousands(this.nOfPair - this.list.querySelectorAll(".is-done").length);
    if (!tile) return;
    tile.setAttribute("aria-selected", "true");
    this.list.setAttribute("aria-activedescendant", tile.id);
    tile.scrollIntoView({ block: "nearest" });
    const small = tile.querySelector("img");
    const shown = small ? this.#largeOf(tile, small) : element("span", { className: "no-image" }, "no image");
    this.large.replaceChildren(shown);
    this.watch.observe(this.large);
    this.contrast.look();
  }

  // All at one scale, as far as there is room.
  #largeOf(tile, small) {
    const image = element("img", { alt: `Object ${tile.dataset.name}`, src: `/projects/${this.dataset.project}/images/${tile.dataset.hash}` });
    image.style.inlineSize = `${small.width * MAGNIFIED}px`;
    image.addEventListener("error", () => toast(BROKEN, { kind: "warn", key: "decide" }));
    return image;
  }

  #step(way) {
    const left = this.#left;
    if (left.length) this.#show(left[(left.indexOf(this.tile) + way + left.length) % left.length]);
  }

  #wireThird() {
    if (!this.field) return;
    this.field.addEventListener("apply", () => this.#third());
    new NewTaxon(this.field, this.dataset.project, { nSelected: () => Number(Boolean(this.tile)), label: () => this.#third() });
  }

  async #third() {
    const tile = this.tile;
    const taxon = await this.field.resolve();
    if (!taxon) return;
    this.field.clear();
    this.list.focus();
    if (tile === this.tile) this.#decide(String(taxon.id));
  }

  #decide(taxonId) {
    const { tile } = this;
    if (!tile || !this.#isSeen || performance.now() < this.#pausedUntil) return;
    const left = this.#left;
    const next = left[left.indexOf(tile) + 1] ?? left[left.indexOf(tile) - 1];
    const { kind, otherId } = this.dataset;
    const said = { client_id: newId(), kind, id: Number(tile.dataset.id), state: tile.dataset.state, other_id: Number(otherId), taxon_id: Number(taxonId) };
    tile.classList.add("is-done");
    this.#sending = this.#sending.then(() => this.#send(tile, said));
    this.#show(next);
    if (!next) this.#finish();
  }

  async #send(tile, said) {
    for (;;) {
      try {
        const { refused } = await postJson(`${this.url}/suspects/decide`, said, { keepalive: true });
        if (refused.length) throw new Error("Somebody changed this object meanwhile. Load the page again to see what it is now.");
        dropToast("decide");
        this.querySelector("[data-command=undo]").disabled = false;
        return;
      } catch (error) {
        if (!error.passing) return this.#back(tile, error);
        toast("The server cannot be reached: what you decided is sent again until it is there.", { kind: "warn", key: "decide" });
        await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
      }
    }
  }

  #back(tile, error) {
    tile.classList.remove("is-done");
    toast(error.message, { kind: "bad", key: "decide" });
    this.#show(tile);
  }

  get url() {
    return `/api/v1/projects/${this.dataset.project}`;
  }

  // The rest of the pair, or the next one.
  async #finish() {
    await this.#sending;
    if (!this.#left.length) location.assign(this.dataset.next);
  }

  async #undo() {
    await this.#sending;
    const { kind, taxonId, otherId } = this.dataset;
    try {
      await postJson(`/projects/${this.dataset.project}/undo`, { client_id: newId() });
      location.assign(`/projects/${this.dataset.project}/mistakes?kind=${kind}&pair=${taxonId}-${otherId}`);
    } catch (error) {
      toast(error.message, { kind: "warn", key: "decide" });
    }
  }
}

customElements.define("shoal-mistakes", Mistakes);

document.addEventListener("click", ({ target }) => {
  const source = target.closest("[data-batch]")?.dataset.batch;
  if (source) makeBatch(document.querySelector("shoal-mistakes").dataset.project, JSON.parse(source));
});
