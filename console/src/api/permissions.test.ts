import { describe, expect, it } from "vitest";
import { ApiError, isSignedOut, readCookie, readFieldErrors } from "./http";
import { abilities, fieldAccess, userMay } from "./permissions";
import type { ResourceMeta, User } from "./types";

const meta = { privileges: ["view", "add", "export"], verbs: { create: "", import: "upload_csv/", columns: "csv_columns/" } } as unknown as ResourceMeta;

describe("permissions", () => {
  it("need both the privilege and the verb", () => {
    expect(abilities(meta)).toEqual({ create: true, edit: false, remove: false, export: false, import: true });
  });
  it("know what the caller may do with a module", () => {
    const user = { permissions: { team: ["view"] } } as unknown as User;
    expect(userMay(user, "team", "view")).toBe(true);
    expect(userMay(user, "team", "edit")).toBe(false);
    expect(userMay(undefined, "team", "view")).toBe(false);
  });
  it("follow Field Configuration; what is read-only is never required", () => {
    const field = { name: "a", label: "A", kind: "text" as const, required: true };
    expect(fieldAccess({ ...field, behaviour: "read_only" })).toEqual({ hidden: false, readOnly: true, required: false });
    expect(fieldAccess({ ...field, required: false, behaviour: "mandatory" }).required).toBe(true);
    expect(fieldAccess({ ...field, behaviour: "hidden" }).hidden).toBe(true);
  });
});

describe("http", () => {
  it("tells a lost session from a missing permission", () => {
    expect(isSignedOut(new ApiError(401, { error: "Invalid session." }))).toBe(true);
    expect(isSignedOut(new ApiError(403, { error: "API key is missing." }))).toBe(true);
    expect(isSignedOut(new ApiError(403, { error: "You do not have permission to view team." }))).toBe(false);
  });
  it("reads cookies and field errors in any of their shapes", () => {
    expect(readCookie("b", "a=1; b=x%20y")).toBe("x y");
    expect(readCookie("c", "a=1")).toBeUndefined();
    expect(readFieldErrors({ name: "Bad.", code: ["One.", "Two."], skip: 3 })).toEqual({ name: ["Bad."], code: ["One.", "Two."] });
  });
});
