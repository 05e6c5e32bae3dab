// Endless scroll: the next section is fetched before its place comes into view, and nothing is shown twice.

import { Atlases } from "./atlas.js";
import { element, parseFragment, thousands } from "./html.js";
import { atEnd, whileShown } from "./page_life.js";
import { getHtml } from "./requests.js";

const AHEAD_PX = 2500;

export class Sections {
  #list;
  #atlases;
  #watch;
  #loading = false;
  #end;

  constructor(list, { loading, failed }) {
    this.#list = list;
    this.#atlases = new Atlases(list, list.closest("[data-project]").dataset.project);
    for (const section of this.#sections) this.#atlases.add(section, { first: true });
    this.loadingNote = loading;
    this.failedNote = failed;
    this.#end = list.appendChild(document.createElement("div"));
    this.#end.className = "end";
    failed.querySelector("button").addEventListener("click", () => this.#load());
    this.#watch = new IntersectionObserver((entries) => entries.at(-1).isIntersecting && this.#load(), {
      root: list,
      rootMargin: `${AHEAD_PX}px`,
    });
    this.life = whileShown();
    atEnd(() => this.#watch.disconnect());
    this.#atlases.begun.then(() => this.check());
  }

  get #sections() {
    return [...this.#list.querySelectorAll(":scope > .tiles")];
  }

  get next() {
    return this.#sections.at(-1)?.dataset.next || null;
  }

  // Looks again whether the end is near: after tiles left, say.
  check() {
    this.#watch.unobserve(this.#end);
    if (!this.life.aborted) this.#watch.observe(this.#end);
  }

  // Puts a section of tiles, those of them that are not on the page yet, on top of all others.
  prepend(html) {
    const section = this.#adopt(html);
    const found = element("div", { className: "found", role: "group" }, section);
    this.#list.prepend(found);
    return found;
  }

  async #load() {
    const url = this.next;
    if (!url || this.#loading) return;
    this.#loading = true;
    this.failedNote.hidden = true;
    this.loadingNote.hidden = false;
    try {
      this.#append(this.#adopt(await getHtml(url, { signal: this.life })));
      this.check();
    } catch (error) {
      if (this.life.aborted) return;
      this.failedNote.querySelector("span").textContent = `The next objects could not be loaded. ${error.message}`;
      this.failedNote.hidden = false;
    } finally {
      this.loadingNote.hidden = true;
      this.#loading = false;
    }
  }

  // A section of tiles from what the server sent, without those that are shown already.
  #adopt(html) {
    const section = document.adoptNode(parseFragment(html).querySelector(".tiles"));
    this.#atlases.add(section);
    for (const tile of section.querySelectorAll(".tile")) if (document.getElementById(tile.id)) tile.remove();
    return section;
  }

  #append(section) {
    this.#fillLastRow(section);
    this.#end.before(section);
    document.getElementById("n-total").textContent = thousands(section.dataset.total);
    this.#list.dispatchEvent(new CustomEvent("shoal:loaded", { bubbles: true }));
  }

  // The last section's unfinished row moves into the new one, so that no gap shows where they meet.
  #fillLastRow(section) {
    const shown = [...(this.#sections.at(-1)?.querySelectorAll(".tile:not([hidden])") ?? [])];
    const bottom = shown.at(-1)?.getBoundingClientRect().bottom;
    const row = shown.filter((tile) => tile.getBoundingClientRect().bottom > bottom - 2);
    if (row.length < shown.length) section.prepend(...row);
  }
}
