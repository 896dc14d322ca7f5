import { parsed } from "../rules/model";

export interface FieldRule {
  field: string;
  behaviour: string;
}

/** Field → behaviour, as the record or a form that was begun holds it, in rows. */
export function readRules(value: unknown): FieldRule[] {
  const raw = parsed(value);
  if (typeof raw !== "object" || raw === null || Array.isArray(raw)) return [];
  return Object.entries(raw).map(([field, behaviour]) => ({ field, behaviour: String(behaviour) }));
}

/** As the API takes them; a row without a field says nothing yet. */
export function writeRules(rules: FieldRule[]): Record<string, string> {
  return Object.fromEntries(rules.filter((rule) => rule.field).map((rule) => [rule.field, rule.behaviour]));
}
