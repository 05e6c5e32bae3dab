// The line between the taxa and the tiles: moved by pointer and by keys; where it stands is kept in this browser.

const KEY = "shoal.tree-width";
const [LEAST, MOST, STEP] = [180, 600, 20];

export const wireDivider = (board) => {
  const line = board.querySelector(".divider");
  const tree = line.parentElement;
  const put = (width) => {
    const kept = Math.round(Math.min(Math.max(width, LEAST), MOST));
    board.style.setProperty("--tree-width", `${kept}px`);
    line.setAttribute("aria-valuenow", kept);
    return kept;
  };
  const keep = (width) => localStorage.setItem(KEY, put(width));
  const usual = () => {
    localStorage.removeItem(KEY);
    board.style.removeProperty("--tree-width");
    line.setAttribute("aria-valuenow", Math.round(tree.offsetWidth));
  };

  const before = Number(localStorage.getItem(KEY));
  if (before) put(before);
  line.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    event.preventDefault();
    line.setPointerCapture(event.pointerId);
  });
  line.addEventListener("pointermove", (event) => {
    if (line.hasPointerCapture(event.pointerId)) keep(event.clientX - tree.getBoundingClientRect().left);
  });
  line.addEventListener("dblclick", usual);
  line.addEventListener("keydown", (event) => {
    const width = tree.offsetWidth;
    const to = { ArrowLeft: width - STEP, ArrowRight: width + STEP, Home: LEAST, End: MOST }[event.code];
    if (to === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    keep(to);
  });
};
