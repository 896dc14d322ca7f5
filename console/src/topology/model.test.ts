import { describe, expect, it } from "vitest";
import { matches, places, rate, stateOf, type MapNode } from "./model";

const node = (id: string, more: Partial<MapNode> = {}): MapNode => ({ id, kind: "item", name: id, category: "Switch", address: "", manufacturer: "", model: "", availability: "", severity: 0, events: 0, note: "", ...more });

describe("the state of a device", () => {
  it("is that it cannot be reached before any event, and nothing where nothing is known", () => {
    expect(stateOf(node("a", { availability: "down", severity: 3 }))).toBe("down");
    expect(stateOf(node("a", { availability: "up", severity: 1 }))).toBe("critical");
    expect(stateOf(node("a", { availability: "up", severity: 4 }))).toBe("up");
    expect(stateOf(node("a", { severity: 5 }))).toBe("unknown");
  });
});

describe("the network map", () => {
  it("gives each of a thousand nodes a place of its own, the same every time", () => {
    const nodes = Array.from({ length: 1000 }, (_, index) => node(`n${index}`));
    const links = nodes.slice(1, 950).map((one, index) => ({ source: one.id, target: `n${Math.floor(index / 12)}` }));
    const made = places(nodes, links);
    expect(new Set([...made.values()].map((place) => `${place.x} ${place.y}`)).size).toBe(1000);
    expect(places(nodes, links)).toEqual(made);
    // They stand so near to one another that a screen shows them as more than dust.
    const connected = nodes.slice(0, 950).map((one) => made.get(one.id) ?? { x: 0, y: 0 });
    expect(Math.max(...connected.map((place) => place.x)) - Math.min(...connected.map((place) => place.x))).toBeLessThan(5000);
    let nearest = Infinity;
    connected.forEach((a, i) => connected.slice(i + 1).forEach((b) => { nearest = Math.min(nearest, Math.hypot(a.x - b.x, a.y - b.y)); }));
    expect(nearest).toBeGreaterThan(24);
  });
  it("does not let a long chain of devices grow beyond its length", () => {
    const nodes = Array.from({ length: 60 }, (_, index) => node(`c${index}`));
    const made = [...places(nodes, nodes.slice(1).map((one, index) => ({ source: one.id, target: `c${index}` }))).values()];
    const extent = (values: number[]) => Math.max(...values) - Math.min(...values);
    expect(Math.hypot(extent(made.map((place) => place.x)), extent(made.map((place) => place.y)))).toBeLessThan(60 * 140);
  });
  it("stands circles and links to what is not shown", () => {
    const links = [{ source: "a", target: "b" }, { source: "b", target: "c" }, { source: "c", target: "a" }, { source: "a", target: "gone" }];
    expect([...places([node("a"), node("b"), node("c"), node("alone")], links).keys()].sort()).toEqual(["a", "alone", "b", "c"]);
    expect(places([], []).size).toBe(0);
  });
  it("finds by every word", () => {
    expect(matches(node("core-1", { address: "10.0.0.1", model: "C9300" }), "CORE c93")).toBe(true);
    expect(matches(node("core-1"), "core edge")).toBe(false);
  });
  it("says how fast links are", () => {
    expect([rate(null), rate(100), rate(1000), rate(2500), rate(40_000)]).toEqual(["", "100 Mbit/s", "1 Gbit/s", "2.5 Gbit/s", "40 Gbit/s"]);
  });
});
