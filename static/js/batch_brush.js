// The brush paints one label: on the tiles that a drag passes over, or that the cursor leaves.

const STEP_PX = 12;

export class Brush {
  #stroke = null; // tiles, in the order in which they were passed over
  #last = null;

  // `taxon()` is what it paints, `paint(tiles, taxon)` does it once a stroke ends.
  constructor(root, list, { taxon, paint, changed }) {
    Object.assign(this, { root, list, taxon, paint, changed });
    list.addEventListener("pointerdown", (event) => this.#press(event), { capture: true });
    list.addEventListener("pointermove", (event) => this.#move(event), { capture: true });
    for (const name of ["pointerup", "pointercancel"]) list.addEventListener(name, (event) => this.#release(event), { capture: true });
    list.addEventListener("click", (event) => this.isOn && event.target.closest(".tile") && event.stopPropagation(), { capture: true });
  }

  get isOn() {
    return this.root.classList.contains("brushing");
  }

  set isOn(on) {
    this.root.classList.toggle("brushing", on);
    this.#forget();
    this.changed(on);
  }

  #press(event) {
    if (!this.isOn || event.button !== 0 || !this.taxon()) return;
    event.stopPropagation();
    event.preventDefault();
    this.list.focus({ preventScroll: true });
    this.list.setPointerCapture(event.pointerId);
    this.#stroke = new Set();
    this.#last = { x: event.clientX, y: event.clientY };
    this.#touch(event.clientX, event.clientY);
  }

  // A quick hand leaves out nothing that lies on its way.
  #move({ clientX: x, clientY: y }) {
    if (!this.#stroke) return;
    const { x: fromX, y: fromY } = this.#last;
    const steps = Math.max(1, Math.ceil(Math.hypot(x - fromX, y - fromY) / STEP_PX));
    for (let k = 1; k <= steps; k += 1) this.#touch(fromX + ((x - fromX) * k) / steps, fromY + ((y - fromY) * k) / steps);
    this.#last = { x, y };
  }

  #touch(x, y) {
    const tile = document.elementFromPoint(x, y)?.closest("#tiles .tile");
    if (!tile || this.#stroke.has(tile)) return;
    this.#stroke.add(tile);
    tile.classList.add("painted");
  }

  #release(event) {
    if (!this.#stroke) return;
    event.stopPropagation();
    const tiles = [...this.#stroke];
    this.#forget();
    if (event.type === "pointerup" && tiles.length) this.paint(tiles, this.taxon());
  }

  #forget() {
    for (const tile of this.#stroke ?? []) tile.classList.remove("painted");
    this.#stroke = this.#last = null;
  }
}
