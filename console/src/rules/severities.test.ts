import { describe, expect, it } from "vitest";
import { documentText } from "../resources/documents";
import { codesText, readCodes, withCode } from "./severities";

describe("codes by severity", () => {
  it("are read from the record or the form's text, without what is no code", () => {
    expect(readCodes('{"1": {"urgency": 1, "x": 2}, "2": 3}')).toEqual({ 1: { urgency: 1 } });
    expect(readCodes([1])).toEqual({});
  });
  it("are set and left as shipped again, one by one", () => {
    const one = withCode({}, "1", "urgency", 2);
    const two = withCode(one, "1", "impact", 4);
    expect(two).toEqual({ 1: { urgency: 2, impact: 4 } });
    expect(withCode(two, "1", "urgency", null)).toEqual({ 1: { impact: 4 } });
    expect(withCode(one, "1", "urgency", null)).toEqual({});
  });
  it("stand in words where they are only read", () => {
    expect(codesText({ 2: { priority: 2 }, 1: { urgency: 1, impact: 5 } })).toBe("Critical: urgency High, impact User; Major: priority High");
  });
});

describe("documents", () => {
  it("are said in words where they are flat", () => {
    expect(documentText({})).toBe("");
    expect(documentText([])).toBe("");
    expect(documentText({ raise_msg: "Cut", retries: 3 })).toBe("raise_msg: Cut, retries: 3");
    expect(documentText(["a", 2])).toBe("a, 2");
    expect(documentText({ id: "b1", name: "Office hours" })).toBe("Office hours");
  });
  it("are JSON where they are not", () => {
    expect(documentText({ a: { b: 1 } })).toBe('{"a":{"b":1}}');
  });
});
