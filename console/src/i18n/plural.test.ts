import { describe, expect, it } from "vitest";
import { t } from ".";

describe("counts in words", () => {
  it("says one line and two lines", () => {
    expect(t("logs.lines", { count: "1", smart_count: 1 })).toBe("1 line");
    expect(t("logs.lines", { count: "1,200", smart_count: 1200 })).toBe("1,200 lines");
    expect(t("logs.took", { count: "0", smart_count: 0, ms: 3 })).toBe("0 lines in 3 ms");
    expect(t("pipeline.tried", { matched: 1, count: 1, smart_count: 1 })).toBe("1 of 1 line matches");
  });
});
