const isPlain = (value: unknown): value is string | number | boolean => ["string", "number", "boolean"].includes(typeof value);

/** A stored document in words, where it is a name, a list or a flat table; JSON where it is more than that. */
export function documentText(value: unknown): string {
  if (value === null || value === undefined) return "";
  if (isPlain(value)) return String(value);
  if (Array.isArray(value)) return value.every(isPlain) ? value.join(", ") : JSON.stringify(value);
  const entries = Object.entries(value as object);
  const { id, name } = value as { id?: unknown; name?: unknown };
  if (entries.length === 2 && id !== undefined && typeof name === "string") return name;
  return entries.every(([, held]) => isPlain(held)) ? entries.map(([key, held]) => `${key}: ${String(held)}`).join(", ") : JSON.stringify(value);
}
