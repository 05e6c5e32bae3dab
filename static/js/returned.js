// Shows the objects of an undo or redo: those on the page are marked in their place and scrolled into view, the others
// are fetched and stand in a titled section on top.

import { count, element, thousands } from "./html.js";
import { getHtml } from "./requests.js";
import { toast } from "./toasts.js";

const MOST_SHOWN = 200;

export class Returned {
  constructor(board, sections) {
    this.board = board;
    this.sections = sections;
    this.list = board.querySelector("#tiles");
    this.url = `/projects/${board.dataset.project}`;
  }

  async show(path, outcome) {
    const word = path === "undo" ? "Taken back" : "Done again";
    const n = outcome.changed.length;
    toast(`${word}: ${count(n, "label")}.`, { key: "reversed" });
    if (!n) return;
    this.close();
    const elsewhere = outcome.changed.filter((object) => !document.getElementById(`o${object.id}`)).length;
    if (elsewhere) await this.#fetch(`${word}: ${count(elsewhere, "object")} not on this page`, elsewhere, outcome.act_id);
    else this.list.querySelector(".tile.reversed:not([hidden])")?.scrollIntoView({ block: "nearest" });
  }

  async #fetch(title, n, actId) {
    try {
      const query = new URLSearchParams({ act: actId, limit: MOST_SHOWN });
      const section = await this.sections.prepend(await getHtml(`${this.url}/tiles?${query}`), title);
      this.#dress(section, n, actId);
      await this.#countAnew();
      this.list.scrollTop = 0;
    } catch (error) {
      toast(`What was changed could not be shown. ${error.message}`, { kind: "warn", key: "reversed", stays: false });
    }
  }

  #dress(section, n, actId) {
    section.classList.add("returned");
    for (const tile of section.querySelectorAll(".tile")) tile.classList.add("reversed");
    const close = element("button", { type: "button", className: "plain" }, "Close ✕");
    close.addEventListener("click", () => this.close());
    const shown = section.querySelectorAll(".tile").length;
    const words = shown < n ? `Show all of this act, here the first ${thousands(shown)}` : "Show this act alone";
    const all = element("a", { href: `${this.url}?act=${actId}` }, words);
    const head = section.querySelector("h2, h3, .title") ?? section.firstElementChild;
    head.append(" ", all, " ", close);
  }

  close() {
    for (const section of this.list.querySelectorAll(".returned")) {
      const gone = [...section.querySelectorAll(".tile")];
      section.remove();
      this.board.selection.drop(gone);
    }
  }

  // Objects that are not on the page may have come under the filter, or left it.
  async #countAnew() {
    const query = new URLSearchParams(location.search);
    query.set("limit", "1");
    const told = /data-total="(\d+)"/.exec(await getHtml(`${this.url}/tiles?${query}`));
    if (told) document.getElementById("n-total").textContent = thousands(Number(told[1]));
  }
}
