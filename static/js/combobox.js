// What every field does alike that offers a list while one types: the list itself, what is active in it, the arrows.

import { element } from "./html.js";

let nUnnamed = 0; // inputs that the page gave no id

// The list of suggestions under `input`, closed, and bound to it as assistive technology wants it.
export const makeList = (field, input) => {
  input.id ||= `field-${(nUnnamed += 1)}`;
  const list = element("ul", { id: `${input.id}-list`, className: "suggestions", role: "listbox", hidden: true });
  field.append(list);
  for (const [name, value] of Object.entries({
    role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": list.id,
  })) input.setAttribute(name, value);
  // A press would take the focus from the field, and so close the list before the click.
  list.addEventListener("mousedown", (event) => event.preventDefault());
  return list;
};

// The `i`-th option of a list, with what it shows.
export const makeOption = (list, i, ...shown) => {
  const option = element("li", { id: `${list.id}-${i}`, role: "option" }, ...shown);
  option.dataset.index = i;
  return option;
};

export const showList = (input, list, isOpen) => {
  list.hidden = !isOpen;
  input.setAttribute("aria-expanded", String(isOpen));
};

// Marks the `active`-th option, -1 for none; `reveal` scrolls to it.
export const markActive = (input, list, active, reveal = (option) => option.scrollIntoView({ block: "nearest" })) => {
  for (const option of list.querySelectorAll("[data-index]")) {
    const isActive = Number(option.dataset.index) === active;
    option.setAttribute("aria-selected", String(isActive));
    if (isActive) reveal(option);
  }
  if (active >= 0) input.setAttribute("aria-activedescendant", `${list.id}-${active}`);
  else input.removeAttribute("aria-activedescendant");
};

// Where an arrow goes from the `active`-th of `n` options; null for other keys, and where there is nothing to go to.
export const stepped = (event, active, n) => {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.code];
  if (!step || !n) return null;
  event.preventDefault();
  return (active + step + n) % n;
};
