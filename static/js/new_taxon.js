// The sheet that creates a taxon which the label field did not find. Nothing is created by Enter alone: the place in the
// tree has to be named first, and taxa of nearly the same name are shown before.

import { count, nameCut } from "./html.js";
import { nearNames } from "./near_names.js";
import { postJson } from "./requests.js";

const AFTER_LAST_KEY_MS = 250;
const NO_PLACE = "Say where it belongs: type the taxon above it, or tick “at the root of the tree”.";

// `label(status)` labels what is selected, as `status`, with the taxon that the field then holds.
export const wireNewTaxon = (field, projectId, { nSelected, label }) => {
  const sheet = document.getElementById("new-taxon");
  const parent = sheet.querySelector("taxon-field");
  const { name, type, at_root: atRoot } = sheet.elements;
  const create = sheet.querySelector("button.primary");
  const fault = sheet.querySelector(".error");
  let status = "V";
  let timer = null;

  const say = (sentence) => {
    fault.textContent = sentence;
    fault.hidden = !sentence;
  };
  const use = (taxon) => {
    field.choose(taxon);
    sheet.hidePopover();
    if (nSelected()) label(status);
    else field.focus();
  };
  const showNear = async () => {
    const near = sheet.querySelector(".near");
    const asked = name.value;
    const taxa = await nearNames(asked, projectId).catch(() => []);
    if (asked !== name.value) return;
    near.querySelector(".row").replaceChildren(...taxa.map((taxon) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(nameCut(taxon.display_name, taxon.italic));
      button.addEventListener("click", () => use(taxon));
      return button;
    }));
    near.hidden = !taxa.length;
  };

  field.addEventListener("create", ({ detail }) => {
    ({ status } = detail);
    sheet.reset();
    parent.clear();
    say("");
    name.value = detail.name;
    const n = nSelected();
    const word = status === "D" ? "mark" : "validate";
    create.textContent = n ? `Create and ${word} ${count(n, "object")}${status === "D" ? " as dubious" : ""}` : "Create";
    sheet.querySelector(".near").hidden = true;
    showNear();
    sheet.showPopover();
    parent.focus();
  });
  name.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(showNear, AFTER_LAST_KEY_MS);
  });
  atRoot.addEventListener("change", () => {
    if (atRoot.checked) parent.clear();
    say("");
  });
  parent.addEventListener("taxon", () => parent.taxon && (atRoot.checked = false));
  // Enter takes the parent; creating is a second, deliberate press.
  parent.addEventListener("apply", async () => {
    if (parent.empty) return say(NO_PLACE);
    if (await parent.resolve()) {
      say("");
      create.focus();
    }
  });
  // The field above would lose the focus, its list would close, and the button slip away from under the pointer.
  sheet.addEventListener("mousedown", (event) => event.target.closest("button") && event.preventDefault());
  sheet.addEventListener("keydown", (event) => event.repeat && event.key === "Enter" && event.preventDefault());
  sheet.querySelector("[data-close]").addEventListener("click", () => sheet.hidePopover());
  sheet.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (create.disabled) return; // Enter twice asks once
    create.disabled = true;
    try {
      const above = atRoot.checked ? null : await parent.resolve();
      if (!above && !atRoot.checked) return say(NO_PLACE);
      const asked = { name: name.value, type: type.value, parent_id: above?.id ?? null, project_id: Number(projectId) };
      use(await postJson("/taxa", asked));
    } catch (error) {
      say(error.message);
    } finally {
      create.disabled = false;
    }
  });
};
