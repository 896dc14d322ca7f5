import { describe, expect, it } from "vitest";
import { layers, readFrom, rings, speed, type Graph, type GraphNode } from "./model";

const node = (id: string, depth = 1): GraphNode => ({ id, name: id, display_id: "", category_name: "", status: null, operational_status: null, criticality: null, ip_address: "", depth });

describe("relations", () => {
  it("are read from the end that is looked at", () => {
    const graph: Graph = { ci_id: "a", direction: "both", truncated: false, hidden: 0, nodes: [node("a", 0), node("b"), node("c")], edges: [
      { source: "a", target: "b", type: "t", name: "Runs on" },
      { source: "c", target: "a", type: "d", name: "Depends on" },
      { source: "a", target: "gone", type: "t", name: "Hidden" },
    ], types: { t: { name: "Runs on", reverse: "Runs", impact: "target" }, d: { name: "Depends on", reverse: "Is depended on by", impact: "target" } } };
    expect(readFrom(graph, "a").map((line) => `${line.words} ${line.other.id}`)).toEqual(["Is depended on by c", "Runs on b"]);
  });
});

describe("the map", () => {
  it("puts what fails first above what fails with it, near what it hangs on", () => {
    const edge = (source: string, target: string) => ({ source, target, type: "t", name: "" });
    const places = layers({ nodes: [node("a", 0), node("b"), node("c"), node("under c", 2), node("under b", 2)], edges: [edge("b", "a"), edge("c", "a"), edge("under b", "b"), edge("under c", "c")] });
    expect(places.get("a")).toEqual({ x: 0, y: 0 });
    expect(places.get("b")?.y).toBe(places.get("c")?.y);
    expect(places.get("under b")?.x).toBeLessThan(places.get("under c")?.x ?? 0);
    expect(new Set([...places.values()].map(({ x, y }) => `${x} ${y}`)).size).toBe(5);
  });
  it("gives each of a thousand items a place of its own, the chosen one in the middle", () => {
    const nodes = [node("start", 0), ...Array.from({ length: 1000 }, (_, index) => node(`n${index}`, 1 + (index % 3)))];
    const places = rings(nodes);
    expect(places.get("start")).toEqual({ x: 0, y: 0 });
    expect(new Set([...places.values()].map(({ x, y }) => `${x} ${y}`)).size).toBe(nodes.length);
    const far = (id: string) => Math.hypot(places.get(id)?.x ?? 0, places.get(id)?.y ?? 0);
    expect(far("n2")).toBeGreaterThan(far("n1"));
    expect(Math.max(...[...places.values()].map(({ x }) => x))).toBeLessThan(2000);
  });
});

it("says speeds as people do", () => {
  expect([speed(1e9), speed(2.5e9), speed(1e8), speed(64_000), speed(null)]).toEqual(["1 Gbit/s", "2.5 Gbit/s", "100 Mbit/s", "64 kbit/s", ""]);
});
