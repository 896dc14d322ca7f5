import { describe, expect, it } from "vitest";
import { discovery } from "../i18n/discovery";
import { FAILED, FOUND, NOT_ADDED, WAITING } from "./model";
import { lasted, resultName, scheduleWords } from "./words";

describe("schedules in words", () => {
  it("say when", () => {
    expect(scheduleWords({})).toBe("By hand");
    expect(scheduleWords({ period: "daily", hour: 2, min: 5 })).toBe("Every day at 02:05 UTC");
    expect(scheduleWords({ period: "weekly", days: "thu,mon", hour: 22 })).toBe("Every week on Monday, Thursday at 22:00 UTC");
    expect(scheduleWords({ period: "monthly", days: "1,15" })).toBe("Every month on 1, 15 at 00:00 UTC");
    expect(scheduleWords({ period: "every", unit: "hours", every: 1 })).toBe("Every hour");
    expect(scheduleWords({ period: "every", unit: "minutes", every: 30 })).toBe("Every 30 minutes");
    expect(scheduleWords({ period: "every", unit: "day", every: 2 })).toBe("Every 2 days");
  });
});

describe("results in words", () => {
  it("have a name each", () => {
    const known = [...FOUND, ...FAILED, ...NOT_ADDED, WAITING];
    expect(Object.keys(discovery.results).sort()).toEqual([...known].sort());
    for (const name of known) expect(resultName(name)).toBe(discovery.results[name as keyof typeof discovery.results]);
    expect(resultName("something_new")).toBe("something_new");
  });
});

describe("how long it took", () => {
  it("is told in two parts at most", () => {
    expect([null, 0.42, 12.3, 75, 3725].map(lasted)).toEqual(["", "0.4 s", "12 s", "1 min 15 s", "1 h 2 min"]);
  });
});
