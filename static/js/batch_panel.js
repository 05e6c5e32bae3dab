// The panel beside a batch's tiles: how much is marked, what Enter and the digits would do, proposals and what is left.

import { Proposals } from "./batch_proposals.js";
import { element, nameCut, thousands } from "./html.js";
import { showOwnKeys } from "./key_map.js";

const OF_TILES = new Set(["pass", "notThis", "invertMarks", "restNotThis", "markedFirst", "line", "all", "aside", "brush"]);
const PARTS = ["about", "pace", "left", "ended"];

export class BatchPanel {
  digits = null; // what says what they are for, where there is work to do

  constructor(root, { marks, field, line }) {
    Object.assign(this, { root, marks, field, line });
    this.title = root.querySelector("#n-marks");
    this.commands = root.querySelector(".panel > .commands");
    this.button = (name) => this.commands?.querySelector(`[data-command="${name}"]`);
    const place = root.querySelector("#proposals");
    place?.addEventListener("pointerdown", (event) => event.preventDefault());
    place?.addEventListener("click", (event) => this.#take(event.target.closest("button")));
    this.proposals = place && new Proposals(root, place, marks);
    marks.addEventListener("change", () => this.update());
    field?.addEventListener("taxon", () => this.update());
  }

  // What the server wrote of this page.
  show(told, page) {
    this.tell(told);
    this.proposals?.open(told.querySelector('[data-part="proposals"]'), page.line ?? 0);
    this.update();
  }

  // What stands around the tiles.
  tell(told) {
    for (const name of PARTS) {
      const [place, part] = [this.root.querySelector(`#${name}`), told.querySelector(`[data-part="${name}"]`)];
      place?.replaceChildren(...(part?.childNodes ?? []));
    }
    showOwnKeys(this.root);
    for (const time of this.root.querySelectorAll("time[data-clock]")) time.textContent = clock(new Date(time.dateTime));
  }

  // The `place`-th proposal goes into the label field.
  take(place) {
    this.#take(this.proposals?.buttons[place]);
  }

  #take(button) {
    if (!button) return;
    const { taxonId, taxon } = button.dataset;
    this.field.choose({ id: Number(taxonId), display_name: taxon, italic: "italic" in button.dataset });
  }

  update() {
    const { marked, passed, notThis } = this.marks.counts;
    this.title.textContent = `${thousands(marked)} marked · ${thousands(passed)} passed over · ${thousands(notThis)} not this`;
    if (!this.field) return;
    const isEmpty = !(marked + passed + notThis);
    for (const button of this.commands.querySelectorAll("[data-command]")) if (OF_TILES.has(button.dataset.command)) button.disabled = isEmpty;
    this.button("all").querySelector("span").textContent = marked && !passed ? "Unmark all" : "Mark all";
    this.#sayApply(marked, notThis);
    this.digits?.say();
  }

  #sayApply(marked, notThis) {
    const apply = this.button("apply");
    const words = apply.querySelector("span");
    const { taxon, empty } = this.field;
    const many = marked ? ` ${thousands(marked)}` : "";
    const isNamed = this.marks.marked.every((tile) => tile.dataset.status !== "U");
    if (!marked && notThis) words.replaceChildren(`Refuse ${thousands(notThis)}${taxon ? " as " : ""}`, ...(taxon ? [nameCut(taxon.display_name, taxon.italic)] : []));
    else if (taxon) words.replaceChildren(`Validate${many} as `, nameCut(taxon.display_name, taxon.italic));
    else words.textContent = `Validate${many}${!marked ? "" : empty && isNamed ? " as seen" : " as…"}`;
    apply.disabled = !marked && !notThis;
    this.button("applyDubious").disabled = !marked;
    this.button("like").disabled = !marked;
  }
}

const clock = (moment) => moment.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hour12: false });

export const note = (words) => element("p", { className: "notice", role: "status" }, words);
