// Whether what is pressed in an element is text for it, and so no command.

export const takesText = (target) => target.closest("input:not([type=checkbox]), textarea, select, [contenteditable]") !== null;
