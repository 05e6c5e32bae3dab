// Says of which objects an act had to leave as they are, and why.
// An object that was left has `by_id`, `by` and, of a mass edit, its words in `edit`; without these, another prediction
// is seen of it.

import { count } from "./html.js";
import { toast } from "./toasts.js";

export const whoChanged = ({ by_id, by, edit, status }, accountId) => {
  if (edit) return `the edit “${edit}”${by ? ` of ${by}` : ""}`;
  if (String(by_id) === accountId) return "you, in another window,";
  return by ?? (status === "P" ? "a new prediction" : "somebody");
};

export const tellRefused = (refused, accountId) => {
  const changed = refused.filter((object) => object.why === "changed");
  const people = [...new Set(changed.map((object) => whoChanged(object, accountId)))];
  if (changed.length) {
    const verb = changed.length === 1 ? "was" : "were";
    const it = changed.length === 1 ? "it is" : "they are";
    toast(`${count(changed.length, "object")} ${verb} changed by ${people.join(" and ")} meanwhile: left as ${it}.`, { kind: "warn" });
  }
  const unclassified = refused.filter((object) => object.why === "unclassified").length;
  if (unclassified) toast(`${count(unclassified, "object")} without a taxon: name one first.`, { kind: "warn" });
  const deprecated = refused.filter((object) => object.why === "deprecated").length;
  if (deprecated) toast(`${count(deprecated, "object")} of a deprecated taxon left: name another one.`, { kind: "warn" });
  const never = refused.filter((object) => object.why === "never").length;
  if (never) toast(`${count(never, "object")} came with a state that they never had: reload the page.`, { kind: "warn" });
  const unknown = refused.filter((object) => object.why === "unknown").length;
  if (unknown) toast(`${count(unknown, "object")} of these no longer exist here.`, { kind: "warn" });
  const inBin = refused.filter((object) => object.why === "in_bin").length;
  if (inBin) toast(`${count(inBin, "object")} in the bin left: bring back what is there, then undo again on the page Acts.`, { kind: "warn" });
};
