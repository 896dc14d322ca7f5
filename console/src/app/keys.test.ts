import { describe, expect, it, vi } from "vitest";
import { step, type KeyState } from "./keys";
import { PALETTES } from "./theme";

const idle: KeyState = { pending: "", at: 0 };

describe("keys", () => {
  const home = vi.fn();
  const create = vi.fn();
  const layers = [{ "g h": home, c: create }];

  it("run at once or after a second key", () => {
    expect(step(idle, "c", 1, layers).run).toBe(create);
    const first = step(idle, "g", 1, layers);
    expect(first.run).toBeUndefined();
    expect(step(first.state, "h", 500, layers).run).toBe(home);
  });
  it("forget a first key after a while, and take another key for itself", () => {
    const first = step(idle, "g", 1, layers);
    expect(step(first.state, "h", 5000, layers).run).toBeUndefined();
    expect(step(first.state, "c", 500, layers).run).toBe(create);
  });
  it("prefer the newest layer", () => {
    const own = vi.fn();
    expect(step(idle, "c", 1, [...layers, { c: own }]).run).toBe(own);
  });
});

function luminance(hex: string): number {
  const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => {
    const value = parseInt(hex.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(a: string, b: string): number {
  const [high = 0, low = 0] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (high + 0.05) / (low + 0.05);
}

describe.each(Object.entries(PALETTES))("the %s theme", (_, colors) => {
  it("reaches 4.5:1 for every text on every ground", () => {
    for (const ground of [colors.page, colors.paper, colors.raised]) {
      for (const text of [colors.text, colors.muted, colors.primary, colors.error, colors.warning, colors.success]) {
        expect(contrast(text, ground), `${text} on ${ground}`).toBeGreaterThanOrEqual(4.5);
      }
    }
    expect(contrast(colors.primaryText, colors.primary)).toBeGreaterThanOrEqual(4.5);
    expect(contrast(colors.noteText, colors.note)).toBeGreaterThanOrEqual(4.5);
  });
});
