// Writes the help page's tables of keys from the one list that the board obeys.

import { element } from "./html.js";
import * as own from "./keys.js";

const caps = (keys) => keys.flatMap((key, i) => (i ? [" ", element("kbd", {}, key)] : [element("kbd", {}, key)]));

const place = document.getElementById("key-tables");
const groups = Map.groupBy([...own.KEYS, ...(own.OBJECT_KEYS ?? [])], ({ group }) => group ?? "Keys");
for (const [group, keys] of groups) {
  const rows = keys.map(({ keys: signs, does }) =>
    element("tr", {}, element("td", {}, ...caps(signs)), element("td", {}, does)));
  const table = element("table", { className: "table" }, element("caption", {}, group), element("tbody", {}, ...rows));
  place.append(table);
}
place.removeAttribute("aria-busy");
