// <shoal-upload>: sends one source to the server and goes on where it stopped, after a lost connection, a reload, or days.
//
// What has arrived is asked of the server alone: the same file or folder, chosen again, is found by its fingerprint among
// the project's unfinished uploads. Sending itself, with its retries, is tus-js-client's.

import { getJson } from "./requests.js";
import { chosenFiles, droppedFiles, sourceOf } from "./upload_sources.js";

const PIECE_BYTES = 64 * 2 ** 20;
const RETRY_MS = [0, 1000, 2000, 4000, 8000, ...new Array(5000).fill(10_000)];
const WORTH_RETRYING = new Set([0, 408, 409, 423, 429, 500, 502, 503, 504]);
const RATE_WINDOW_MS = 8000;
const OTHER = "This is not what was begun here: its name, size or date differs. Choose the same again, or remove what has arrived and begin anew under Import.";
const CHANGED = "A file was changed or removed while it was sent. Remove what has arrived, and choose the files again.";
const UNITS = ["B", "kB", "MB", "GB", "TB"];

const size = (bytes) => {
  let [value, unit] = [bytes, 0];
  while (value >= 1000 && unit < UNITS.length - 1) [value, unit] = [value / 1000, unit + 1];
  return `${unit ? value.toFixed(1) : value} ${UNITS[unit]}`;
};

