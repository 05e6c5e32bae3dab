// How long what the page shows lasts. A board may give way to another without a new document (in_place.js): what it has
// hung on the window or the document, what it watches and what it waits for ends with it.

let life = new AbortController();

// The signal for listeners that shall end with what is shown now.
export const whileShown = () => life.signal;

export const atEnd = (release) => life.signal.addEventListener("abort", release, { once: true });

export const endLife = () => {
  life.abort();
  life = new AbortController();
};
