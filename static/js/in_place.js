// From one filter or order of a board to another without a new document: scripts and styles stay, and only what the
// page shows is fetched and replaced. Whatever is not plainly the same board's page, an error, a login, another
// account, a newer release, is left to the browser's own navigation.

import { askEarly } from "./atlas.js";
import { endLife, whileShown } from "./page_life.js";

const ATLAS = /rel="preload" as="fetch" href="([^"]+)"/;
const VERSION = "script[src], link[rel=stylesheet], link[rel=modulepreload]";
const PATIENCE_MS = 150; // with pictures a little later everything is painted once, and so sooner
const SAME = ["project", "account", "canLabel"]; // of the board's data: what may not differ

let asked = null; // the navigation that is on its way
let shown = location.pathname + location.search;

const addressNow = () => location.pathname + location.search;
const board = () => document.querySelector("shoal-board");

// Goes to another address of this board. `back`: the browser's history is there already.
export const goTo = async (address, { back = false } = {}) => {
  asked?.abort();
  const own = (asked = new AbortController());
  board().ariaBusy = "true";
  const told = board().inHand ? null : await fetchPage(address, own.signal).catch(() => null);
  if (own.signal.aborted) return;
  asked = null;
  // The browser itself asks whether to leave while an act is not kept yet.
  if (!told || board().inHand) leaveFor(address);
  else swap(told, address, back);
};

// Puts another address in the place of this one, for what is shown already.
export const renameTo = (address) => {
  history.replaceState(history.state, "", address);
  shown = address;
};

const leaveFor = (address) => {
  board().ariaBusy = null;
  if (address === addressNow()) location.reload();
  else location.assign(address);
};

// The page of that address; null where it is none that could take this one's place.
const fetchPage = async (address, signal) => {
  const response = await fetch(address, { signal, headers: { Accept: "text/html" } });
  const isPage = response.ok && !response.redirected && response.headers.get("Content-Type")?.startsWith("text/html");
  if (!isPage) return null;
  const { text, pictures } = await textOf(response, signal);
  const told = new DOMParser().parseFromString(text, "text/html");
  const other = told.querySelector("shoal-board");
  const isSame = other && SAME.every((name) => other.dataset[name] === board().dataset[name]);
  if (!isSame || versionOf(told) !== versionOf(document)) return null;
  await Promise.race([pictures, new Promise((over) => setTimeout(over, PATIENCE_MS))]);
  return told;
};

// The first pictures are asked for as soon as their address is read, which stands at the page's beginning.
const textOf = async (response, signal) => {
  const decoder = new TextDecoder();
  let text = "";
  let pictures = null;
  for (const reader = response.body.getReader(); ; ) {
    const { value, done } = await reader.read();
    text += decoder.decode(value, { stream: !done });
    const atlas = pictures ? null : ATLAS.exec(text)?.[1];
    if (atlas) pictures = askEarly(atlas.replaceAll("&amp;", "&"), signal);
    if (done) return { text, pictures };
  }
};

const versionOf = (page) =>
  [...page.querySelectorAll(VERSION)].map((each) => each.getAttribute("src") ?? each.getAttribute("href")).sort().join();

const swap = (told, address, back) => {
  const place = back ? { list: history.state?.scroll } : { tree: document.getElementById("tree").scrollTop };
  endLife();
  if (!back && address !== addressNow()) history.pushState({}, "", address);
  shown = addressNow();
  document.title = told.title;
  for (const toast of document.querySelectorAll('#toasts .toast:not([data-key="delayed"])')) toast.remove();
  document.getElementById("counts").replaceWith(document.adoptNode(told.getElementById("counts")));
  for (const link of document.querySelectorAll(".export-link")) link.href = told.querySelector(".export-link").href;
  const main = document.getElementById("main");
  main.replaceChildren(...document.adoptNode(told.getElementById("main")).childNodes);
  globalThis.htmx?.process(main);
  // After the board has begun, and after its tree has looked for its row in the same frame.
  queueMicrotask(() => requestAnimationFrame(() => settle(place)));
};

// What was clicked is gone, and the focus with it: the keys are the tiles'.
const settle = (place) => {
  const list = document.getElementById("tiles");
  if (document.activeElement === document.body) list.focus({ preventScroll: true });
  if (place.tree) document.getElementById("tree").scrollTop = place.tree;
  if (place.list) list.scrollTop = place.list;
};

// Follows the links of the page to itself, and the browser's back and forward.
export const wireInPlace = (list) => {
  const keepScroll = () => history.replaceState({ ...history.state, scroll: list.scrollTop }, "");
  list.addEventListener("scrollend", keepScroll, { signal: whileShown() });
};

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[href]");
  const isPlain = event.button === 0 && !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey);
  if (!link || !isPlain || event.defaultPrevented || link.target || link.hasAttribute("download")) return;
  if (link.origin !== location.origin || link.pathname !== location.pathname || link.hash) return;
  event.preventDefault();
  goTo(link.pathname + link.search);
});

addEventListener("popstate", () => addressNow() !== shown && goTo(addressNow(), { back: true }));
