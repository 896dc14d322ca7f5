/** Between the records the server sends and the rows and form values the console works with. */
import type { ChoiceId, FieldMeta, ResourceMeta, Row } from "./types";

/**
 * The key of a record as it was read alone. Lists fill the cache of react-admin's own key with their rows, and a row
 * lacks the ETag and the fields that are not listed: a form that started from one would save them away.
 */
export const recordKey = (resource: string, id: ChoiceId) => [resource, "getOne", { id: String(id), whole: true }] as const;

export function toRow(record: Record<string, unknown>, meta: Pick<ResourceMeta, "id">): Row {
  const id = record[meta.id] ?? record.id;
  return { ...record, id: id as ChoiceId };
}

/** Where the value of a field stands in a record, and in a form. */
export function fieldPath(field: FieldMeta): string {
  if (field.custom && !field.name.startsWith("custom_field_data.")) return `custom_field_data.${field.name}`;
  return field.name;
}

export function fieldValue(record: Record<string, unknown> | undefined, field: FieldMeta): unknown {
  if (!record) return undefined;
  const path = fieldPath(field);
  if (!path.startsWith("custom_field_data.")) return record[path];
  const custom = record.custom_field_data as Record<string, unknown> | null | undefined;
  return custom?.[path.slice("custom_field_data.".length)];
}

/** The label that comes beside a reference, user or choice: `team` is accompanied by `team_name`. */
export function fieldLabel(record: Record<string, unknown>, field: FieldMeta): string | string[] | undefined {
  const label = record[`${field.name}_name`];
  if (typeof label === "string" && label !== "") return label;
  if (Array.isArray(label)) return label.map(String);
  return undefined;
}

export function titleOf(record: Record<string, unknown>, meta: Pick<ResourceMeta, "title" | "label">): string {
  const title = record[meta.title] ?? record.name ?? record.display_id ?? record.id;
  return title === undefined || title === null || title === "" ? meta.label : String(title);
}

/** An id out of whatever stands for a reference: the id itself, or an object that carries it. */
export function referenceId(value: unknown): ChoiceId | null {
  if (typeof value === "string" || typeof value === "number") return value === "" ? null : value;
  if (typeof value === "object" && value !== null) {
    const object = value as Record<string, unknown>;
    const id = object.id ?? object.profile_id ?? object.team_id ?? object.requester_id;
    if (typeof id === "string" || typeof id === "number") return id;
  }
  return null;
}

export function formValues(record: Record<string, unknown> | undefined, fields: FieldMeta[]): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  const custom: Record<string, unknown> = {};
  for (const field of fields) {
    const path = fieldPath(field);
    const raw = record ? fieldValue(record, field) : field.default;
    const value = normalise(raw, field);
    if (path.startsWith("custom_field_data.")) custom[path.slice("custom_field_data.".length)] = value;
    else values[path] = value;
  }
  if (Object.keys(custom).length > 0) values.custom_field_data = custom;
  return values;
}

function normalise(value: unknown, field: FieldMeta): unknown {
  switch (field.kind) {
    case "boolean":
      return Boolean(value);
    case "choice":
    case "user":
    case "reference":
      return referenceId(value);
    case "choices":
    case "users":
    case "references":
      return Array.isArray(value) ? value.map(referenceId).filter((id) => id !== null) : [];
    case "json":
      return value === undefined || value === null || value === "" ? "" : typeof value === "string" ? value : JSON.stringify(value, null, 2);
    case "datetime":
      return value ? toLocalInput(String(value)) : "";
    case "date":
      return value ? String(value).slice(0, 10) : "";
    default:
      return value ?? "";
  }
}

/** Form text to the value the API wants; throws a sentence when it cannot be one. */
export function toApiValue(value: unknown, field: Pick<FieldMeta, "kind" | "label">): unknown {
  if (value === "" || value === undefined || value === null) {
    return ["choices", "users", "references"].includes(field.kind) ? [] : null;
  }
  switch (field.kind) {
    case "integer":
    case "number": {
      const number = Number(value);
      if (!Number.isFinite(number)) throw new Error(`${field.label} is not a number.`);
      if (field.kind === "integer" && !Number.isInteger(number)) throw new Error(`${field.label} must be a whole number.`);
      return number;
    }
    case "datetime": {
      const date = new Date(String(value));
      if (Number.isNaN(date.getTime())) throw new Error(`${field.label} is not a date.`);
      return date.toISOString();
    }
    case "json":
      if (typeof value !== "string") return value;
      try {
        return JSON.parse(value) as unknown;
      } catch {
        throw new Error(`${field.label} is not valid JSON.`);
      }
    default:
      return value;
  }
}

/** What goes to the server: every value on create, on edit those that differ from where the form started. */
export function toPayload(
  values: Record<string, unknown>,
  start: Record<string, unknown> | undefined,
  fields: FieldMeta[],
): { payload: Record<string, unknown>; errors: Record<string, string[]> } {
  const payload: Record<string, unknown> = {};
  const custom: Record<string, unknown> = {};
  const errors: Record<string, string[]> = {};
  for (const field of fields) {
    const path = fieldPath(field);
    const key = path.replace(/^custom_field_data\./, "");
    const isCustom = key !== path;
    const pick = (from: Record<string, unknown> | undefined) =>
      isCustom ? (from?.custom_field_data as Record<string, unknown> | undefined)?.[key] : from?.[path];
    const value = pick(values);
    if (start && same(value, pick(start))) continue;
    try {
      const out = toApiValue(value, field);
      // An untouched empty box says nothing about the field: leave the server's default in place.
      if (!start && (out === null || (Array.isArray(out) && out.length === 0))) continue;
      if (isCustom) custom[key] = out;
      else payload[path] = out;
    } catch (error) {
      errors[path] = [error instanceof Error ? error.message : String(error)];
    }
  }
  if (Object.keys(custom).length > 0) payload.custom_field_data = custom;
  return { payload, errors };
}

export function same(a: unknown, b: unknown): boolean {
  const empty = (value: unknown) => value === undefined || value === null || value === "" || (Array.isArray(value) && value.length === 0);
  if (empty(a) && empty(b)) return true;
  return JSON.stringify(a) === JSON.stringify(b);
}

/** ISO time to what `<input type="datetime-local">` shows, in the browser's zone. */
export function toLocalInput(iso: string): string {
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return "";
  const pad = (part: number) => String(part).padStart(2, "0");
  return `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}T${pad(date.getHours())}:${pad(date.getMinutes())}`;
}
