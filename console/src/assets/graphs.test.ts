import { describe, expect, it } from "vitest";
import { amount, graphsOf, since, type Series } from "./graphs";

const series = (metric: string, resource = "", unit = "%"): Series => ({ metric, resource, label: metric.toUpperCase(), unit, points: [] });

describe("graphs", () => {
  it("puts both ways of an interface together, and the parts of a measurement", () => {
    const made = graphsOf([series("storage", "/var"), series("if_out", "Gi0/10"), series("if_in", "Gi0/10"), series("if_in", "Gi0/2"), series("fan", "rear"), series("storage", "/"), series("cpu"), series("uptime")]);
    expect(made.device.map((graph) => [graph.key, graph.lines.map((line) => line.name)])).toEqual([["cpu", ["CPU"]], ["storage", ["/", "/var"]], ["fan", ["rear"]]]);
    expect(made.interfaces.map((graph) => [graph.title, graph.lines.map((line) => line.name)])).toEqual([["Gi0/2", ["In"]], ["Gi0/10", ["Out", "In"]]]);
  });

  it("tells when a range begins", () => {
    expect(since("now-4h", Date.parse("2026-01-01T12:00:00Z"))).toBe("2026-01-01T08:00:00.000Z");
    expect(since("2026-01-01T00:00:00Z", 0)).toBe("2026-01-01T00:00:00Z");
  });

  it("writes amounts short", () => {
    expect([amount(1_500_000, "bit/s"), amount(12, "bit/s"), amount(41.26, "%"), amount(3, "ms"), amount(1, "")]).toEqual(["1.5 Mbit/s", "12 bit/s", "41.3%", "3 ms", "1"]);
  });
});
