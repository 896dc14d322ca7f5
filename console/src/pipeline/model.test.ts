import { describe, expect, it } from "vitest";
import { formOf, linesOf, mapOf, mapText, moved, newStage, place, stepsOf, summary, type PreviewAnswer, type StageType } from "./model";

const GROK: StageType = {
  type: "grok", description: "", failure_tag: "",
  schema: { required: ["type", "patterns"], properties: { type: {}, patterns: { type: "array", items: { type: "string" } }, field: { type: "string", default: "message" }, definitions: { type: "object", default: {} }, name: { type: "string" }, when: { type: "string" }, enabled: { type: "boolean" } } },
};

describe("stages", () => {
  it("get a form from their schema, without what every stage has", () => {
    expect(formOf(GROK).map(({ name, kind, required }) => [name, kind, required])).toEqual([["patterns", "list", true], ["field", "text", false], ["definitions", "map", false]]);
  });

  it("start with the schema's defaults, none shared with it", () => {
    const stage = newStage(GROK);
    expect(stage).toEqual({ type: "grok", patterns: [], field: "message", definitions: {} });
    expect(stage.definitions).not.toBe(GROK.schema.properties.definitions?.default);
  });

  it("tell stages within others from lists of words", () => {
    const kind: StageType = { ...GROK, schema: { properties: { then: { type: "array", items: { anyOf: [{}] }, default: [] }, n: { type: "integer" }, default: { anyOf: [{ type: "string" }] } } } };
    expect(formOf(kind).map((field) => field.kind)).toEqual(["stages", "number", "text"]);
  });

  it("move within their list only", () => {
    expect(moved(["a", "b", "c"], 2, 0)).toEqual(["c", "a", "b"]);
    const list = ["a"];
    expect(moved(list, 0, 1)).toBe(list);
  });

  it("are told by what they are about", () => {
    expect(summary({ type: "grok", patterns: ["%{IP:x}"] })).toBe("%{IP:x}");
    expect(summary({ type: "set", fields: { site: "fra" } })).toBe("site");
    expect(summary({ type: "date", field: "timestamp" })).toBe("timestamp");
    expect(summary({ type: "drop", name: "Noise" })).toBe("Noise");
  });
});

describe("typed text", () => {
  it("becomes lines and maps", () => {
    expect(linesOf("a\r\n\n b\n")).toEqual(["a", " b"]);
    expect(mapOf("url = http://x/?a=b\nempty\n = no name")).toEqual({ url: "http://x/?a=b", empty: "" });
    expect(mapOf(mapText({ a: "1", b: "x = y" }))).toEqual({ a: "1", b: "x = y" });
  });
});

describe("a preview", () => {
  const answer: PreviewAnswer = {
    count: 2, applies: 2, dropped: 1, failed: 0, lines: [],
    stages: [
      { pipeline: "", path: "0", type: "grok", name: "", lines_in: 2, lines_out: 2, failed: 0, changes: [{ line: 0, set: { ip: "10.0.0.1" }, removed: [], tags: [] }], dropped: [] },
      { pipeline: "", path: "1", type: "drop", name: "", lines_in: 2, lines_out: 1, failed: 0, changes: [], dropped: [1] },
    ],
  };

  it("shows per line only the stages that did something", () => {
    expect(stepsOf(answer, 0).map((step) => step.stage.type)).toEqual(["grok"]);
    expect(stepsOf(answer, 1).map((step) => [step.stage.type, step.dropped])).toEqual([["drop", true]]);
  });

  it("counts stages as people do", () => {
    expect(place("2.then.0")).toBe("3 then 1");
  });
});
