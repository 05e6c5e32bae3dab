// Asks the server, and turns every way of failing into one error with a sentence for people.

import { parseFragment } from "./html.js";

export class RequestFailed extends Error {
  // `told`: what the server says beside the sentence, such as {n_unseen}.
  constructor(sentence, status, told = {}) {
    super(sentence);
    this.status = status; // 0: no answer at all
    this.told = told;
  }

  // Worth sending again as it is: nothing reached the server, or the server could not cope.
  get passing() {
    return this.status === 0 || this.status === 408 || this.status === 429 || this.status >= 500;
  }

  get needsLogin() {
    return this.status === 401;
  }
}

// Problem details for scripts, a toast for fragments: both hold the sentence.
const failureOf = async (response) => {
  const type = response.headers.get("Content-Type") ?? "";
  const body = await response.text();
  const told = type.includes("json") ? JSON.parse(body) : {};
  const sentence = told.detail ?? parseFragment(body).querySelector(".toast p")?.textContent;
  return new RequestFailed(sentence || `The server answered ${response.status} ${response.statusText}.`, response.status, told);
};

// Throws where the answer is none.
export const checkAnswer = async (response) => {
  // A redirect to the login page is followed silently by fetch.
  const toLogin = response.redirected && new URL(response.url).pathname === "/login";
  if (toLogin || response.status === 401) dispatchEvent(new Event("shoal:session-ended"));
  if (toLogin) throw new RequestFailed("Log in to go on.", 401);
  if (!response.ok) throw await failureOf(response);
};

const ask = async (url, options, accept) => {
  let response;
  try {
    response = await fetch(url, { ...options, headers: { Accept: accept, ...options.headers } });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new RequestFailed("The server cannot be reached.", 0);
  }
  await checkAnswer(response);
  return response;
};

export const getJson = async (url, options = {}) => (await ask(url, options, "application/json")).json();

export const getHtml = async (url, options = {}) =>
  (await ask(url, { ...options, headers: { "HX-Request": "true" } }, "text/html")).text();

const sendJson = async (method, url, body, more = {}) => {
  const options = { method, headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
  const response = await ask(url, { ...options, ...more }, "application/json");
  return response.status === 204 ? null : response.json();
};

// `more`: a signal, say, or keepalive for what is sent while the page is left. Null where there is nothing to answer.
export const postJson = (url, body, more) => sendJson("POST", url, body, more);

export const putJson = (url, body, more) => sendJson("PUT", url, body, more);

export const patchJson = (url, body) => sendJson("PATCH", url, body);

export const deleteJson = (url) => sendJson("DELETE", url);

export const postForm = async (url, form) =>
  (await ask(url, { method: "POST", body: form }, "application/json")).json();
