// The box that finds things, on every page: Ctrl+K opens it, the arrows go through what it offers, Enter takes it.

const box = document.getElementById("find");
const input = box.querySelector("input");

addEventListener("keydown", (event) => {
  if (!(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey || event.key.toLowerCase() !== "k") return;
  event.preventDefault();
  box.togglePopover();
});

box.addEventListener("toggle", (event) => {
  if (event.newState !== "open") return;
  input.focus();
  input.select();
});

box.addEventListener("keydown", (event) => {
  // Keys of the page below are not meant for it.
  event.stopPropagation();
  if (event.code === "Escape") {
    // A search field would only be emptied by it.
    event.preventDefault();
    box.hidePopover();
  }
  if (event.code !== "ArrowDown" && event.code !== "ArrowUp") return;
  event.preventDefault();
  const stops = [input, ...box.querySelectorAll("a")];
  const next = stops.indexOf(document.activeElement) + (event.code === "ArrowDown" ? 1 : -1);
  stops[Math.min(Math.max(next, 0), stops.length - 1)].focus();
});
