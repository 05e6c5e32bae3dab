// Which tile a key is meant for while nothing is selected: the one under the pointer or the one under the cursor,
// whichever was moved last.

const STILL_PX = 12; // a hand that presses a digit shakes the mouse

export class Pointed {
  #at = null; // where the pointer is, while it is over the tiles and was moved last
  #left = null; // where it lay when the cursor took over, and over which tile

  constructor(list, selection) {
    this.selection = selection;
    list.addEventListener("pointermove", (event) => this.#move(event));
    list.addEventListener("pointerleave", () => (this.#at = this.#left = null));
  }

  #move({ clientX: x, clientY: y, pointerType }) {
    if (pointerType === "touch") return;
    if (this.#left) {
      const moved = Math.hypot(x - this.#left.x, y - this.#left.y) > STILL_PX;
      if (!moved && tileAt(x, y) === this.#left.tile) return;
    }
    this.#left = null;
    this.#at = { x, y };
  }

  useCursor() {
    if (!this.#at) return;
    this.#left = { ...this.#at, tile: tileAt(this.#at.x, this.#at.y) };
    this.#at = null;
  }

  // What is there now, where the pointer was moved last: tiles may have moved on beneath it.
  get underPointer() {
    return this.#at && tileAt(this.#at.x, this.#at.y);
  }

  get tile() {
    return this.underPointer ?? this.selection.cursor;
  }
}

const tileAt = (x, y) => document.elementFromPoint(x, y)?.closest("#tiles .tile") ?? null;
