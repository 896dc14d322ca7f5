import { describe, expect, it } from "vitest";
import { blame, culprit, numberOr, parametersFor, readSchedule, resultsInOrder, splitAddresses, summary, withParameter, writeSchedule, type Parameter } from "./model";

const again = (value: unknown) => writeSchedule(readSchedule(value));

describe("schedules", () => {
  it("are by hand when empty", () => {
    expect(again({})).toEqual({});
    expect(again("")).toEqual({});
    expect(again({ period: "manual" })).toEqual({});
    expect(again(undefined)).toEqual({});
  });

  it("come back as they were", () => {
    for (const one of [
      { period: "daily", hour: 2, min: 30 },
      { period: "weekly", days: "mon,thu", hour: 22, min: 5 },
      { period: "monthly", days: "1,15", hour: 0, min: 0 },
      { period: "every", unit: "hours", every: 6 },
      { period: "every", unit: "minutes", every: 30 },
      { period: "once", at: "2031-05-01T20:15:00.000Z" },
    ]) {
      expect(again(one)).toEqual(one);
      expect(again(JSON.stringify(one))).toEqual(one);
    }
  });

  it("are read in the other ways the server takes", () => {
    expect(again({ period: "Daily", hour: "2", min: "0" })).toEqual({ period: "daily", hour: 2, min: 0 });
    expect(again({ period: "every", unit: "minute", min: "15" })).toEqual({ period: "every", unit: "minutes", every: 15 });
    expect(again({ period: "every", hour: "4" })).toEqual({ period: "every", unit: "hours", every: 4 });
    expect(again({ period: "weekly", days: ["Thursday", "mon"], hour: 1 })).toEqual({ period: "weekly", days: "mon,thu", hour: 1, min: 0 });
    // Without days the server takes the first.
    expect(again({ period: "weekly" })).toEqual({ period: "weekly", days: "mon", hour: 0, min: 0 });
    expect(again({ period: "monthly" })).toEqual({ period: "monthly", days: "1", hour: 0, min: 0 });
  });

  it("keep only what belongs to the period", () => {
    const daily = readSchedule({ period: "daily", hour: 3, min: 10 });
    expect(writeSchedule({ ...daily, period: "weekly", days: ["sun", "fri"] })).toEqual({ period: "weekly", days: "fri,sun", hour: 3, min: 10 });
    expect(writeSchedule({ ...daily, period: "" })).toEqual({});
    expect(writeSchedule({ ...daily, period: "monthly", dates: "31, 1" })).toEqual({ period: "monthly", days: "31,1", hour: 3, min: 10 });
    expect(writeSchedule({ ...daily, period: "once" })).toEqual({ period: "once", at: "" });
  });

  it("leave what is no number to the server to refuse", () => {
    expect(writeSchedule({ ...readSchedule({ period: "every" }), every: "" })).toEqual({ period: "every", unit: "hours", every: "" });
    expect(writeSchedule({ ...readSchedule({ period: "every" }), every: "x" })).toEqual({ period: "every", unit: "hours", every: "x" });
  });
});

const rate: Parameter = { name: "rate", label: "Rate", kind: "integer", default: 100, minimum: 1, maximum: 5000, protocols: ["snmp", "tcp"], help: "" };
const ports: Parameter = { ...rate, name: "tcp_ports", kind: "ports", default: [22, 80], protocols: ["tcp"] };

describe("parameters", () => {
  it("are those of the protocols, of SNMP without any", () => {
    expect(parametersFor([rate, ports], [])).toEqual([rate]);
    expect(parametersFor([rate, ports], ["tcp"])).toEqual([rate, ports]);
    expect(parametersFor([rate, ports], ["icmp"])).toEqual([]);
  });

  it("are left out where they are as the server would have them", () => {
    expect(withParameter({}, rate, 50)).toEqual({ rate: 50 });
    expect(withParameter({ rate: 50, software: false }, rate, 100)).toEqual({ software: false });
    expect(withParameter({ rate: 50 }, rate, "")).toEqual({});
    expect(withParameter({ tcp_ports: [22] }, ports, [22, 80])).toEqual({});
  });

  it("are numbers only where a whole number was typed", () => {
    expect(numberOr("12")).toBe(12);
    expect(numberOr("1.5")).toBe("1.5");
  });

  it("are found by the error about them", () => {
    expect(culprit("rate is a number from 1 to 5000.", ["rate", "tcp_ports"])).toBe("rate");
    expect(culprit("'foo' is no address, network or range such as 192.0.2.0/24.", ["rate"])).toBe("exclude_ip_address");
    expect(blame("rate is a number from 1 to 5000.", { name: "rate", label: "Packets a second" })).toBe("Packets a second is a number from 1 to 5000.");
  });

  it("hold addresses as people write them", () => {
    expect(splitAddresses("192.0.2.1, 192.0.2.8 - 192.0.2.9\n198.51.100.0/24;")).toEqual(["192.0.2.1", "192.0.2.8-192.0.2.9", "198.51.100.0/24"]);
  });
});

describe("results", () => {
  it("are summed up", () => {
    expect(summary({ added: 3, updated: 2, unchanged: 4, duplicate: 1, refused: 1, no_answer: 20, excluded: 2, queued: 9 })).toEqual({ found: 11, added: 3, updated: 2, notAdded: 22, failed: 1 });
  });

  it("stand in one order, unknown ones last", () => {
    expect(resultsInOrder({ new_kind: 1, no_answer: 5, added: 2, refused: 0 })).toEqual([["added", 2], ["no_answer", 5], ["new_kind", 1]]);
  });
});
