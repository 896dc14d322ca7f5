import { describe, expect, it } from "vitest";
import type { FieldInfo, Line } from "./api";
import { condition, facetsOf, foundFields, merged, quoted, shareLink, spanOf, valueOf, withCondition } from "./model";

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

describe("fields", () => {
  const field = (name: string, count: number | null) => ({ name, count, label: name, kind: "text", help: "" }) as FieldInfo;
  it("are found by a part of their name, columns and frequent ones first", () => {
    const fields = [field("fields.rare", 2), field("fields.user", 90), field("host", null), field("fields.userid", 5)];
    expect(foundFields(fields, "").map((item) => item.name)).toEqual(["host", "fields.user", "fields.userid", "fields.rare"]);
    expect(foundFields(fields, " USER ").map((item) => item.name)).toEqual(["fields.user", "fields.userid"]);
  });
  it("are counted beside the usual ones, no more than the server counts at once", () => {
    expect(facetsOf(["host", "app"], ["fields.user", "host"])).toEqual(["host", "app", "fields.user"]);
    expect(facetsOf(["host"], Array.from({ length: 20 }, (_, index) => `f${index}`))).toHaveLength(10);
  });
});

describe("a link to share", () => {
  const now = new Date("2026-01-01T12:00:00Z");
  it("holds the times that were looked at", () => {
    const link = new URL(shareLink("https://x/logs/search?q=a&live=1", { from: "now-1h", to: "" }, now));
    expect(Object.fromEntries(link.searchParams)).toEqual({ q: "a", from: "2026-01-01T11:00:00.000Z", to: "2026-01-01T12:00:00.000Z" });
  });
  it("leaves times alone that are fixed already", () => {
    const fixed = "https://x/logs/search?from=2025-01-01T00%3A00%3A00Z&to=2025-01-02T00%3A00%3A00Z";
    expect(shareLink(fixed, { from: "2025-01-01T00:00:00Z", to: "2025-01-02T00:00:00Z" }, now)).toBe(fixed);
  });
});
