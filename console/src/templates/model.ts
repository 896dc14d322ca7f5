/** Statistics and match conditions of a device template, between the form and the API. */
import { parsed } from "../rules/model";

const NAMES = ["key", "name", "oid", "type", "kind", "unit", "scale", "label_oid"] as const;

/** A statistic as it is typed: every part is text. */
export type Draft = Record<(typeof NAMES)[number], string>;

export const NEW: Draft = { key: "", name: "", oid: "", type: "scalar", kind: "gauge", unit: "", scale: "1", label_oid: "" };

export function readStatistics(value: unknown): Draft[] {
  const list = parsed(value);
  if (!Array.isArray(list)) return [];
  return list.filter((item) => typeof item === "object" && item !== null).map((item: Record<string, unknown>) => {
    const text = (name: keyof Draft) => (typeof item[name] === "string" || typeof item[name] === "number" ? String(item[name]) : NEW[name]);
    return Object.fromEntries(NAMES.map((name) => [name, text(name)])) as Draft;
  });
}

export const isBlank = (row: Draft) => [row.key, row.name, row.oid].every((text) => text.trim() === "");

/** What goes to the API: a row that nobody has filled yet is none. */
export function writeStatistics(rows: Draft[]): Record<string, unknown>[] {
  return rows.filter((row) => !isBlank(row)).map((row) => {
    const { scale, key, label_oid, ...rest } = row;
    const number = Number(scale);
    return {
      ...rest,
      ...(key.trim() ? { key } : {}),
      // What is no number goes as it is, so that the server says what is wrong with it.
      scale: scale.trim() === "" ? 1 : Number.isFinite(number) ? number : scale,
      ...(row.type === "column" && label_oid.trim() ? { label_oid } : {}),
    };
  });
}

/** The key that the server makes of a name. */
export const keyOf = (name: string) => name.trim().toLowerCase().replace(/[^a-z0-9]+/g, "_").replace(/^_+|_+$/g, "");

export interface Wrong {
  row: number;
  error: string;
}

/** What is wrong with each row of the editor; the server counts from one and only those that are filled. */
export function placeWrong(rows: Draft[], wrong: Wrong[]): Map<number, string> {
  const filled = rows.flatMap((row, index) => (isBlank(row) ? [] : [index]));
  const found = new Map<number, string>();
  for (const { row, error } of wrong) {
    const index = filled[row - 1];
    if (index !== undefined) found.set(index, error);
  }
  return found;
}

/** A sysObjectID as it is stored: an = in front asks for the whole of it. */
export const readNumber = (value: unknown) => {
  const text = typeof value === "string" ? value : "";
  return { exact: text.startsWith("="), oid: text.replace(/^=/, "") };
};

/** A value with its scale, without the tail of a binary fraction. */
export function scaled(value: string, scale: number): string {
  const number = Number(value);
  if (value.trim() === "" || !Number.isFinite(number)) return value;
  return String(Number((number * scale).toPrecision(12)));
}

export type Measurable = "yes" | "time" | "no";

/** Whether polling takes a value: a gauge may be a number held as text, a counter is a whole number. */
export function measurable(kind: string, syntax: string, value: string): Measurable {
  if (syntax === "time") return "time";
  const text = value.trim();
  if (kind === "counter") return syntax !== "text" && /^\d+$/.test(text) ? "yes" : "no";
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? "yes" : "no";
}

export interface Verified {
  exists: boolean;
  msg: string;
  address: string;
  oid: string;
  type: string;
  syntax: string;
  kind: string;
  rows: { oid: string; index: string; label: string; value: string }[];
}

export interface Statistic {
  key: string;
  name: string;
  oid: string;
  type: string;
  kind: string;
  unit: string;
  scale: number;
  label_oid: string;
}

export type Mismatch = "wantsInstance" | "isColumn" | "isScalar" | "isCounter" | "isGauge";

/** Where a statistic says otherwise than the device, and the parts that would put it right. */
export function mismatch(one: Pick<Statistic, "oid" | "type" | "kind">, found: Verified): { why: Mismatch; fix: Partial<Draft> } | undefined {
  if (!found.exists) return undefined;
  if (one.type === "scalar" && found.type === "column") {
    const single = found.rows.length === 1 && found.rows[0]?.index === "0";
    return single ? { why: "wantsInstance", fix: { oid: `${one.oid}.0` } } : { why: "isColumn", fix: { type: "column" } };
  }
  if (one.type === "column" && found.type === "scalar") return { why: "isScalar", fix: { type: "scalar" } };
  if (found.kind === "counter" && one.kind !== "counter") return { why: "isCounter", fix: { kind: "counter" } };
  if (found.kind === "gauge" && found.syntax === "gauge" && one.kind === "counter") return { why: "isGauge", fix: { kind: "gauge" } };
  return undefined;
}
