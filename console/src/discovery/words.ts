import { dateTime } from "../common/format";
import { t, type TextKey } from "../i18n";
import { DAYS, readSchedule } from "./model";

/** A schedule as people say it. */
export function scheduleWords(value: unknown): string {
  const schedule = readSchedule(value);
  const { time } = schedule;
  switch (schedule.period) {
    case "":
      return t("discovery.byHand");
    case "once":
      return t("discovery.words.once", { at: dateTime(schedule.at) });
    case "every":
      return t(schedule.unit === "days" ? "discovery.words.daysApart" : `discovery.words.${schedule.unit}`, { count: schedule.every, smart_count: Number(schedule.every) || 0 });
    case "daily":
      return t("discovery.words.daily", { time });
    case "weekly":
      return t("discovery.words.weekly", { days: DAYS.filter((day) => schedule.days.includes(day)).map((day) => t(`discovery.dayNames.${day}` as TextKey)).join(", "), time });
    case "monthly":
      return t("discovery.words.monthly", { days: schedule.dates, time });
  }
}

const RESULTS = new Set(["added", "updated", "unchanged", "duplicate", "awaiting", "dry_run", "refused", "no_answer", "no_snmp", "no_credential", "excluded", "not_allowed", "out_of_range", "too_deep", "over_limit", "not_asked", "queued"]);
const STATES = new Set(["queued", "running", "paused", "succeeded", "failed", "cancelled"]);

/** A result or a state that this console does not know yet is shown as the server names it. */
export const resultName = (result: string): string => (RESULTS.has(result) ? t(`discovery.results.${result}` as TextKey) : result);
export const stateName = (state: string): string => (STATES.has(state) ? t(`discovery.states.${state}` as TextKey) : state);

type Colour = "default" | "success" | "info" | "warning" | "error";
const RESULT_COLOURS: Record<string, Colour> = { added: "success", updated: "info", awaiting: "warning", refused: "error", dry_run: "info" };
const STATE_COLOURS: Record<string, Colour> = { succeeded: "success", failed: "error", running: "info", paused: "warning" };
export const resultColour = (result: string): Colour => RESULT_COLOURS[result] ?? "default";
export const stateColour = (state: string): Colour => STATE_COLOURS[state] ?? "default";

/** Seconds as people say them. */
export function lasted(seconds: number | null): string {
  if (seconds === null) return "";
  if (seconds < 60) return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 60 ? `${minutes} min ${Math.round(seconds % 60)} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
