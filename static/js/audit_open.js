// Draws a random sample from what nobody saw of a batch or a pile, and opens it to be judged.

import { newId } from "./outbox.js";
import { postJson } from "./requests.js";
import { toast } from "./toasts.js";

// `wish`: source ("batch" or "pile"), source_id, taxon_id, status.
export const openAudit = async (projectId, wish) => {
  toast("Drawing a sample…", { key: "audit", stays: true });
  try {
    const { audit } = await postJson(`/api/v1/projects/${projectId}/audits`, { client_id: newId(), ...wish });
    location.assign(`/projects/${projectId}/audits/${audit.id}`);
  } catch (error) {
    toast(error.message, { kind: "warn", key: "audit" });
  }
};
