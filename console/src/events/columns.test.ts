import { describe, expect, it } from "vitest";
import type { ResourceMeta } from "../api/types";
import { chosenColumns, columnNames, eventColumns, gridOf, narrowGrid } from "./columns";

const meta = {
  fields: [
    { name: "message", label: "Message", kind: "text" }, { name: "raw", label: "Raw", kind: "longtext" }, { name: "variables", label: "Variables", kind: "json", listed: false },
    { name: "severity", label: "Severity", kind: "choice" }, { name: "due_date", label: "Due date", kind: "datetime" },
  ],
} as unknown as ResourceMeta;

describe("columns of the event list", () => {
  it("are read whether saved as names or with more", () => {
    expect(columnNames([{ name: "severity", width: 90 }, "host", { field: "count" }, 7, null])).toEqual(["severity", "host", "count"]);
  });
  it("are what reads in a cell, and the tickets", () => {
    const names = eventColumns(meta).map((field) => field.name);
    expect(names).toContain("tickets");
    expect(names).not.toContain("raw");
    expect(names).not.toContain("variables");
  });
  it("stand in the chosen order, without those that are no more", () => {
    expect(chosenColumns(eventColumns(meta), ["due_date", "old", "severity"]).map((field) => field.name)).toEqual(["due_date", "severity"]);
  });
  it("get a track each", () => {
    const grid = gridOf(chosenColumns(eventColumns(meta), ["severity", "due_date"]));
    expect(grid).toEqual({ template: "40px 116px minmax(100px, 1fr)", width: 256 });
  });
});

describe("on a telephone", () => {
  it("the list shows what happened, where and when, in the order chosen, without scrolling sideways", () => {
    const named = (name: string) => ({ name, label: name, kind: "text" as const });
    const { columns, template, width } = narrowGrid(["severity", "count", "message", "tickets", "last_seen"].map(named));
    expect(columns.map((field) => field.name)).toEqual(["severity", "message", "last_seen"]);
    expect(template.split(" ").length).toBeGreaterThan(columns.length);
    expect(width).toBe(0);
  });
});
