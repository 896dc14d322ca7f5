import { describe, expect, it } from "vitest";
import { keyState } from "./keyState";
import { settingValues, shown } from "./settingValues";
import { columnState, grant, grantColumn, granted, type RoleSection } from "./privileges";

const section: RoleSection = { name: "People", modules: [{ name: "team", label: "Teams", privileges: ["view", "edit"] }, { name: "report", label: "Reports", privileges: ["view"] }] };

describe("the role matrix", () => {
  it("grants view with any other privilege and takes all with view", () => {
    const on = grant({}, "People", "team", "edit", true);
    expect(on).toEqual({ People: { team: { edit: true, view: true } } });
    expect(grant(on, "People", "team", "view", false)).toEqual({ People: { team: { edit: false, view: false } } });
  });
  it("does not touch the matrix it was given", () => {
    const before = { People: { team: { view: true } } };
    grant(before, "People", "team", "edit", true);
    expect(before).toEqual({ People: { team: { view: true } } });
  });
  it("sets a whole column where the module has that privilege", () => {
    const next = grantColumn({}, section, "edit", true);
    expect(granted(next, "People", "report", "view")).toBe(false);
    expect(columnState(next, section, "edit")).toBe("all");
    expect(columnState(next, section, "view")).toBe("some");
    expect(columnState({}, section, "view")).toBe("none");
  });
});

describe("an API key", () => {
  it("is active until it is revoked or expires", () => {
    const now = new Date("2026-01-02T00:00:00Z");
    expect(keyState({ revoked: true, expires_at: null }, now)).toBe("keyRevoked");
    expect(keyState({ revoked: false, expires_at: "2026-01-01T00:00:00Z" }, now)).toBe("keyExpired");
    expect(keyState({ revoked: false, expires_at: null }, now)).toBe("keyActive");
  });
});

describe("settings", () => {
  const settings = [{ name: "days", label: "Days", kind: "integer" as const }, { name: "text", label: "Text", kind: "longtext" as const }, { name: "matrix", label: "Matrix", kind: "json" as const }];
  it("are sent in their own kind, and only those that changed", () => {
    expect(settingValues({ days: "3", text: "", matrix: '{"1": 2}' }, settings)).toEqual({ values: { days: 3, text: "", matrix: { "1": 2 } }, errors: {} });
    expect(settingValues({ days: "3.5", matrix: "{" }, settings).errors).toEqual({ days: ["Days must be a whole number."], matrix: ["Matrix is not valid JSON."] });
  });
  it("show a tree as text", () => {
    expect([shown({ a: 1 }), shown(null), shown(7)]).toEqual(['{\n  "a": 1\n}', "", "7"]);
  });
});
