// Selects what a rectangle drawn with the pointer touches, scrolling by itself at the edges.

const STARTS_AFTER_PX = 6;
const EDGE_PX = 36;

export class RubberBand {
  #list;
  #selection;
  #band;
  #start = null;
  #pointer = null;
  #active = false;
  #before = [];
  #takesAway = false;
  #justEnded = false;
  #leavesSelected;

  // `leavesSelected`: a press on a selected tile begins something else.
  constructor(list, selection, { leavesSelected = false } = {}) {
    this.#list = list;
    this.#selection = selection;
    this.#leavesSelected = leavesSelected;
    this.#band = list.querySelector(".band");
    list.addEventListener("pointerdown", (event) => this.#press(event));
    list.addEventListener("pointermove", (event) => this.#move(event));
    for (const name of ["pointerup", "pointercancel"]) list.addEventListener(name, (event) => this.#release(event));
    // The click that ends a drag is no click on a tile.
    list.addEventListener("click", (event) => this.#swallow(event), true);
  }

  #swallow(event) {
    if (!this.#justEnded) return;
    this.#justEnded = false;
    event.stopPropagation();
  }

  #press(event) {
    // Touch scrolls, and a press on the scroll bar is the scroll bar's.
    if (event.button !== 0 || event.pointerType === "touch" || event.offsetX > this.#list.clientWidth) return;
    // On a selected tile a press is the beginning of a drag onto a taxon.
    const tile = event.target.closest(".tile");
    if (this.#leavesSelected && tile && this.#selection.has(tile) && !(event.ctrlKey || event.metaKey)) return;
    this.#justEnded = false;
    this.#pointer = event;
    this.#start = this.#inList(event);
  }

  // Lets go of a press that turned out to be meant for something else.
  cancel() {
    if (!this.#active) this.#start = null;
  }

  #inList(event) {
    const frame = this.#list.getBoundingClientRect();
    return { x: event.clientX - frame.left, y: event.clientY - frame.top + this.#list.scrollTop };
  }

  #move(event) {
    if (!this.#start) return;
    this.#pointer = event;
    const here = this.#inList(event);
    if (!this.#active && Math.hypot(here.x - this.#start.x, here.y - this.#start.y) < STARTS_AFTER_PX) return;
    if (!this.#active) this.#begin(event);
    this.#draw();
  }

  #begin(event) {
    this.#active = true;
    this.#list.setPointerCapture(event.pointerId);
    this.#before = this.#selection.tiles;
    this.#takesAway = event.ctrlKey || event.metaKey;
    this.#band.hidden = false;
    this.#scrollAtEdges();
  }

  #draw() {
    const here = this.#inList(this.#pointer);
    const area = {
      left: Math.min(here.x, this.#start.x), right: Math.max(here.x, this.#start.x),
      top: Math.min(here.y, this.#start.y), bottom: Math.max(here.y, this.#start.y),
    };
    Object.assign(this.#band.style, {
      left: `${area.left}px`, top: `${area.top}px`,
      width: `${area.right - area.left}px`, height: `${area.bottom - area.top}px`,
    });
    const touched = this.#touched(area);
    if (this.#takesAway) {
      const away = new Set(touched);
      this.#selection.replace(this.#before.filter((tile) => !away.has(tile)));
    } else {
      this.#selection.replace([...this.#before, ...touched]);
    }
  }

  // Sections first: asking the places of tiles in a skipped section would lay it out.
  #touched(area) {
    const frame = this.#list.getBoundingClientRect();
    const down = this.#list.scrollTop - frame.top;
    const touches = (place) =>
      place.left - frame.left < area.right && place.right - frame.left > area.left &&
      place.top + down < area.bottom && place.bottom + down > area.top;
    const found = [];
    for (const section of this.#list.querySelectorAll(".tiles")) {
      if (!touches(section.getBoundingClientRect())) continue;
      for (const tile of section.querySelectorAll(":scope > .tile:not([hidden])")) if (touches(tile.getBoundingClientRect())) found.push(tile);
    }
    return found;
  }

  #scrollAtEdges() {
    if (!this.#active) return;
    const frame = this.#list.getBoundingClientRect();
    const above = frame.top + EDGE_PX - this.#pointer.clientY;
    const below = this.#pointer.clientY - (frame.bottom - EDGE_PX);
    const by = above > 0 ? -above : below > 0 ? below : 0;
    if (by) {
      this.#list.scrollTop += by / 3;
      this.#draw();
    }
    requestAnimationFrame(() => this.#scrollAtEdges());
  }

  #release(event) {
    if (this.#active) {
      this.#list.releasePointerCapture(event.pointerId);
      this.#justEnded = event.type === "pointerup";
      // Where no click follows, the next true click must not be swallowed.
      setTimeout(() => (this.#justEnded = false));
    }
    this.#active = false;
    this.#start = null;
    this.#band.hidden = true;
  }
}
