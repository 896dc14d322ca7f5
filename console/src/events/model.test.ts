import { describe, expect, it } from "vitest";
import { age, askedOf, byId, counted, filtersOf, items, logAround, ordered, patched, readView, stepped, type EventRow } from "./model";

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

describe("conditions on any field", () => {
  const where = [{ field: "due_date", condition: "not_empty" }, { field: "host", condition: "contains", value: "" }];
  const view = readView(new URLSearchParams({ suppressed: "1", state: "all", where: JSON.stringify(where), any: "1" }));
  it("are asked for when they are complete", () => {
    expect(filtersOf(view)).toEqual([{ or: [{ field: "due_date", condition: "not_empty" }] }]);
  });
  it("cost no reading while one is being typed, nor does another grouping", () => {
    expect(askedOf(view)).toBe(askedOf({ ...view, group: "host", where: view.where.slice(0, 1) }));
    expect(askedOf(view)).not.toBe(askedOf({ ...view, where: [] }));
  });
  it("that cannot be read are left out", () => {
    expect(readView(new URLSearchParams("where=%5B1")).where).toEqual([]);
    expect(readView(new URLSearchParams('where=[1,{"field":"host"}]')).where).toEqual([]);
  });
});

describe("the mark", () => {
  const list = items(["1", "2", "3"], byId([row("1"), row("2"), row("3")]), "none", new Set());
  it("moves by one and stays inside", () => {
    expect([stepped(list, 0, 0, 1), stepped(list, 2, 2, 1), stepped(list, 0, 0, -1), stepped(list, -1, 0, 1)]).toEqual([1, 2, 0, 0]);
  });
  it("goes on where its row was when that has left the list", () => {
    expect([stepped(list, -1, 1, 1), stepped(list, -1, 1, -1)]).toEqual([1, 0]);
  });
});

describe("the log around an event", () => {
  it("is that of its device, ten minutes before and after", () => {
    const query = new URLSearchParams(logAround(row("1", { address: "10.0.0.1", host: "core 1", last_seen: "2026-01-01T10:00:00Z" }))?.split("?")[1]);
    expect(Object.fromEntries(query)).toEqual({ q: 'source:10.0.0.1 or host:"core 1"', from: "2026-01-01T09:50:00.000Z", to: "2026-01-01T10:10:00.000Z" });
    expect(logAround(row("1", { address: "", host: "" }))).toBeUndefined();
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
  it("puts a new row among its like in a list by severity", () => {
    const rows = byId([row("1", { severity: 1 }), row("2", { severity: 3 }), row("3", { severity: 1 }), row("4", { severity: 3 })]);
    expect(ordered(rows, ["1", "2"], "severity")).toEqual(["3", "1", "4", "2"]);
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
