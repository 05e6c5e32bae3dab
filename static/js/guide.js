// Writes the help page's tables of keys from the one list that the board obeys.

import { BATCH_KEYS, KEYS, OBJECT_KEYS, keysTable } from "./keys.js";

const place = document.getElementById("key-tables");
for (const rows of Map.groupBy([...KEYS, ...BATCH_KEYS, ...OBJECT_KEYS], ({ group }) => group).values()) place.append(keysTable(rows));
place.removeAttribute("aria-busy");
