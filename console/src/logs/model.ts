import type { FieldInfo, Line } from "./api";

/** Syslog severities (RFC 5424) in three tones: what needs somebody, what may, and the rest. */
export function tone(severity: number): "error" | "warning" | "plain" {
  if (severity <= 3) return "error";
  return severity === 4 ? "warning" : "plain";
}

/** A value as it stands in a query: in quotes unless it is one plain word. */
export function quoted(value: string): string {
  return /^[\p{L}\p{N}_.-]+$/u.test(value) && !/^(and|or|not)$/i.test(value) ? value : `"${value.replace(/[\\"]/g, "\\$&")}"`;
}

/** The query with one more condition; the same one twice changes nothing. */
export function withCondition(query: string, condition: string): string {
  const text = query.trim();
  if (!text) return condition;
  if (text === condition || text.endsWith(` and ${condition}`) || text.startsWith(`${condition} and `)) return text;
  return /\bor\b/i.test(text) ? `(${text}) and ${condition}` : `${text} and ${condition}`;
}

export function condition(field: string, value: string, without = false): string {
  return `${without ? "not " : ""}${field}:${quoted(value)}`;
}

/** A column's value in a line; what is not a column of its own is one of its fields. */
export function valueOf(line: Line, column: string): string {
  if (column.startsWith("fields.")) return line.fields[column.slice(7)] ?? "";
  const value = (line as unknown as Record<string, unknown>)[column];
  if (column === "severity") return line.severity_name;
  if (column === "facility") return line.facility_name;
  if (Array.isArray(value)) return value.join(", ");
  if (value === undefined) return line.fields[column] ?? "";
  return value === null ? "" : String(value);
}

const SPAN = /^now-(\d+)([smhdw])$/;
const SECONDS: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };

/** How many seconds a range that ends now covers; undefined for one between two moments. */
export function spanOf(from: string, to: string): number | undefined {
  const match = SPAN.exec(from);
  if (!match || (to && to !== "now")) return undefined;
  return Number(match[1]) * (SECONDS[match[2] ?? ""] ?? 0);
}

/** The address of what is on screen now, for somebody else: "the last hour" would be another hour when they open it. */
export function shareLink(href: string, { from, to }: { from: string; to: string }, now: Date): string {
  const url = new URL(href);
  url.searchParams.delete("live");
  const span = spanOf(from, to);
  if (span !== undefined) {
    url.searchParams.set("from", new Date(now.getTime() - span * 1000).toISOString());
    url.searchParams.set("to", now.toISOString());
  }
  return url.toString();
}

/** Newest first, none twice, and no more than a page that stays quick can hold. */
export function merged(fresh: Line[], known: Line[], most: number): Line[] {
  const ids = new Set(known.map((line) => line.id));
  return [...fresh.filter((line) => !ids.has(line.id)).reverse(), ...known].slice(0, most);
}

const MOST_FACETS = 10;

/** The usual facets and those that were opened, as many as are counted at once. */
export function facetsOf(usual: string[], opened: string[]): string[] {
  return [...new Set([...usual, ...opened])].slice(0, MOST_FACETS);
}

/** What nearly every line has a value of its own for: not counted. */
const UNCOUNTED = new Set(["message", "raw", "time", "received", "id"]);

/** Fields by a part of their name; those that most lines have first. */
export function foundFields(fields: FieldInfo[], search: string): FieldInfo[] {
  const wanted = search.trim().toLowerCase();
  return fields.filter((field) => !UNCOUNTED.has(field.name) && field.name.toLowerCase().includes(wanted)).sort((a, b) => (b.count ?? Number.MAX_SAFE_INTEGER) - (a.count ?? Number.MAX_SAFE_INTEGER));
}
