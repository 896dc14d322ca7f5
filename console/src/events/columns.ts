/** The columns of the event list: which there are, what they are called here, and how much room they take. */
import { listableFields } from "../resources/columns";
import type { FieldMeta, ResourceMeta } from "../api/types";
import { t } from "../i18n";
import { SORTS, type Sort } from "./model";

/** What the saved configuration names, which may carry more than a name, such as a width. */
export function columnNames(saved: unknown[]): string[] {
  return saved.flatMap((entry) => {
    const name = typeof entry === "object" && entry !== null ? ((entry as Record<string, unknown>).name ?? (entry as Record<string, unknown>).field) : entry;
    return typeof name === "string" ? [name] : [];
  });
}

/** Fields under the names that they have in this list. */
const LABELS = () => ({
  severity: t("events.columns.severity"), message: t("events.columns.message"), host: t("events.columns.host"), resource: t("events.columns.resource"), count: t("events.columns.count"),
  first_seen: t("events.columns.age"), last_seen: t("events.columns.last"), cleared: t("events.columns.state"), assignee: t("events.columns.assignee"), tickets: t("events.columns.tickets"),
});

/** What can stand in the list: the fields that are readable in a cell, and what comes along with a row. */
export function eventColumns(meta: ResourceMeta): FieldMeta[] {
  const labels: Record<string, string> = LABELS();
  const more: FieldMeta[] = [{ name: "tickets", label: "", kind: "text" }, { name: "event_type", label: t("events.columns.type"), kind: "text" }, { name: "probable_cause", label: t("events.columns.cause"), kind: "text" }];
  return [...listableFields(meta).filter((field) => field.kind !== "longtext"), ...more].map((field) => ({ ...field, label: labels[field.name] ?? field.label }));
}

/** The chosen ones as far as they exist. */
export function chosenColumns(all: FieldMeta[], names: string[]): FieldMeta[] {
  const byName = new Map(all.map((field) => [field.name, field]));
  return names.map((name) => byName.get(name)).filter((field): field is FieldMeta => !!field);
}

const WIDTHS: Record<string, [number, string]> = {
  severity: [116, "116px"], message: [280, "minmax(280px, 5fr)"], host: [110, "minmax(110px, 2fr)"], resource: [80, "minmax(80px, 2fr)"], count: [56, "56px"],
  first_seen: [48, "48px"], last_seen: [48, "48px"], cleared: [90, "minmax(90px, 1fr)"], assignee: [80, "minmax(80px, 1fr)"], tickets: [80, "minmax(80px, 1fr)"], event_class: [140, "minmax(140px, 2fr)"],
};
const MARK = 40;

/** The grid of a row, and the least that it needs before the list scrolls sideways. */
export function gridOf(columns: FieldMeta[]): { template: string; width: number } {
  const widths = columns.map((field) => WIDTHS[field.name] ?? ([100, "minmax(100px, 1fr)"] as const));
  return { template: [`${MARK}px`, ...widths.map(([, track]) => track)].join(" "), width: widths.reduce((sum, [least]) => sum + least, MARK) };
}

const NARROW: Record<string, string> = { severity: "22px", message: "minmax(0, 1fr)", host: "84px", last_seen: "40px" };

/** What of the chosen columns fits on a telephone: what happened, where and when, without scrolling sideways. */
export function narrowGrid(columns: FieldMeta[]): { columns: FieldMeta[]; template: string; width: number } {
  const kept = columns.filter((field) => NARROW[field.name]);
  return { columns: kept, template: [`${MARK}px`, ...kept.map((field) => NARROW[field.name])].join(" "), width: 0 };
}

export const sortOf = (name: string): Sort | undefined => SORTS.find((sort) => sort === name);
