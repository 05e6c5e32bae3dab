// What one tab changed is told to this person's other tabs of the same project.

import { whileShown } from "./page_life.js";

const channel = new BroadcastChannel("shoal");

// `who`: {project, account}, as texts.
export const tellTabs = (who, kind, told) => channel.postMessage({ project: who.project, account: who.account, kind, told });

// While what the page shows now lasts.
export const hearTabs = (who, kind, heard) => {
  const { project, account } = who;
  const isOurs = (data) => data.kind === kind && data.project === project && data.account === account;
  channel.addEventListener("message", ({ data }) => isOurs(data) && heard(data.told), { signal: whileShown() });
};
