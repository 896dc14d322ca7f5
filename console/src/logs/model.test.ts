import { describe, expect, it } from "vitest";
import type { Line } from "./api";
import { condition, merged, quoted, spanOf, valueOf, withCondition } from "./model";

const line = (id: string, more: Partial<Line> = {}) => ({ id, fields: { user: "root" }, tags: ["a", "b"], severity: 3, severity_name: "error", ...more }) as Line;

describe("conditions", () => {
  it("quotes what is not one plain word", () => {
    expect(quoted("core-1.example")).toBe("core-1.example");
    expect(quoted('say "hi" \\')).toBe('"say \\"hi\\" \\\\"');
    expect(quoted("or")).toBe('"or"');
  });
  it("adds a condition once, and keeps an alternative together", () => {
    expect(withCondition("", "host:a")).toBe("host:a");
    expect(withCondition("failed", "host:a")).toBe("failed and host:a");
    expect(withCondition("failed and host:a", "host:a")).toBe("failed and host:a");
    expect(withCondition("a or b", condition("host", "x", true))).toBe("(a or b) and not host:x");
  });
});

describe("lines", () => {
  it("reads columns, fields and lists", () => {
    expect(valueOf(line("1"), "fields.user")).toBe("root");
    expect(valueOf(line("1"), "user")).toBe("root");
    expect(valueOf(line("1"), "severity")).toBe("error");
    expect(valueOf(line("1"), "tags")).toBe("a, b");
  });
  it("merges a live batch, newest first and none twice", () => {
    expect(merged([line("3"), line("4")], [line("3"), line("2")], 3).map((item) => item.id)).toEqual(["4", "3", "2"]);
  });
  it("knows how long a relative range is", () => {
    expect(spanOf("now-15m", "")).toBe(900);
    expect(spanOf("2026-01-01T00:00:00Z", "")).toBeUndefined();
    expect(spanOf("now-1h", "now-5m")).toBeUndefined();
  });
});
