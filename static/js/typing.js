// To whom a key that is pressed belongs.

// Whether what is pressed in an element is text for it, and so no command.
export const takesText = (target) => target.closest("input:not([type=checkbox]), textarea, select, [contenteditable]") !== null;

const PRESSED = new Set(["toggle", "open", "validate", "doubt", "apply", "applyDubious"]);

// Whether a command's key is that of the field, button or sheet that has the focus.
export const belongsElsewhere = (event, command) => {
  const { target } = event;
  if (takesText(target)) return true;
  if (document.querySelector("[popover]:popover-open")) return command !== "help";
  if (command === "clear" && event.defaultPrevented) return true; // it closed a menu
  if (PRESSED.has(command) && target.closest("button, a, summary, input")) return true;
  return command === "step" && target.closest(".tree, .menu") !== null;
};
