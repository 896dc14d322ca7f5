import { describe, expect, it } from "vitest";
import { nextLevel, readSteps, stepsText, writeSteps } from "./model";

const stored = [{ level: "L1", staffs: [{ profile_id: "a", full_name: "Ada" }, { profile_id: "b", full_name: "Bo" }] }, { level: "Experts", staffs: ["c"] }];

describe("the levels of a team", () => {
  it("are read from the record and from the text of a form", () => {
    const read = readSteps(stored);
    expect(read.map((step) => [step.level, step.staffs])).toEqual([["L1", ["a", "b"]], ["Experts", ["c"]]]);
    expect(read[0]?.names).toEqual({ a: "Ada", b: "Bo" });
    expect(readSteps(JSON.stringify(stored))).toEqual(read);
    expect([readSteps(""), readSteps(null), readSteps("no json")]).toEqual([[], [], []]);
  });
  it("get a name where they have none", () => {
    expect(readSteps([{ sequence: 1, staffs: ["a"] }, { staffs: ["b"] }]).map((step) => step.level)).toEqual(["L1", "L2"]);
    expect(nextLevel(2)).toBe("L3");
  });
  it("are told in words to whoever only reads them", () => {
    expect(stepsText(stored)).toBe("L1: Ada, Bo; Experts: c");
    expect([stepsText([]), stepsText([1]), stepsText({ staffs: [] })]).toEqual([undefined, undefined, undefined]);
  });
  it("are written as ids; turns without a name, and nothing for a step without people", () => {
    const steps = readSteps([...stored, { level: "L3", staffs: [] }]);
    expect(writeSteps(steps, true)).toEqual([{ level: "L1", staffs: ["a", "b"] }, { level: "Experts", staffs: ["c"] }]);
    expect(writeSteps(steps, false)).toEqual([{ staffs: ["a", "b"] }, { staffs: ["c"] }]);
  });
});
