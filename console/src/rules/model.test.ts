import { describe, expect, it } from "vitest";
import { isClock, readConditions, readWeek, writeConditions, writeWeek } from "./model";

describe("conditions", () => {
  it("are read in all the ways the server takes", () => {
    expect(readConditions({})).toEqual({ where: [], any: false });
    expect(readConditions('{"severity": [1, 2], "cleared": false}')).toEqual({ where: [{ field: "severity", condition: "in", value: [1, 2] }, { field: "cleared", condition: "equal", value: false }], any: false });
    expect(readConditions({ and: [{ severity: [1] }, { field: "event_class", condition: "contains", value: "link" }] })?.where).toHaveLength(2);
    expect(readConditions({ or: [{ field: "host", condition: "equal", value: "a" }] })?.any).toBe(true);
  });

  it("are left to JSON where they are nested or broken", () => {
    expect(readConditions({ and: [{ or: [{ severity: 1 }] }] })).toBeUndefined();
    expect(readConditions({ or: [{ severity: 1, cleared: false }] })).toBeUndefined();
    expect(readConditions({ and: [], or: [] })).toBeUndefined();
    expect(readConditions("{")).toBeUndefined();
  });

  it("come back as they were", () => {
    const simple = { where: [{ field: "host", condition: "contains" as const, value: "core" }], any: true };
    expect(readConditions(writeConditions(simple))).toEqual(simple);
    expect(writeConditions({ where: [], any: true })).toEqual({});
  });
});

describe("working hours", () => {
  it("keep several stretches a day and leave out closed days", () => {
    const hours = { monday: ["09:00-12:30", "13:30-17:30"], sunday: ["00:00-24:00"] };
    const week = readWeek(JSON.stringify(hours));
    expect(week.monday).toEqual([["09:00", "12:30"], ["13:30", "17:30"]]);
    expect(week.tuesday).toEqual([]);
    expect(writeWeek(week)).toEqual(hours);
  });

  it("know a time of day", () => {
    expect(["00:00", "23:59", "24:00"].every(isClock)).toBe(true);
    expect(["24:01", "9:00", "12:60", ""].some(isClock)).toBe(false);
  });
});
