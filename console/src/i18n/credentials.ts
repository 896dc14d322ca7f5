export const credentials = {
  test: "Try it",
  address: "Address of a device",
  hint: "Asked with the values above, before they are saved.",
  path: "Path",
  pathHint: "One that needs a log-in.",
  accept: "Accept this key",
  forget: "Forget the trusted key",
  ask: "Ask the device",
  asking: "Asking ...",
  took: "(%{ms} ms)",
};
