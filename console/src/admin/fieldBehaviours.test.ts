import { describe, expect, it } from "vitest";
import { readRules, writeRules } from "./fieldBehaviours";

describe("the behaviour of fields", () => {
  it("is read from the record and from the text of a form", () => {
    const rows = [{ field: "priority_id", behaviour: "read_only" }, { field: "cost_centre", behaviour: "hidden" }];
    expect(readRules({ priority_id: "read_only", cost_centre: "hidden" })).toEqual(rows);
    expect(readRules('{"priority_id":"read_only","cost_centre":"hidden"}')).toEqual(rows);
    expect([readRules(""), readRules(null), readRules([]), readRules("no json")]).toEqual([[], [], [], []]);
  });
  it("is written by field; what names no field yet is left out", () => {
    expect(writeRules([{ field: "team", behaviour: "hidden" }, { field: "", behaviour: "mandatory" }])).toEqual({ team: "hidden" });
  });
});
