// What this person keeps of this project's board: {slots, size, show, contrast, invert}, all or some of them.

import { putJson } from "./requests.js";
import { toast } from "./toasts.js";

let turn = Promise.resolve();
const unsaved = new Map(); // by project: what could not be kept while nobody was logged in

// One after the other, so that the last one that was meant is the one that stays. Gives all that is kept now, or null
// where it could not be kept, which is said.
export const savePreference = (projectId, change) => {
  turn = turn.then(() => put(projectId, change));
  return turn;
};

const put = async (projectId, change) => {
  try {
    return await putJson(`/projects/${projectId}/preferences`, change);
  } catch (error) {
    if (error.needsLogin) unsaved.set(projectId, merged(unsaved.get(projectId) ?? {}, change));
    else toast(`${error.message} This holds until the page is left, but could not be kept.`, { kind: "warn", key: "preference", stays: false });
    return null;
  }
};

const merged = (before, change) =>
  change.slots ? { ...before, ...change, slots: { ...before.slots, ...change.slots } } : { ...before, ...change };

addEventListener("shoal:session-back", () => {
  for (const [projectId, change] of unsaved) savePreference(projectId, change);
  unsaved.clear();
});
