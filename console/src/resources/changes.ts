import { same } from "../api/records";
import type { Change, FieldMeta } from "../api/types";
import { dateOnly, dateTime, plainText } from "../common/format";
import { t } from "../i18n";

/** A value of the history as people read it; empty for what was empty. */
export function changeText(value: unknown, field: FieldMeta | undefined): string {
  if (value === null || value === undefined || value === "") return "";
  if (Array.isArray(value)) return value.map((item) => changeText(item, field)).filter(Boolean).join(", ");
  if (typeof value === "object") {
    const { name } = value as { name?: unknown };
    return typeof name === "string" ? name : JSON.stringify(value);
  }
  const choice = field?.choices?.find((item) => String(item.id) === String(value));
  if (choice) return choice.name;
  if (typeof value === "boolean") return t(value ? "common.yes" : "common.no");
  const text = String(value);
  if (field?.kind === "datetime") return dateTime(text);
  if (field?.kind === "date") return dateOnly(text);
  return /<\w+[^>]*>/.test(text) ? plainText(text) : text;
}

const CUSTOM = "custom_field_data";

/** The changes of a write, those of custom fields one by one, under the labels they have now. */
export function apart(changes: Change[], fields: FieldMeta[]): Change[] {
  return changes.flatMap((change) => {
    if (change.field !== CUSTOM) return [change];
    const [old, now] = [change.old, change.new].map((side) => (typeof side === "object" && side !== null ? (side as Record<string, unknown>) : {})) as [Record<string, unknown>, Record<string, unknown>];
    const keys = [...new Set([...Object.keys(old), ...Object.keys(now)])].filter((key) => !same(old[key], now[key]));
    return keys.map((key) => ({ field: `${CUSTOM}.${key}`, label: fields.find((field) => field.custom && field.name === key)?.label ?? key, old: old[key], new: now[key] }));
  });
}
