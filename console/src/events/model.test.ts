import { describe, expect, it } from "vitest";
import { age, byId, counted, filtersOf, items, ordered, patched, readView, type EventRow } from "./model";

const row = (id: string, more: Partial<EventRow> = {}) =>
  ({ id, severity: 2, severity_name: "Major", host: "core", address: "", event_class: "Link Down", last_seen: `2026-01-01T00:00:0${id}Z`, count: 1, ...more }) as EventRow;

describe("view", () => {
  it("comes from the address and becomes filters", () => {
    const view = readView(new URLSearchParams("severity=1,9,2&ack=no&state=all&group=host"));
    expect(view).toMatchObject({ severities: [1, 2], acknowledged: "no", state: "all", group: "host" });
    expect(filtersOf(view)).toEqual([
      { field: "severity", condition: "in", value: [1, 2] },
      { field: "acknowledged", condition: "equal", value: false },
      { field: "suppressed", condition: "equal", value: false },
    ]);
    expect(filtersOf(readView(new URLSearchParams("suppressed=1")))).toEqual([{ field: "cleared", condition: "equal", value: false }]);
  });
});

describe("live changes", () => {
  it("replaces what was found and drops what left the view", () => {
    const next = patched(byId([row("1"), row("2")]), ["1", "2", "3"], [row("2", { count: 5 }), row("3")]);
    expect([...next.keys()].sort()).toEqual(["2", "3"]);
    expect(next.get("2")?.count).toBe(5);
  });
  it("counts in place and leaves everything else as it is", () => {
    const known = byId([row("1"), row("2")]);
    expect(counted(known, [{ id: "9", count: 2, last_seen: "x", severity: 1 }])).toBe(known);
    const next = counted(known, [{ id: "1", count: 7, last_seen: "2026-02-01T00:00:00Z", severity: 2 }]);
    expect(next.get("1")?.count).toBe(7);
    expect(next.get("2")).toBe(known.get("2"));
  });
  it("puts new rows on top without moving the others", () => {
    expect(ordered(byId([row("1"), row("2"), row("3")]), ["1", "2", "8"])).toEqual(["3", "1", "2"]);
  });
});

describe("groups", () => {
  const rows = byId([row("1", { host: "a", severity: 3 }), row("2", { host: "b", severity: 1 }), row("3", { host: "b", severity: 4 })]);
  it("stand worst first and can be closed", () => {
    const shown = items(["3", "2", "1"], rows, "host", new Set(["b"]));
    expect(shown.map((item) => (item.kind === "group" ? `${item.label}:${item.count}:${item.worst}` : item.row.id))).toEqual(["b:2:1", "a:1:3", "1"]);
  });
});

describe("age", () => {
  it("is short", () => {
    const now = Date.parse("2026-01-02T00:00:00Z");
    expect([age("2026-01-01T23:59:30Z", now), age("2026-01-01T23:10:00Z", now), age("2026-01-01T00:00:00Z", now)]).toEqual(["30s", "50m", "1d"]);
  });
});
