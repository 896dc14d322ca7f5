import { api, query } from "../api/http";

/** A stored log line, as /api/logs/ answers it. */
export interface Line {
  id: string;
  time: string;
  received: string;
  source: string;
  host: string;
  ci: string;
  facility: number;
  facility_name: string;
  severity: number;
  severity_name: string;
  app: string;
  procid: string;
  msgid: string;
  message: string;
  fields: Record<string, string>;
  tags: string[];
  format: string;
  pipeline: string;
  raw: string;
}

/** What is looked at: the query and the time range, in the server's words ("now-1h", ISO 8601). */
export interface Range {
  query: string;
  from: string;
  to: string;
}

export interface Lines {
  results: Line[];
  count: number;
  next: string | null;
  from: string | null;
  to: string | null;
  took_ms: number;
}

export interface Bucket {
  time: string;
  count: number;
  severities: Record<string, number>;
}

export interface Histogram {
  interval_seconds: number;
  from: string;
  to: string;
  total: number;
  buckets: Bucket[];
  took_ms: number;
}

export interface FacetValue {
  value: string;
  label: string;
  count: number;
  query: string;
}

export interface Facet {
  field: string;
  label: string;
  values: FacetValue[];
  distinct: number;
  missing: number;
}

export interface FieldInfo {
  name: string;
  label: string;
  kind: string;
  help: string;
  count: number | null;
}

export interface Suggestion {
  text: string;
  label: string;
  kind: string;
  start: number;
  end: number;
}

const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;

function body(range: Range, more: Record<string, unknown> = {}): Record<string, unknown> {
  return { query: range.query, from: range.from || undefined, to: range.to || undefined, timezone: zone, ...more };
}

export const readLines = (range: Range, cursor: string, signal?: AbortSignal) =>
  api<Lines>("/ux/logmanagement/log_search/log_search/logs/", { method: "POST", body: body(range, { limit: 200, cursor }), signal });

export const readHistogram = (range: Range, signal?: AbortSignal) =>
  api<Histogram>("/api/logs/histogram/", { method: "POST", body: body(range, { buckets: 90 }), signal });

export const readFacets = (range: Range, fields: string[], signal?: AbortSignal) =>
  api<{ results: Facet[]; total: number }>("/api/logs/facets/", { method: "POST", body: body(range, { fields, limit: 8 }), signal });

export const readFields = (range: Range, signal?: AbortSignal) =>
  api<{ results: FieldInfo[] }>(`/api/logs/fields/${query({ from: range.from, to: range.to, timezone: zone })}`, { signal });

export const readSuggestions = (range: Range, text: string, position: number, signal?: AbortSignal) =>
  api<{ results: Suggestion[]; error: string; position: number | null }>("/api/logs/suggestions/", {
    method: "POST", body: { ...body(range), query: text, position }, signal,
  });

export const readSurrounding = (id: string, signal?: AbortSignal) =>
  api<{ before: Line[]; line: Line; after: Line[] }>(`/api/logs/surrounding/${query({ id, before: 15, after: 15 })}`, { signal });

export const tailUrl = (text: string) => `/api/logs/tail/${query({ query: text, timezone: zone })}`;

export const exportUrl = (range: Range, format: "csv" | "jsonl", columns: string[]) =>
  `/api/logs/export/${query({ query: range.query, from: range.from, to: range.to, timezone: zone, format, columns: columns.join(",") })}`;

export interface Template {
  id: string;
  template: string;
  app: string;
  count: number;
  share: number;
  first_seen: string;
  last_seen: string;
  new: boolean;
  example: string;
  query: string;
}

export const TEMPLATE_SORTS = ["count", "rare", "first_seen", "last_seen"] as const;
export type TemplateSort = (typeof TEMPLATE_SORTS)[number];

export const readTemplates = (asked: { from: string; to: string; search: string; fresh: boolean; sort: TemplateSort }, signal?: AbortSignal) =>
  api<{ results: Template[]; total: number }>(`/api/logs/templates/${query({ from: asked.from, to: asked.to, search: asked.search, new: asked.fresh || undefined, sort: asked.sort, timezone: zone, limit: 200 })}`, { signal });

/** The form of a log rule, begun with a query. */
export const newRule = (name: string, text: string) => `/log_rule/create?with=${encodeURIComponent(JSON.stringify({ name, query: text }))}`;
