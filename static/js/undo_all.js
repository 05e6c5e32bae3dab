// The look before many acts are taken back: asked for piece by piece and added up, then the button that does it.

import { doAndGo } from "./do_and_go.js";
import { count, element, thousands } from "./html.js";
import { newId } from "./outbox.js";
import { getJson, postJson } from "./requests.js";
import { statusWord } from "./tile.js";

const MOST_SHOWN = 100;

class UndoAll extends HTMLElement {
  #id = newId();
  #back = new Map();
  #stays = new Map();

  connectedCallback() {
    this.said = this.querySelector(".so-far");
    this.bar = this.querySelector("progress");
    this.told = this.querySelector(".changes-told");
    this.button = this.querySelector("button");
    this.button.addEventListener("click", () => this.#takeBack());
    this.#look();
  }

  async #look() {
    let [before, done] = [null, 0];
    try {
      do {
        const part = await getJson(`${this.dataset.parts}${before ? `&before=${before}` : ""}`);
        addUp(this.#back, part.back);
        addUp(this.#stays, part.stays);
        before = part.before;
        done += part.n_acts;
        this.bar.value = done;
        this.#show();
      } while (before && this.isConnected);
      this.said.textContent = `${count(done, "act")} looked at.`;
      this.bar.hidden = true;
      this.button.disabled = !this.#back.size;
    } catch (error) {
      this.said.textContent = error.message;
    }
  }

  #show() {
    const [back, stays] = [this.#back, this.#stays].map((map) => [...map.values()].sort((a, b) => b.n - a.n));
    const [nBack, nStays] = [total(back), total(stays)];
    const goes = back.slice(0, MOST_SHOWN).map((one) => line(one.n, label(one.status, one.taxon), [" → "], label(one.to_status, one.to_taxon)));
    const left = stays.slice(0, MOST_SHOWN).map((one) => line(one.n, label(one.status, one.taxon), [one.by ? ` by ${one.by}` : ""]));
    this.told.replaceChildren(
      element("h3", {}, `${thousands(nBack)} object${nBack === 1 ? " goes" : "s go"} back`),
      element("ul", { className: "changes" }, ...goes),
      ...(nStays ? [element("h3", {}, `${thousands(nStays)} stay${nStays === 1 ? "s" : ""}, changed since`), element("ul", { className: "changes" }, ...left)] : []),
    );
  }

  #takeBack() {
    const { project, who, since, until } = this.dataset;
    return doAndGo(this.button, async () => {
      const taken = await postJson(`/projects/${project}/undo-all`, { client_id: this.#id, who: Number(who), since, until });
      return taken.job_id ? `/jobs/${taken.job_id}` : `/projects/${project}/acts`;
    });
  }
}

const addUp = (known, more) => {
  for (const { n, ...what } of more) {
    const key = JSON.stringify(what);
    known.set(key, { ...what, n: n + (known.get(key)?.n ?? 0) });
  }
};

const total = (list) => list.reduce((sum, one) => sum + one.n, 0);

const label = (status, taxon) => [
  element("span", { className: `status status-${status}` }),
  `${statusWord(status)}${taxon ? ` as ${taxon}` : ""}`,
];

const line = (n, ...parts) => element("li", {}, element("b", {}, thousands(n)), " ", ...parts.flat());

customElements.define("undo-all", UndoAll);
