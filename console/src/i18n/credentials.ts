export const credentials = {
  test: "Try it",
  address: "Address of a device",
  hint: "Asked with the values above, before they are saved.",
  ask: "Ask the device",
  asking: "Asking ...",
  took: "(%{ms} ms)",
};
