import { describe, expect, it } from "vitest";
import { amount, graphsOf, graphsOfPart, lastOf, since, sparkPath, toggled, type Series } from "./graphs";

const series = (metric: string, resource = "", unit = "%"): Series => ({ metric, resource, label: metric.toUpperCase(), unit, points: [] });

describe("graphs", () => {
  it("puts both ways of an interface together, and the parts of a measurement", () => {
    const made = graphsOf([series("storage", "/var"), series("if_out", "Gi0/10"), series("if_in", "Gi0/10"), series("if_in", "Gi0/2"), series("fan", "rear"), series("storage", "/"), series("cpu"), series("uptime")], ["storage", "if_in", "if_out", "fan", "cpu"]);
    expect(made.device.map((graph) => [graph.key, graph.lines.map((line) => line.name)])).toEqual([["cpu", ["CPU"]], ["storage", ["/", "/var"]], ["fan", ["rear"]]]);
    expect(made.interfaces.map((graph) => [graph.title, graph.lines.map((line) => line.name)])).toEqual([["Gi0/2", ["In"]], ["Gi0/10", ["Out", "In"]]]);
  });

  it("shows what was chosen and nothing else", () => {
    const every = [series("cpu"), series("if_up", "Gi0/1", ""), series("if_in", "Gi0/1"), series("if_out", "Gi0/1")];
    const made = graphsOf(every, ["if_up", "if_out"]);
    expect(made.device.map((graph) => graph.key)).toEqual(["if_up"]);
    expect(made.interfaces.map((graph) => graph.lines.map((line) => line.name))).toEqual([["Out"]]);
    const display = { displayed: ["cpu", "if_in", "bgp_peer"], chosen: false, options: ["cpu", "if_in", "loss"].map((id) => ({ id, name: id })) };
    expect([toggled(display, "cpu"), toggled(display, "loss")]).toEqual([["if_in"], ["cpu", "if_in", "loss"]]);
    expect(toggled({ ...display, chosen: true }, "cpu")).toEqual(["if_in", "bgp_peer"]);
  });

  it("tells when a range begins", () => {
    expect(since("now-4h", Date.parse("2026-01-01T12:00:00Z"))).toBe("2026-01-01T08:00:00.000Z");
    expect(since("2026-01-01T00:00:00Z", 0)).toBe("2026-01-01T00:00:00Z");
  });

  it("writes amounts short", () => {
    expect([amount(1_500_000, "bit/s"), amount(12, "bit/s"), amount(41.26, "%"), amount(3, "ms"), amount(1, "")]).toEqual(["1.5 Mbit/s", "12 bit/s", "41.3%", "3 ms", "1"]);
  });
});

describe("a line beside an interface", () => {
  it("is broken off where nothing was measured", () => {
    expect(sparkPath([0, 10, null, 5], 10, 30, 10)).toBe("M0.0 10.0L10.0 0.0M30.0 5.0h1");
    expect(sparkPath([null, null], 0, 30, 10)).toBe("");
    expect(sparkPath([0, 0], 0, 30, 10)).toBe("M0.0 10.0L30.0 10.0");
  });

  it("ends with what was measured last", () => {
    expect(lastOf([1, 2, null])).toBe(2);
    expect(lastOf([null])).toBeNull();
  });
});

describe("the graphs of one part", () => {
  it("are all that was measured of it, traffic first", () => {
    const points = [{ time: "2026-11-28T10:00:00Z", value: 1, low: 1, high: 1 }];
    const one = (metric: string, resource: string, label: string): Series => ({ metric, resource, label, unit: "", points });
    const series = [one("if_errors_in", "eth0", "Errors in"), one("if_out", "eth0", "Traffic out"), one("if_in", "eth0", "Traffic in"), one("if_in", "eth1", "Traffic in"), one("cpu", "", "CPU")];
    const { device, interfaces } = graphsOfPart(series, "eth0");
    expect(device.map((graph) => [graph.title, graph.lines.map((line) => line.name)])).toEqual([["Traffic", ["Out", "In"]], ["Errors in", ["Errors in"]]]);
    expect(interfaces).toEqual([]);
  });
});
