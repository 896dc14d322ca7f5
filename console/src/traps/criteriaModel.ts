/** What a trap's variables must be, as the form shows it. */
import type { Condition } from "../api/filters";
import { parsed } from "../rules/model";

export const CRITERIA = ["equal", "not_equal", "in", "not_in", "contains", "not_contains", "starts_with", "greater", "greater_equal", "less", "less_equal", "between", "empty", "not_empty"] as const satisfies readonly Condition[];

export interface Criterion {
  key: string;
  condition: (typeof CRITERIA)[number];
  value: string;
}

export interface CriteriaDraft {
  items: Criterion[];
  any: boolean;
}

const LISTS = new Set(["in", "not_in", "between"]);

/** The document as the form shows it; undefined where it says more than the form can show. */
export function readCriteria(value: unknown): CriteriaDraft | undefined {
  if (value === null || value === undefined || value === "") return { items: [], any: false };
  const document = parsed(value);
  if (typeof document !== "object" || document === null) return undefined;
  const { condition, varbind, ...rest } = (Array.isArray(document) ? { varbind: document as unknown[] } : document) as { condition?: unknown; varbind?: unknown };
  const list = varbind === undefined ? [] : varbind;
  if (Object.keys(rest).length > 0 || !Array.isArray(list)) return undefined;
  const items: Criterion[] = [];
  for (const raw of list as (Record<string, unknown> | null)[]) {
    const word = CRITERIA.find((known) => known === (raw?.condition ?? "equal"));
    if (!raw || !word || (typeof raw.key !== "string" && typeof raw.key !== "number")) return undefined;
    items.push({ key: String(raw.key), condition: word, value: Array.isArray(raw.value) ? raw.value.join(", ") : String(raw.value ?? "") });
  }
  return { items, any: condition === "or" || condition === "any" };
}

/** A key of digits only is a position. */
export function writeCriteria({ items, any }: CriteriaDraft): Record<string, unknown> {
  if (items.length === 0) return {};
  const varbind = items.map(({ key, condition, value }) => ({
    key: /^\d+$/.test(key.trim()) ? Number(key) : key.trim(), condition,
    ...(condition === "empty" || condition === "not_empty" ? {} : { value: LISTS.has(condition) ? value.split(",").map((part) => part.trim()).filter(Boolean) : value }),
  }));
  return { condition: any ? "or" : "and", varbind };
}
