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
  #lifted = new Map();

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
        addUp(this.#lifted, part.lifted);
        before = part.before;
        done += part.n_acts;
        this.bar.value = done;
        this.#show();
      } while (before && this.isConnected);
      this.said.textContent = `${count(done, "act")} looked at.`;
      this.bar.hidden = true;
      this.button.disabled = !this.#back.size && !this.#lifted.size;
    } catch (error) {
      this.said.textContent = error.message;
    }
  }

  #show() {
    const [back, stays, lifted] = [this.#back, this.#stays, this.#lifted].map((map) => [...map.values()].sort((a, b) => b.n - a.n));
    const [nBack, nStays, nLifted] = [back, stays, lifted].map(total);
    this.told.replaceChildren(
      ...section(back, `${thousands(nBack)} object${nBack === 1 ? " goes" : "s go"} back`, (one) => [...label(one.status, one.taxon), " → ", ...to(one)]),
      ...section(stays, `${thousands(nStays)} stay${nStays === 1 ? "s" : ""}, changed since`, (one) => [...label(one.status, one.taxon), one.by ? ` by ${one.by}` : "", one.edit ? `, ${one.edit}` : ""]),
      ...section(lifted, `${count(nLifted, "refusal")} lifted`, (one) => [`no longer said not to be ${one.taxon}`]),
    );
    if (!back.length && !stays.length && !lifted.length) this.told.append(element("p", {}, "Nothing of it is left to be taken back."));
  }

  #takeBack() {
    const { project, who, since, until, audit } = this.dataset;
    const wish = { client_id: this.#id, who: Number(who), since, until, audit: audit ? Number(audit) : null };
    return doAndGo(this.button, async () => {
      const taken = await postJson(`/projects/${project}/undo-all`, wish);
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

const to = (one) => {
  const same = one.status === one.to_status && one.taxon_id === one.to_taxon_id;
  return same ? ["the same, as it was said before"] : label(one.to_status, one.to_taxon);
};

const section = (list, title, words) => {
  if (!list.length) return [];
  const lines = list.slice(0, MOST_SHOWN).map((one) => element("li", {}, element("b", {}, thousands(one.n)), " ", ...words(one)));
  return [element("h3", {}, title), element("ul", { className: "changes" }, ...lines)];
};

customElements.define("undo-all", UndoAll);