const timeLeft = (seconds) => {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s left`;
  const minutes = Math.round(seconds / 60);
  return minutes < 90 ? `${minutes} min left` : `${Math.floor(minutes / 60)} h ${minutes % 60} min left`;
};

class ShoalUpload extends HTMLElement {
  #upload = null;
  #source = null;
  #arrived = 0; // bytes that the server has told of
  #seen = []; // [moment, bytes sent] of the last seconds, for the rate
  #isLooking = false; // through what was chosen
  #isSending = false;

  connectedCallback() {
    this.drop = this.querySelector(".drop");
    this.card = this.querySelector(".sending");
    this.fields = { files: this.querySelector("[name=files]"), folder: this.querySelector("[name=folder]") };
    this.#wireChoice();
    for (const act of ["pause", "resume", "cancel"]) this.#button(act).addEventListener("click", () => this[act]());
    this.leave = (event) => this.#isSending && event.preventDefault();
    this.back = () => this.#isSending && this.#again();
    addEventListener("beforeunload", this.leave);
    addEventListener("online", this.back);
  }

  disconnectedCallback() {
    this.#upload?.abort();
    removeEventListener("beforeunload", this.leave);
    removeEventListener("online", this.back);
  }

  #wireChoice() {
    for (const [name, field] of Object.entries(this.fields)) {
      this.querySelector(`[data-choose="${name}"]`).addEventListener("click", () => field.click());
      field.addEventListener("change", () => {
        const files = chosenFiles(field.files);
        field.value = ""; // so that the same choice is a change again
        if (files.length) this.begin(() => files);
      });
    }
    const over = (isOver) => (event) => {
      event.preventDefault();
      this.drop.classList.toggle("over", isOver);
    };
    this.drop.addEventListener("dragover", over(true));
    this.drop.addEventListener("dragleave", over(false));
    this.drop.addEventListener("drop", (event) => {
      over(false)(event);
      if (this.#isLooking) return;
      const files = droppedFiles(event.dataTransfer);
      this.begin(() => files);
    });
  }

  // What was chosen becomes one source; what cannot be taken is told at once.
  async begin(read) {
    if (this.#isSending || this.#isLooking) return;
    this.#isLooking = true;
    this.#note("");
    this.#show({ what: "Looking through the files…", sending: true });
    try {
      this.#source = await sourceOf(await read(), this.dataset.endings.split(" "));
      const { name, blob, n, leftOut } = this.#source;
      this.#show({ what: n > 1 ? `${name.replace(/\.tar$/, "")}: ${n} files, ${size(blob.size)}` : `${name}, ${size(blob.size)}` });
      const names = leftOut.slice(0, 5).map((path) => path.split("/").pop()).join(", ");
      if (leftOut.length) this.#note(`${leftOut.length} left out, neither images nor tables: ${names}${leftOut.length > 5 ? ", …" : ""}`);
      await this.#send();
    } catch (error) {
      this.#fail(error.name === "NotFoundError" ? "A file or folder is gone since it was chosen. Choose it again." : error.message);
    } finally {
      this.#isLooking = false;
    }
  }

  async #send() {
    const { name, blob, fingerprint } = this.#source;
    const project = `/api/v1/projects/${this.dataset.project}/uploads`;
    const known = (await getJson(project)).find((upload) => upload.fingerprint === fingerprint && upload.size === blob.size);
    if (this.dataset.unfinished && known?.id !== this.dataset.unfinished) {
      this.#source = null;
      throw new Error(OTHER);
    }
    if (known?.completed_at) return this.#go(known.id);
    // While it runs it stands in the card alone: the row's figure is old, and its button would take it away.
    this.listed = document.querySelector(`tr[data-upload="${known?.id}"]`);
    this.#list(false);
    this.#isSending = true;
    this.#upload = new tus.Upload(blob, {
      endpoint: project,
      uploadUrl: known ? `${project}/${known.id}` : null,
      metadata: { filename: name, fingerprint },
      chunkSize: PIECE_BYTES,
      retryDelays: RETRY_MS,
      storeFingerprintForResuming: false,
      onShouldRetry: (error) => this.#shouldRetry(error),
      onChunkComplete: (_, arrived) => (this.#arrived = arrived),
      onProgress: (sent, total) => this.#progress(sent, total),
      onError: (error) => this.#fail(sentenceOf(error)),
      onSuccess: () => this.#go(this.#upload.url.split("/").pop()),
    });
    this.#buttons({ pause: true, cancel: true });
    this.#upload.start();
  }

  #shouldRetry(error) {
    const status = error.originalResponse?.getStatus() ?? 0;
    if (!WORTH_RETRYING.has(status)) return false;
    this.#told(status ? sentenceOf(error) : "The connection is lost. What has arrived is safe; it goes on by itself as soon as the server answers.");
    this.#seen = [];
    if (!status) this.#checkFiles();
    return true;
  }

  // To the browser a file that has changed is a connection that broke: reading what was to be sent tells them apart.
  async #checkFiles() {
    try {
      await this.#source.blob.slice(this.#arrived, this.#arrived + PIECE_BYTES).arrayBuffer();
    } catch {
      await this.#upload.abort();
      this.#fail(CHANGED);
    }
  }

  #progress(sent, total) {
    const now = performance.now();
    if (sent < (this.#seen.at(-1)?.[1] ?? 0)) this.#seen = [];
    if (sent > (this.#seen.at(-1)?.[1] ?? -1)) this.#told("");
    this.#seen.push([now, sent]);
    while (this.#seen.length > 2 && now - this.#seen[0][0] > RATE_WINDOW_MS) this.#seen.shift();
    const [since, before] = this.#seen[0];
    const rate = now - since > 500 ? ((sent - before) / (now - since)) * 1000 : 0;
    const bar = this.querySelector("progress");
    bar.max = total;
    bar.value = sent;
    const parts = [`${size(sent)} of ${size(total)}`];
    if (rate > 0) parts.push(`${size(rate)}/s`, timeLeft((total - sent) / rate));
    this.querySelector(".how-far").textContent = parts.join(" · ");
  }

  // The network is back: sooner than the next try would come.
  async #again() {
    await this.#upload.abort();
    if (this.#isSending) this.#upload.start();
  }

  async pause() {
    this.#isSending = false;
    await this.#upload.abort();
    this.#seen = [];
    this.#told("Paused. What has arrived stays on the server.");
    this.#buttons({ resume: true, cancel: true });
    this.#button("resume").focus();
  }

  resume() {
    this.#told("");
    this.#error("");
    if (!this.#upload) return this.#send().catch((error) => this.#fail(error.message));
    this.#isSending = true;
    this.#buttons({ pause: true, cancel: true });
    this.#button("pause").focus();
    this.#upload.start();
  }

  async cancel() {
    this.#isSending = false;
    try {
      await this.#upload?.abort(Boolean(this.#upload.url));
      this.listed?.remove();
    } catch {
      this.#list(true); // The server sweeps what nobody goes on with.
    }
    this.#upload = null;
    this.#show({ sending: false });
    this.querySelector("[data-choose]").focus();
  }

  #list(isShown) {
    if (this.listed) this.listed.hidden = !isShown;
    const section = this.listed?.closest("section");
    if (section) section.hidden = !section.querySelector("tr:not([hidden])");
  }

  #go(id) {
    this.#isSending = false;
    this.#told("All has arrived.");
    const next = () => location.assign(`/projects/${this.dataset.project}/import/${id}`);
    // Lost at the last moment, the page stays until there is a server to lead to.
    if (navigator.onLine) next();
    else addEventListener("online", next, { once: true });
  }

  #fail(sentence) {
    this.#isSending = false;
    this.#show({ sending: Boolean(this.#source) });
    this.#error(sentence);
    this.#told("");
    this.#buttons(this.#source ? { resume: true, cancel: true } : {});
    this.card.hidden = false;
    if (!this.#source) this.querySelector(".what").textContent = "This cannot be sent";
  }

  #show({ what, sending = true }) {
    this.card.hidden = !sending;
    this.drop.hidden = sending && Boolean(this.#source);
    if (what) this.querySelector(".what").textContent = what;
    if (!sending) {
      this.#source = null;
      this.drop.hidden = false;
    }
    if (what) {
      this.querySelector("progress").value = 0;
      this.querySelector(".how-far").textContent = "";
      this.#told("");
      this.#error("");
      this.#buttons({});
    }
  }

  #note(text) {
    this.querySelector(".left-out").textContent = text;
  }

  #told(text) {
    this.querySelector(".told").textContent = text;
  }

  #error(text) {
    const fault = this.querySelector(".error");
    fault.textContent = text;
    fault.hidden = !text;
  }

  #buttons(shown) {
    for (const act of ["pause", "resume", "cancel"]) this.#button(act).hidden = !shown[act];
  }

  #button(act) {
    return this.querySelector(`[data-act="${act}"]`);
  }
}

// The server's own sentence, where it answered.
const sentenceOf = (error) => {
  const response = error.originalResponse;
  if (!response) return "The server cannot be reached.";
  if (response.getStatus() === 401) return "You are logged out. Log in in another tab, then go on here.";
  try {
    return JSON.parse(response.getBody()).detail;
  } catch {
    return `The server answered ${response.getStatus()}.`;
  }
};

customElements.define("shoal-upload", ShoalUpload);
