import { describe, expect, it } from "vitest";
import { readCriteria, writeCriteria } from "./criteriaModel";

describe("conditions on a trap's variables", () => {
  const document = { condition: "or", varbind: [{ key: "boilerState", condition: "in", value: ["off", "heating"] }, { key: 3, condition: "greater", value: "900" }, { key: "x", condition: "empty" }] };
  it("come back as they went", () => {
    const draft = readCriteria(JSON.stringify(document));
    expect(draft).toEqual({ any: true, items: [{ key: "boilerState", condition: "in", value: "off, heating" }, { key: "3", condition: "greater", value: "900" }, { key: "x", condition: "empty", value: "" }] });
    expect(draft && writeCriteria(draft)).toEqual(document);
  });
  it("are none where nothing is said", () => {
    for (const nothing of [null, "", "{}", {}, []]) expect(readCriteria(nothing)).toEqual({ items: [], any: false });
    expect(writeCriteria({ items: [], any: true })).toEqual({});
  });
  it("stay text where the form cannot show them", () => {
    for (const strange of ["{", '"x"', { varbind: "all" }, { varbind: [{ condition: "equal" }] }, { varbind: [null] }, { note: 1 }]) expect(readCriteria(strange)).toBeUndefined();
  });
});
