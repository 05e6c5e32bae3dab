// Shows the objects of an undo or redo: those on the page are marked in their place and scrolled into view, the others
// are fetched and stand in a titled section on top.

import { reversedWords } from "./acts.js";
import { count, element, thousands } from "./html.js";
import { getHtml } from "./requests.js";
import { whileShown } from "./page_life.js";
import { labelOf } from "./tile.js";
import { toast } from "./toasts.js";

const MOST_SHOWN = 200;

export class Returned {
  constructor(board, sections) {
    this.board = board;
    this.life = whileShown();
    this.sections = sections;
    this.list = board.querySelector("#tiles");
    this.url = `/projects/${board.dataset.project}`;
  }

  // Of two in a row the later one's objects are shown.
  async show(path, outcome) {
    const word = path === "undo" ? "Taken back" : "Done again";
    const n = outcome.changed.length;
    toast(`${word}: ${reversedWords(path, outcome)}.`, { key: "reversed" });
    if (!n) return;
    this.close();
    const turn = (this.turn = (this.turn ?? 0) + 1);
    const elsewhere = outcome.changed.filter((object) => !document.getElementById(`o${object.id}`)).length;
    if (elsewhere) await this.#fetch(`${word}: ${count(elsewhere, "object")}`, elsewhere, outcome.act_id, turn);
    else this.list.querySelector(".tile.reversed:not([hidden])")?.scrollIntoView({ block: "nearest" });
  }

  async #fetch(title, n, actId, turn) {
    try {
      const query = new URLSearchParams({ act: actId, limit: MOST_SHOWN });
      const html = await getHtml(`${this.url}/tiles?${query}`);
      if (turn !== this.turn) return;
      if (this.life.aborted) return;
      const section = this.sections.prepend(html);
      this.#dress(section, title, n, actId);
      await this.#countAnew();
      this.list.scrollTop = 0;
    } catch (error) {
      toast(`What was changed could not be shown. ${error.message}`, { kind: "warn", key: "reversed", stays: false });
    }
  }

  // Their title stands above the list, whose own are tiles only, with the way to all of them and that to be rid of it.
  #dress(section, title, n, actId) {
    section.classList.add("returned");
    section.ariaLabel = title;
    const tiles = section.querySelectorAll(".tile");
    for (const tile of tiles) {
      tile.classList.add("reversed");
      tile.toggleAttribute("data-out", !this.board.filter.keeps(labelOf(tile)));
    }
    const close = element("button", { type: "button", className: "plain" }, "Close ✕");
    close.addEventListener("click", () => this.close());
    const words = tiles.length < n ? `The first ${thousands(tiles.length)} of them: show all` : "Show what this act changed";
    const all = element("a", { href: `${this.url}?act=${actId}` }, words);
    this.list.before(element("div", { className: "returned-title" }, element("b", {}, title), all, close));
    this.list.dispatchEvent(new CustomEvent("shoal:loaded", { bubbles: true }));
  }

  close() {
    this.board.querySelector(".returned-title")?.remove();
    const section = this.list.querySelector(".returned");
    if (!section) return;
    section.remove();
    this.board.selection.drop([...section.querySelectorAll(".tile")]);
  }

  // What was labelled in it may have left.
  tidy() {
    if (!this.list.querySelector(".returned .tile:not([hidden])")) this.close();
  }

  // Objects that are not on the page may have come under the filter, or left it.
  async #countAnew() {
    const query = new URLSearchParams(location.search);
    query.set("limit", "1");
    const told = /data-total="(\d+)"/.exec(await getHtml(`${this.url}/tiles?${query}`));
    if (told && !this.life.aborted) document.getElementById("n-total").textContent = thousands(Number(told[1]));
  }
}
