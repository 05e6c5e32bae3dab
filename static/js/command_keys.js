// <command-keys>: every command with its keys, on one's own page: a key is given by pressing it.

import { CARD_KEYS, cardCommandOf } from "./cards_keys.js";
import { doAndGo } from "./do_and_go.js";
import { element } from "./html.js";
import { chordOf, labelOf, unitsOf } from "./key_map.js";
import { BATCH_ROWS, KEYS, batchCommandOf, commandOf } from "./keys.js";
import { MISTAKE_KEYS, mistakeCommandOf } from "./mistakes_keys.js";
import { deleteJson, putJson } from "./requests.js";

const URL = "/api/v1/me/keys";
const PAGES = [
  { name: "board", rows: KEYS, meantBy: commandOf },
  { name: "batch", rows: BATCH_ROWS, meantBy: batchCommandOf },
  { name: "cards", rows: CARD_KEYS, meantBy: cardCommandOf },
  { name: "mistakes", rows: MISTAKE_KEYS, meantBy: mistakeCommandOf },
].map((page) => ({ ...page, units: unitsOf(page.rows) }));

const own = JSON.parse(document.documentElement.dataset.keys ?? "{}");

// A key of one's own is that of the command on every page.
const keyed = ({ id, keys }) => (own[id] ? id : [id, ...keys.toSorted()].join(" "));

class CommandKeys extends HTMLElement {
  #asking = null; // {unit, row}: what the next key is for

  connectedCallback() {
    this.replaceChildren(...this.#tables());
    this.removeAttribute("aria-busy");
    this.addEventListener("click", (event) => this.#click(event.target.closest("button")));
    // Before anything else hears the key that is to be given.
    document.addEventListener("keydown", (event) => this.#asking && this.#key(event), { capture: true });
    const all = document.querySelector("[data-reset-all]");
    all.addEventListener("click", () => doAndGo(all, () => deleteJson(URL)));
  }

  // Each command once, beside the pages that it stands on; once more where a page has other keys for it.
  #tables() {
    const seen = new Set();
    return PAGES.map(({ name, units }) => {
      const fresh = units.filter((unit) => !seen.has(keyed(unit)) && seen.add(keyed(unit)));
      const rows = fresh.map((unit) => this.#row(unit, PAGES.filter((page) => page.units.some((one) => keyed(one) === keyed(unit)))));
      const head = element("thead", {}, element("tr", {}, ...["Command", "Keys", "Where", ""].map((words) => element("th", {}, words || element("span", { className: "unseen" }, "What to do")))));
      const title = { board: "Everywhere and on the board", batch: "In a batch", cards: "Among cards", mistakes: "At likely mistakes" }[name];
      const table = element("table", { className: "table command-keys" }, head, element("tbody", {}, ...rows));
      return element("section", { className: "card" }, element("h2", {}, title), table);
    });
  }

  #row(unit, pages) {
    const isOwn = own[unit.id] !== undefined;
    const labels = own[unit.id]?.map(({ label }) => label) ?? unit.keys;
    const caps = labels.length ? labels.flatMap((label) => [element("kbd", {}, label), " "]) : [element("span", { className: "quiet" }, "no key")];
    const change = element("button", { type: "button", className: "plain", "aria-label": `Another key for: ${unit.does}` }, "Change");
    change.dataset.change = unit.id;
    const buttons = [change];
    if (isOwn) {
      const usual = element("button", { type: "button", className: "plain", "aria-label": `The usual key for: ${unit.does}` }, "Usual: ", ...unit.keys.map((key) => element("kbd", {}, key)));
      usual.dataset.usual = unit.id;
      buttons.push(usual);
    }
    const said = element("p", { className: "key-says", role: "status", hidden: true });
    const row = element("tr", {}, element("td", {}, unit.does, said), element("td", { className: "nowrap" }, ...caps),
      element("td", { className: "quiet nowrap" }, pages.map(({ name }) => name).join(", ")), element("td", { className: "nowrap" }, ...buttons));
    row.dataset.command = unit.id;
    row.toggleAttribute("data-own", isOwn);
    return row;
  }

  #click(button) {
    if (!button) return;
    const { change, usual, take } = button.dataset;
    if (change) this.#ask(change, button.closest("tr"));
    else if (usual) doAndGo(button, () => putJson(URL, { keys: { [usual]: null } }));
    else if (take) doAndGo(button, () => putJson(URL, JSON.parse(take)));
  }

  #ask(id, row) {
    this.#leave();
    this.#asking = { id, row };
    row.classList.add("asking");
    this.#say(row, "Press its new key. ", element("kbd", {}, "Esc"), " leaves it as it is.");
  }

  #leave() {
    this.#asking?.row.classList.remove("asking");
    this.#asking = null;
  }

  #say(row, ...words) {
    const said = row.querySelector(".key-says");
    said.hidden = false;
    said.replaceChildren(...words);
  }

  #key(event) {
    const chord = chordOf(event);
    if (!chord || event.repeat) return;
    event.preventDefault();
    event.stopPropagation();
    const { id, row } = this.#asking;
    if (event.code === "Escape") {
      this.#leave();
      row.querySelector(".key-says").hidden = true;
      return;
    }
    const key = { chord, label: labelOf(event) };
    const others = this.#othersWith(event, id);
    this.#leave();
    if (others.length) return this.#offer(row, id, key, others);
    this.#keep(row, { [id]: [key] });
  }

  // Commands that this key is already, on the pages of the command that it is for.
  #othersWith(event, id) {
    const pages = PAGES.filter(({ units }) => units.some((unit) => unit.id === id));
    const found = pages.map(({ units, meantBy }) => {
      const meant = meantBy(event);
      return meant && units.find((unit) => Object.entries(unit.meant).every(([name, value]) => meant[name] === value));
    });
    return [...new Map(found.filter((unit) => unit && unit.id !== id).map((unit) => [unit.id, unit])).values()];
  }

  #offer(row, id, key, others) {
    const take = element("button", { type: "button" }, "Take it from there");
    take.dataset.take = JSON.stringify({ keys: { [id]: [key], ...Object.fromEntries(others.map((other) => [other.id, []])) } });
    this.#say(row, element("kbd", {}, key.label), ` is the key of “${others.map(({ does }) => does).join("”, “")}”. `, take);
    take.focus();
  }

  async #keep(row, keys) {
    try {
      await putJson(URL, { keys });
      location.reload();
    } catch (error) {
      this.#say(row, error.message);
    }
  }
}

customElements.define("command-keys", CommandKeys);
