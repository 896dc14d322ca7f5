import type { Clause } from "../api/filters";

export interface Simple {
  where: Clause[];
  any: boolean;
}

function isClause(item: unknown): item is Clause {
  return typeof item === "object" && item !== null && typeof (item as Clause).field === "string" && typeof (item as Clause).condition === "string";
}

/** The words the server takes for the same condition, as the builder knows them. */
const WORDS: Record<string, Clause["condition"]> = { equal_to: "equal", equals: "equal", "=": "equal", not_equal_to: "not_equal", greater_than: "greater", less_than: "less" };

function clauses(item: unknown): Clause[] | undefined {
  if (isClause(item)) return [{ ...item, condition: WORDS[item.condition] ?? item.condition }];
  if (typeof item !== "object" || item === null || Array.isArray(item) || "and" in item || "or" in item || "not" in item) return undefined;
  // The short form: {"severity": [1, 2], "cleared": false}.
  return Object.entries(item).map(([field, value]): Clause => (Array.isArray(value) ? { field, condition: "in", value: value as unknown[] } : { field, condition: "equal", value }));
}

/** Conditions as the builder shows them; undefined where they are nested deeper than it can show. */
export function readConditions(value: unknown): Simple | undefined {
  let document = value;
  if (typeof document === "string") {
    try {
      document = document.trim() ? (JSON.parse(document) as unknown) : {};
    } catch {
      return undefined;
    }
  }
  if (document === null || document === undefined) return { where: [], any: false };
  if (Array.isArray(document)) document = { and: document as unknown[] };
  if (typeof document !== "object") return undefined;
  const { and, or, ...rest } = document as Record<string, unknown>;
  const group = and ?? or;
  if (group === undefined) {
    const found = clauses(document);
    return found && { where: found, any: false };
  }
  if ((and !== undefined && or !== undefined) || Object.keys(rest).length > 0 || !Array.isArray(group)) return undefined;
  const where: Clause[] = [];
  for (const item of group) {
    const found = clauses(item);
    // Several at once in a group of alternatives would have to hold together.
    if (!found || (or !== undefined && found.length > 1)) return undefined;
    where.push(...found);
  }
  return { where, any: or !== undefined };
}

export function writeConditions({ where, any }: Simple): Record<string, unknown> {
  return where.length === 0 ? {} : { [any ? "or" : "and"]: where };
}

export const DAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"] as const;
export type Day = (typeof DAYS)[number];
export type Week = Record<Day, [string, string][]>;

/** What a form holds of a JSON field: text, or the value itself once an editor of its own has changed it. */
export function parsed(value: unknown): unknown {
  if (typeof value !== "string") return value;
  try {
    return JSON.parse(value) as unknown;
  } catch {
    return undefined;
  }
}

export function readWeek(value: unknown): Week {
  const raw = (parsed(value) ?? {}) as Record<string, unknown>;
  const day = (name: Day): [string, string][] => {
    const intervals = raw[name];
    return Array.isArray(intervals) ? intervals.map((text) => { const [from = "", to = ""] = String(text).split("-"); return [from, to]; }) : [];
  };
  return Object.fromEntries(DAYS.map((name) => [name, day(name)])) as Week;
}

export function writeWeek(week: Week): Record<string, string[]> {
  return Object.fromEntries(DAYS.filter((day) => week[day].length > 0).map((day) => [day, week[day].map(([from, to]) => `${from}-${to}`)]));
}

export const isClock = (text: string) => /^([01]\d|2[0-3]):[0-5]\d$|^24:00$/.test(text);
