import type { FieldMeta } from "../api/types";
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
