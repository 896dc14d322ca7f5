import { describe, expect, it } from "vitest";
import { verdict } from "./ask";
import { isBlank, keyOf, measurable, mismatch, NEW, placeWrong, readStatistics, scaled, writeStatistics, type Verified } from "./model";

const found = (more: Partial<Verified>): Verified => ({ exists: true, msg: "", address: "", oid: "1.2", type: "scalar", syntax: "integer", kind: "gauge", rows: [], ...more });

describe("statistics", () => {
  it("come back as they were", () => {
    const stored = [{ key: "fan", name: "Fan", oid: "1.3.6.1", type: "column", kind: "counter", unit: "rpm", scale: 0.1, label_oid: "1.3.6.2" }];
    expect(writeStatistics(readStatistics(JSON.stringify(stored)))).toEqual(stored);
    expect(readStatistics("")).toEqual([]);
    expect(readStatistics("{")).toEqual([]);
  });

  it("leave out rows that are not filled and names of rows that there are not", () => {
    const rows = [NEW, { ...NEW, name: "Inlet", oid: "1.3.0", scale: "", label_oid: "1.4" }];
    expect(writeStatistics(rows)).toEqual([{ name: "Inlet", oid: "1.3.0", type: "scalar", kind: "gauge", unit: "", scale: 1 }]);
    expect(rows.map(isBlank)).toEqual([true, false]);
    expect(placeWrong(rows, [{ row: 1, error: "no" }, { row: 7, error: "?" }])).toEqual(new Map([[1, "no"]]));
    expect(writeStatistics([{ ...NEW, key: "a", scale: "tenth" }])[0]?.scale).toBe("tenth");
  });

  it("get the key that the server makes of their name", () => {
    expect(keyOf(" Inlet temperature (°C) ")).toBe("inlet_temperature_c");
  });
});

describe("what a device answers", () => {
  it("is scaled without a tail", () => {
    expect(scaled("237", 0.1)).toBe("23.7");
    expect(scaled("up", 0.1)).toBe("up");
  });

  it("is measured where it is a number, as a counter where it is a whole one", () => {
    expect(measurable("gauge", "text", " 0.17")).toBe("yes");
    expect(measurable("counter", "text", "17")).toBe("no");
    expect(measurable("counter", "integer", "-1")).toBe("no");
    expect(measurable("counter", "counter", "17")).toBe("yes");
    expect(measurable("gauge", "address", "10.0.0.1")).toBe("no");
    expect(measurable("gauge", "text", "0x1f")).toBe("no");
    expect(measurable("gauge", "time", "02:58:07.21")).toBe("time");
  });

  it("shows where a statistic says otherwise", () => {
    const one = { oid: "1.2", type: "scalar", kind: "gauge" };
    expect(mismatch(one, found({}))).toBeUndefined();
    expect(mismatch(one, found({ type: "column", rows: [{ oid: "1.2.0", index: "0", label: "", value: "1" }] }))).toEqual({ why: "wantsInstance", fix: { oid: "1.2.0" } });
    expect(mismatch(one, found({ type: "column", rows: [{ oid: "1.2.5", index: "5", label: "", value: "1" }] }))?.why).toBe("isColumn");
    expect(mismatch({ ...one, type: "column" }, found({}))?.fix).toEqual({ type: "scalar" });
    expect(mismatch(one, found({ kind: "counter", syntax: "counter" }))?.fix).toEqual({ kind: "counter" });
    // An integer may count, too: only a gauge is surely none.
    expect(mismatch({ ...one, kind: "counter" }, found({}))).toBeUndefined();
    expect(mismatch({ ...one, kind: "counter" }, found({ syntax: "gauge" }))?.why).toBe("isGauge");
    expect(mismatch(one, found({ exists: false, type: "" }))).toBeUndefined();
  });
});

describe("a template on a device", () => {
  it("fits where every condition that it has holds", () => {
    expect(verdict({ number_fits: true, descr_fits: null })).toBe("fits");
    expect(verdict({ number_fits: true, descr_fits: false })).toBe("fitsNot");
    expect(verdict({ number_fits: false, descr_fits: null })).toBe("fitsNot");
    expect(verdict({ number_fits: null, descr_fits: null })).toBe("fitsNothing");
  });
});
