// Writes the help page's tables of keys from the lists that the pages obey, and one's own keys into its text.

import { CARD_KEYS } from "./cards_keys.js";
import { showOwnKeys } from "./key_map.js";
import { BATCH_KEYS, KEYS, OBJECT_KEYS, keysTable } from "./keys.js";
import { MISTAKE_KEYS } from "./mistakes_keys.js";

const place = document.getElementById("key-tables");
for (const rows of Map.groupBy([...KEYS, ...CARD_KEYS, ...BATCH_KEYS, ...MISTAKE_KEYS, ...OBJECT_KEYS], ({ group }) => group).values()) place.append(keysTable(rows));
place.removeAttribute("aria-busy");
showOwnKeys(document);
