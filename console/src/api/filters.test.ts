import { describe, expect, it } from "vitest";
import { buildFilters, conditionsFor, describeClause, emptyValue, filterName, isComplete } from "./filters";
import type { FieldMeta } from "./types";

const text: FieldMeta = { name: "summary", label: "Summary", kind: "text" };
const choice: FieldMeta = { name: "status", label: "Status", kind: "choice", choices: [{ id: 1, name: "New" }, { id: 2, name: "Closed" }] };

describe("buildFilters", () => {
  it("sends nothing when nothing narrows the list", () => {
    expect(buildFilters({})).toBeUndefined();
    expect(buildFilters({ where: [{ field: "summary", condition: "contains", value: "" }] })).toBeUndefined();
  });
  it("joins clauses with and, or with or", () => {
    const where = [{ field: "summary", condition: "contains" as const, value: "mail" }, { field: "status", condition: "in" as const, value: [1] }];
    expect(buildFilters({ where })).toEqual({ and: where });
    expect(buildFilters({ where, any: true })).toEqual({ or: where });
  });
  it("leaves out what is still being typed and the value of a presence test", () => {
    const where = [{ field: "a", condition: "between" as const, value: ["1", ""] }, { field: "b", condition: "empty" as const, value: "x" }];
    expect(buildFilters({ where })).toEqual({ and: [{ field: "b", condition: "empty" }] });
  });
  it("takes false and zero for values", () => {
    expect(isComplete({ field: "active", condition: "equal", value: false })).toBe(true);
    expect(isComplete({ field: "total", condition: "equal", value: 0 })).toBe(true);
  });
});

describe("fields in filters", () => {
  it("addresses a custom field under custom_field_data once", () => {
    expect(filterName({ ...text, custom: true })).toBe("custom_field_data.summary");
    expect(filterName({ ...text, name: "custom_field_data.floor", custom: true })).toBe("custom_field_data.floor");
  });
  it("offers ranges for numbers and membership for choices", () => {
    expect(conditionsFor("integer")).toContain("between");
    expect(conditionsFor("choice")).toEqual(["in", "not_in", "empty", "not_empty"]);
  });
  it("starts with a value of the right shape", () => {
    expect(emptyValue(choice, "in")).toEqual([]);
    expect(emptyValue({ ...text, kind: "boolean" }, "equal")).toBe(true);
    expect(emptyValue(text, "between")).toEqual(["", ""]);
  });
  it("describes a clause by the names of its choices", () => {
    expect(describeClause({ field: "status", condition: "in", value: ["1", 2] }, choice, (key) => key)).toBe("Status in New, Closed");
  });
  it("describes people by their names, answers in words and times as the person reads them", () => {
    const user: FieldMeta = { name: "assignee", label: "Assignee", kind: "user" };
    const names: Record<string, string> = { p1: "Ada", p2: "Bo" };
    expect(describeClause({ field: "assignee", condition: "in", value: ["p1", "p2"] }, user, (key) => key, (id) => names[id] ?? "")).toBe("Assignee in Ada, Bo");
    expect(describeClause({ field: "a", condition: "equal", value: false }, { ...text, kind: "boolean", label: "Archived" }, (key) => key)).toBe("Archived equal no");
    expect(describeClause({ field: "due", condition: "less", value: "2026-01-31T12:00:00Z" }, { ...text, kind: "datetime", label: "Due" }, (key) => key)).toMatch(/^Due less 31 Jan 2026/);
  });
});
