// What a person did in this batch step by step, so that undo takes back the last of it and redo brings it back: marks and
// the line here, what was set aside by its pile, and acts and passed pages by the server, which knows their order. What
// the machine marked is where a page begins, and no step.

const MOST = 200;

export class Steps {
  #keys;
  #steps;
  #undone;
  #state = null; // of the page in hand, as it stands
  #isDown = false; // a pointer is: all that it marks is one step
  #isStroke = false;
  #isQuiet = false;

  // `told` is called whenever there is more or less to be taken back or done again.
  constructor(page, batchId, told) {
    Object.assign(this, { page, told });
    this.#keys = { done: `shoal.steps.${batchId}`, undone: `shoal.undone.${batchId}` };
    this.#steps = read(this.#keys.done);
    this.#undone = read(this.#keys.undone);
    page.list.addEventListener("pointerdown", () => this.#press(true), { capture: true });
    for (const name of ["pointerup", "pointercancel"]) addEventListener(name, () => this.#press(false));
    page.marks.addEventListener("change", () => this.changed());
    page.line.addEventListener("moved", () => this.changed());
    page.addEventListener("shown", () => this.look());
  }

  #press(isDown) {
    this.#isDown = isDown;
    this.#isStroke = false;
  }

  // As the page stands now is where the next step begins.
  look() {
    this.#state = this.page.isReady ? this.page.state : null;
  }

  // What leaves the page by an act of its own is no change of marks.
  quietly(change) {
    this.#isQuiet = true;
    change();
    this.#isQuiet = false;
    this.look();
  }

  // Marks, line or order. Between two pages all of it is cleared, and what comes then is the next page's own.
  changed() {
    if (!this.page.isReady) this.#state = null;
    if (this.#isQuiet || !this.#state) return;
    const now = this.page.state;
    if (isSame(now, this.#state)) return;
    if (!this.#isStroke) this.push({ kind: "marks", state: this.#state });
    this.#isStroke = this.#isDown;
    this.#state = now;
  }

  // A new step: what was undone before it cannot be done again.
  push(step) {
    this.#undone = [];
    this.done(step);
  }

  // A step that is done again.
  done(step) {
    this.#steps = [...this.#steps, step].slice(-MOST);
    this.#keep();
  }

  undone(step) {
    this.#undone = [...this.#undone, step].slice(-MOST);
    this.#keep();
  }

  get hasUndone() {
    return this.#undone.some((step) => this.#isThere(step));
  }

  // The last step, which is none any more.
  takeDone() {
    return this.#take(this.#steps);
  }

  takeUndone() {
    return this.#take(this.#undone);
  }

  #take(steps) {
    while (steps.length) {
      const step = steps.pop();
      this.#keep();
      if (this.#isThere(step)) return step;
    }
    return null;
  }

  // Marks of a page that is not in hand are no step, nor those that stand there.
  #isThere({ kind, state }) {
    return kind !== "marks" || (this.page.isReady && state.number === this.page.number && !isSame(state, this.page.state));
  }

  // The server refused it, so that it is no step.
  forgetDone() {
    const at = this.#steps.findLastIndex(({ kind }) => kind === "done");
    if (at >= 0) this.#steps.splice(at, 1);
    this.#keep();
  }

  // Marks are of the page in hand alone, and gone with a reload.
  #keep() {
    for (const [key, steps] of [[this.#keys.done, this.#steps], [this.#keys.undone, this.#undone]]) {
      sessionStorage.setItem(key, JSON.stringify(steps.filter(({ kind }) => kind !== "marks")));
    }
    this.told();
  }
}

const read = (key) => JSON.parse(sessionStorage.getItem(key) ?? "[]");

const isSame = (one, other) => JSON.stringify(one) === JSON.stringify(other);
