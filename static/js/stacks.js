// Stacks of near-duplicates: while one is closed, its objects are chosen, labelled and passed by the cursor as one tile,
// which shows all of them.

// What stands and is measured in a tile's place: itself, or its closed stack.
export const boxOf = (tile) => tile.closest(".stacked:not(.open)") ?? tile;

// A tile with all that is done to it at once.
export const withStack = (tile) => {
  const stack = tile.closest(".stacked:not(.open)");
  return stack ? [...stack.querySelectorAll(".tile:not([hidden])")] : [tile];
};

// The first of each closed stack, and all others.
export const headsOf = (tiles) => tiles.filter((tile, k) => k === 0 || boxOf(tile) === tile || boxOf(tile) !== boxOf(tiles[k - 1]));

// Whether two tiles stand in one stack, which nothing may part.
export const areTogether = (one, other) => Boolean(one && other && one.closest(".stacked") && one.closest(".stacked") === other.closest(".stacked"));

// Opens or closes the stack that a tile stands in, which closes only while all in it is marked alike; false: it does not.
export const toggleStack = (tile) => {
  const stack = tile?.closest(".stacked");
  if (!stack || leftOf(stack).length < 2) return false;
  if (stack.classList.contains("open") && isMixed(stack, markOf)) return false;
  stack.classList.toggle("open");
  sayStack(stack);
  return true;
};

// A stack whose objects are marked differently stands open.
export const openMixed = (list, codeOf) => {
  for (const stack of list.querySelectorAll(".stacked:not(.open)")) {
    if (!isMixed(stack, codeOf)) continue;
    stack.classList.add("open");
    sayStack(stack);
  }
};

const isMixed = (stack, codeOf) => new Set([...leftOf(stack)].map(codeOf)).size > 1;

const markOf = (tile) => (tile.classList.contains("not-this") ? "not this" : tile.ariaSelected);

// How many are left in each; the last one of a stack is a tile as any other.
export const tidyStacks = (list) => {
  for (const stack of list.querySelectorAll(".stacked")) {
    if (leftOf(stack).length < 2) stack.classList.add("open");
    sayStack(stack);
  }
};

const leftOf = (stack) => stack.querySelectorAll(".tile:not([hidden])");

const sayStack = (stack) => {
  const n = leftOf(stack).length;
  const sign = stack.querySelector(".stack-n");
  const isOpen = stack.classList.contains("open");
  stack.ariaLabel = `${n} near-duplicates${isOpen ? "" : ", together"}`;
  sign.hidden = n < 2;
  sign.textContent = isOpen ? "⊟" : `×${n}`;
  sign.title = isOpen ? "Together again" : `${n} near-duplicates, labelled together: open them`;
};
