// The sheet that creates a taxon which the label field did not find.

import { postJson } from "./requests.js";
import { toast } from "./toasts.js";

export const wireNewTaxon = (field, projectId) => {
  const sheet = document.getElementById("new-taxon");
  const parent = sheet.querySelector("taxon-field");
  field.addEventListener("create", ({ detail }) => {
    sheet.elements.name.value = detail.name;
    sheet.showPopover();
    parent.focus();
  });
  parent.addEventListener("apply", () => sheet.requestSubmit());
  sheet.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = sheet.querySelector("button.primary");
    if (button.disabled) return; // Enter twice asks once
    button.disabled = true;
    try {
      const above = await parent.resolve();
      if (!above && !parent.empty) return;
      const { name, type } = sheet.elements;
      const asked = { name: name.value, type: type.value, parent_id: above?.id ?? null, project_id: Number(projectId) };
      field.choose(await postJson("/taxa", asked));
      sheet.hidePopover();
      parent.clear();
      field.focus();
    } catch (error) {
      toast(error.message, { kind: "bad", key: "taxa" });
    } finally {
      button.disabled = false;
    }
  });
};
