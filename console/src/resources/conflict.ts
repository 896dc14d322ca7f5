import { fieldPath } from "../api/records";
import type { FieldMeta, Row } from "../api/types";

export interface Conflict {
  mine: Record<string, unknown>;
  theirs: Row;
  fields: FieldMeta[];
}

export type Choice = "mine" | "theirs";

/** The fields that were about to be written, custom ones included. */
export function conflictFields({ mine, fields }: Pick<Conflict, "mine" | "fields">): FieldMeta[] {
  const custom = (mine.custom_field_data ?? {}) as Record<string, unknown>;
  return fields.filter((field) => {
    const path = fieldPath(field);
    return path in mine || path.replace("custom_field_data.", "") in custom;
  });
}

/** What is left to write once the fields for which theirs was chosen are dropped. */
export function resolveConflict(conflict: Pick<Conflict, "mine" | "fields">, choices: Record<string, Choice>): Record<string, unknown> {
  const payload: Record<string, unknown> = {};
  const custom: Record<string, unknown> = {};
  const mineCustom = (conflict.mine.custom_field_data ?? {}) as Record<string, unknown>;
  for (const field of conflictFields(conflict)) {
    if (choices[field.name] === "theirs") continue;
    const path = fieldPath(field);
    const key = path.replace("custom_field_data.", "");
    if (key !== path) custom[key] = mineCustom[key];
    else payload[path] = conflict.mine[path];
  }
  if (Object.keys(custom).length > 0) payload.custom_field_data = custom;
  return payload;
}
