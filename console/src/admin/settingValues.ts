import { toApiValue } from "../api/records";
import type { FieldKind } from "../api/types";

/** The text of a setting's value in its box. */
export function shown(value: unknown): string {
  if (value === null || value === undefined) return "";
  return typeof value === "object" ? JSON.stringify(value, null, 2) : String(value);
}

/** What was typed, as the values the API wants, with a sentence for each that cannot be one. */
export function settingValues(changes: Record<string, unknown>, settings: { name: string; label: string; kind: FieldKind }[]): { values: Record<string, unknown>; errors: Record<string, string[]> } {
  const values: Record<string, unknown> = {};
  const errors: Record<string, string[]> = {};
  for (const setting of settings) {
    if (!(setting.name in changes)) continue;
    const typed = changes[setting.name];
    try {
      // An emptied text is an empty text and not the default.
      values[setting.name] = typed === "" && !["integer", "number", "json"].includes(setting.kind) ? "" : toApiValue(typed, setting);
    } catch (error) {
      errors[setting.name] = [error instanceof Error ? error.message : String(error)];
    }
  }
  return { values, errors };
}
