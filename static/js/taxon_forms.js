// Forms of the taxonomy's pages that name a taxon: Enter chooses it first, and sends the form the next time.

import { chooseByEnter } from "./taxon_field.js";

for (const field of document.querySelectorAll("form taxon-field")) chooseByEnter(field);
