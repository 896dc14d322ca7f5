import { dateTime } from "../common/format";
import type { ChoiceId, FieldKind, FieldMeta } from "./types";

export type Condition =
  | "equal" | "not_equal" | "in" | "not_in" | "contains" | "not_contains" | "starts_with"
  | "greater" | "greater_equal" | "less" | "less_equal" | "between" | "empty" | "not_empty";

export interface Clause {
  field: string;
  condition: Condition;
  value?: unknown;
}

/** What the list page keeps in its URL: free text, clauses, and whether all or any must hold. */
export interface ListFilter {
  q?: string;
  where?: Clause[];
  any?: boolean;
}

const PRESENCE: Condition[] = ["empty", "not_empty"];
const TEXT: Condition[] = ["contains", "not_contains", "equal", "not_equal", "starts_with", ...PRESENCE];
const RANGE: Condition[] = ["equal", "not_equal", "greater", "greater_equal", "less", "less_equal", "between", ...PRESENCE];
const MEMBER: Condition[] = ["in", "not_in", ...PRESENCE];

const BY_KIND: Record<FieldKind, Condition[]> = {
  text: TEXT, longtext: TEXT, html: TEXT, email: TEXT, phone: TEXT, url: TEXT, color: TEXT, json: PRESENCE, secret: PRESENCE,
  integer: RANGE, number: RANGE, date: RANGE, datetime: RANGE,
  boolean: ["equal"],
  choice: MEMBER, choices: MEMBER, user: MEMBER, users: MEMBER, reference: MEMBER, references: MEMBER,
};

export function conditionsFor(kind: FieldKind): Condition[] {
  return BY_KIND[kind] ?? TEXT;
}

export function takesNoValue(condition: Condition): boolean {
  return condition === "empty" || condition === "not_empty";
}

export function takesList(condition: Condition): boolean {
  return condition === "in" || condition === "not_in";
}

/** A clause without its value yet must not narrow the list while it is being typed. */
export function isComplete(clause: Clause): boolean {
  if (!clause.field) return false;
  if (takesNoValue(clause.condition)) return true;
  const { value } = clause;
  if (clause.condition === "between") return Array.isArray(value) && value.length === 2 && value.every(isPresent);
  if (Array.isArray(value)) return value.length > 0;
  return isPresent(value);
}

function isPresent(value: unknown): boolean {
  return value !== undefined && value !== null && value !== "";
}

/** The `filters` parameter, or undefined when nothing narrows the list. */
export function buildFilters(filter: ListFilter): Record<string, unknown> | undefined {
  const clauses = (filter.where ?? []).filter(isComplete).map((clause) =>
    takesNoValue(clause.condition) ? { field: clause.field, condition: clause.condition } : clause,
  );
  if (clauses.length === 0) return undefined;
  return { [filter.any ? "or" : "and"]: clauses };
}

export function filterName(field: FieldMeta): string {
  return field.custom && !field.name.startsWith("custom_field_data.") ? `custom_field_data.${field.name}` : field.name;
}

export function firstCondition(field: FieldMeta): Condition {
  return conditionsFor(field.kind)[0] ?? "equal";
}

/** How a clause starts out once its field or condition changes: the old value seldom fits the new shape. */
export function emptyValue(field: FieldMeta, condition: Condition): unknown {
  if (takesNoValue(condition)) return undefined;
  if (condition === "between") return ["", ""];
  if (takesList(condition)) return [];
  if (field.kind === "boolean") return true;
  return "";
}

/** `nameOf`: names of records that a value stands for. */
export function describeClause(clause: Clause, field: FieldMeta | undefined, words: (key: string) => string, nameOf: (id: ChoiceId) => string = String): string {
  const label = field?.label ?? clause.field;
  if (takesNoValue(clause.condition)) return `${label} ${words(clause.condition)}`;
  const name = (value: unknown) => {
    if (typeof value === "boolean") return words(value ? "yes" : "no");
    if (field?.kind === "datetime") return dateTime(String(value)) || String(value);
    return field?.choices?.find((choice) => String(choice.id) === String(value))?.name ?? nameOf(value as ChoiceId);
  };
  const value = Array.isArray(clause.value) ? clause.value.map(name).join(", ") : name(clause.value);
  return `${label} ${words(clause.condition)} ${value}`;
}
