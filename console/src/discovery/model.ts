/** Schedules and parameters of a discovery, between what the API keeps and what a form shows. */
import { toLocalInput } from "../api/records";

export const PERIODS = ["", "once", "every", "daily", "weekly", "monthly"] as const;
export const UNITS = ["minutes", "hours", "days"] as const;
export const DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;
export type Period = (typeof PERIODS)[number];
export type Unit = (typeof UNITS)[number];

export interface Schedule {
  period: Period;
  /** Hours and minutes, UTC. */
  time: string;
  every: string;
  unit: Unit;
  /** Days of the week. */
  days: string[];
  /** Days of the month, as typed. */
  dates: string;
  /** A moment, as the browser's own input has it. */
  at: string;
}

type Json = Record<string, unknown>;

/** A JSON field as a form holds it: text, or the value itself. */
export function objectOf(value: unknown): Json {
  if (typeof value === "string") {
    try {
      return objectOf(JSON.parse(value || "{}") as unknown);
    } catch {
      return {};
    }
  }
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : {};
}

/** The text in which forms keep JSON, so that an unchanged value compares as unchanged. */
export const textOf = (value: unknown): string => JSON.stringify(value, null, 2);

const words = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : String(value ?? "").split(",")).map((one) => one.trim().toLowerCase()).filter(Boolean);
const text = (...values: unknown[]): string => String(values.find((one) => one !== undefined && one !== null && one !== "") ?? "");
const pad = (value: string): string => value.padStart(2, "0");

export function readSchedule(value: unknown): Schedule {
  const given = objectOf(value);
  const named = String(given.period ?? "").trim().toLowerCase();
  const period = PERIODS.find((one) => one === named) ?? "";
  const unit = String(given.unit ?? "hours").trim().toLowerCase();
  const chosen = UNITS.find((one) => one === unit || one === `${unit}s`) ?? "hours";
  const days = words(given.days);
  return {
    period,
    time: period === "every" ? "00:00" : `${pad(text(given.hour, "0"))}:${pad(text(given.min, "0"))}`,
    every: period === "every" ? text(given.every, chosen === "hours" ? given.hour : given.min, "1") : "1",
    unit: chosen,
    days: period === "weekly" ? DAYS.filter((day) => (days.length > 0 ? days.some((one) => one.slice(0, 3) === day) : day === "mon")) : ["mon"],
    dates: period === "monthly" && days.length > 0 ? days.join(", ") : "1",
    at: given.at ? toLocalInput(String(given.at)) : "",
  };
}

export function writeSchedule(schedule: Schedule): Json {
  const [hour = "0", minute = "0"] = schedule.time.split(":");
  const clock = { hour: Number(hour), min: Number(minute) };
  switch (schedule.period) {
    case "":
      return {};
    case "once": {
      const moment = new Date(schedule.at);
      return { period: "once", at: Number.isNaN(moment.getTime()) ? "" : moment.toISOString() };
    }
    case "every": {
      const number = Number(schedule.every);
      // What is no number goes to the server as it is, which says what is wrong with it.
      return { period: "every", unit: schedule.unit, every: schedule.every !== "" && Number.isFinite(number) ? number : schedule.every };
    }
    case "daily":
      return { period: "daily", ...clock };
    case "weekly":
      return { period: "weekly", days: DAYS.filter((day) => schedule.days.includes(day)).join(","), ...clock };
    case "monthly":
      return { period: "monthly", days: words(schedule.dates).join(","), ...clock };
  }
}

export interface Parameter {
  name: string;
  label: string;
  kind: string;
  default: unknown;
  minimum: number | null;
  maximum: number | null;
  protocols: string[];
  help: string;
}

export const isTrue = (value: unknown): boolean => ["1", "true"].includes(String(value).toLowerCase());

/** The parameters that matter for these protocols; without any, SNMP is meant. */
export function parametersFor(all: Parameter[], protocols: string[]): Parameter[] {
  const chosen = protocols.length > 0 ? protocols : ["snmp"];
  return all.filter((one) => one.protocols.some((protocol) => chosen.includes(protocol)));
}

/** With a parameter set; one that is empty or as the server would have it anyway is left out. */
export function withParameter(params: Json, one: Pick<Parameter, "name" | "default">, value: unknown): Json {
  const { [one.name]: _, ...rest } = params;
  const standard = value === "" || value === undefined || JSON.stringify(value) === JSON.stringify(one.default);
  return standard ? rest : { ...params, [one.name]: value };
}

/** Words that people separate by commas, spaces or lines. */
export const splitWords = (typed: string): string[] => typed.split(/[\s,;]+/).filter(Boolean);

/** Addresses, networks and ranges; a range may be written with spaces around its dash. */
export const splitAddresses = (typed: string): string[] => typed.replace(/\s+-\s+/g, "-").split(/[\s,;]+/).filter(Boolean);

/** A whole number as such; whatever else stays as it was typed, for the server to refuse by name. */
export const numberOr = (typed: string): unknown => (/^-?\d+$/.test(typed.trim()) ? Number(typed) : typed);

/** The server names a parameter as the API does; people know it by its label. */
export const blame = (message: string, one: Pick<Parameter, "name" | "label">): string => message.replace(`${one.name} `, `${one.label} `);

/** Which parameter an error of `params` is about: the server begins with its name. Others are about addresses. */
export function culprit(message: string, names: string[]): string {
  return names.find((name) => message.startsWith(`${name} `)) ?? "exclude_ip_address";
}

export const FOUND = ["added", "updated", "unchanged", "duplicate", "awaiting", "dry_run"];
export const FAILED = ["refused"];
export const NOT_ADDED = ["no_answer", "no_snmp", "no_credential", "excluded", "not_allowed", "out_of_range", "too_deep", "over_limit", "not_asked"];
export const WAITING = "queued";
const ORDER = [...FOUND, ...FAILED, ...NOT_ADDED, WAITING];

export interface Summary {
  found: number;
  added: number;
  updated: number;
  notAdded: number;
  failed: number;
}

export function summary(results: Record<string, number>): Summary {
  const sum = (names: string[]) => names.reduce((total, name) => total + (results[name] ?? 0), 0);
  return { found: sum([...FOUND, ...FAILED]), added: sum(["added"]), updated: sum(["updated"]), notAdded: sum(NOT_ADDED), failed: sum(FAILED) };
}

/** The results there are, devices first, with their numbers. */
export function resultsInOrder(results: Record<string, number>): [string, number][] {
  const place = (name: string) => (ORDER.includes(name) ? ORDER.indexOf(name) : ORDER.length);
  return Object.entries(results).filter(([, number]) => number > 0).sort(([a], [b]) => place(a) - place(b));
}
