// What was done in this batch step by step, so that undo takes back the last of it: marks and the line here, what was set
// aside by its pile, and acts and passed pages by the server, which knows their order.

const MOST = 200;

export class Steps {
  #key;
  #steps;
  #state = null; // of the page in hand, as it stands
  #isDown = false; // a pointer is: all that it marks is one step
  #isStroke = false;
  #isQuiet = false;

  constructor(page, batchId) {
    this.page = page;
    this.#key = `shoal.steps.${batchId}`;
    this.#steps = JSON.parse(sessionStorage.getItem(this.#key) ?? "[]");
    page.list.addEventListener("pointerdown", () => this.#press(true), { capture: true });
    for (const name of ["pointerup", "pointercancel"]) addEventListener(name, () => this.#press(false));
    page.marks.addEventListener("change", () => this.#changed());
    page.line.addEventListener("moved", () => this.#changed());
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

  #changed() {
    if (this.#isQuiet || !this.#state || !this.page.isReady) return;
    const now = this.page.state;
    if (JSON.stringify(now) === JSON.stringify(this.#state)) return;
    if (!this.#isStroke) this.push({ kind: "marks", state: this.#state });
    this.#isStroke = this.#isDown;
    this.#state = now;
  }

  push(step) {
    this.#steps = [...this.#steps, step].slice(-MOST);
    this.#keep();
  }

  // The last step, which is none any more; marks of a page that is not in hand are none either.
  pop() {
    while (this.#steps.length) {
      const step = this.#steps.pop();
      this.#keep();
      if (step.kind !== "marks" || step.state.number === this.page.number) return step;
    }
    return null;
  }

  // The server refused it, so that it is no step.
  forgetDone() {
    const at = this.#steps.findLastIndex(({ kind }) => kind === "done");
    if (at >= 0) this.#steps.splice(at, 1);
    this.#keep();
  }

  #keep() {
    sessionStorage.setItem(this.#key, JSON.stringify(this.#steps.filter(({ kind }) => kind !== "marks")));
  }
}
