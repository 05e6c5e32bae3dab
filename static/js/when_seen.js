// Seen is what stands in the window, painted, for 300 ms.

const LONG_MS = 300;
const LOOK_MS = 100;

// Calls `seen` with each of these tiles, once.
export const whenSeen = (tiles, seen) => {
  const left = new Set(tiles);
  const since = new Map(); // of those in view, since when they are painted there, null: not painted yet
  const watch = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      if (isIntersecting) since.set(target, null);
      else since.delete(target);
    }
  }, { threshold: 0.5 });
  const look = () => {
    const now = performance.now();
    for (const [tile, began] of since) {
      const image = tile.querySelector("img");
      const painted = document.visibilityState === "visible" && (!image || (image.complete && image.naturalWidth));
      if (!painted) since.set(tile, null);
      else if (began === null) since.set(tile, now);
      else if (now - began >= LONG_MS) {
        since.delete(tile);
        watch.unobserve(tile);
        left.delete(tile);
        seen(tile);
      }
    }
    if (!left.size) clearInterval(timer);
  };
  for (const tile of left) watch.observe(tile);
  const timer = left.size ? setInterval(look, LOOK_MS) : null;
};
