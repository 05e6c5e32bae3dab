// How much sizes count in every order by likeness: the slider of the order's sheet and of a batch.

// `changed` is called with the weight when the slider was let go.
export const wireSizeWeight = (root, changed) => {
  const input = root.querySelector("[data-size-weight]");
  if (!input) return;
  const output = input.closest("label").querySelector("output");
  input.addEventListener("input", () => (output.value = Number(input.value).toFixed(2)));
  input.addEventListener("change", () => changed(Number(input.value)));
};
