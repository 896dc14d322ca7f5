import { describe, expect, it } from "vitest";
import { deviceName } from "../account/device";
import { checkPassword, waitText } from "../account/policy";
import type { FieldMeta, ResourceMeta } from "../api/types";
import { apart, changeText } from "./changes";
import { moved, visibleColumns } from "./columns";
import { conflictFields, resolveConflict } from "./conflict";
import { begunWith, formFields, forRecord, inStatus, placeErrors, sections } from "./form";

const name: FieldMeta = { name: "name", label: "Name", kind: "text", section: "General" };
const code: FieldMeta = { name: "code", label: "Code", kind: "text", section: "Money" };
const floor: FieldMeta = { name: "floor", label: "Floor", kind: "text", custom: true, listed: false };
const secret: FieldMeta = { name: "token", label: "Token", kind: "secret" };
const meta = { fields: [name, code, floor, secret, { ...name, name: "made", read_only: true }, { ...name, name: "gone", behaviour: "hidden" }], default_columns: ["code", "name"] } as unknown as ResourceMeta;

describe("columns", () => {
  it("follow the person's choice as far as it exists, else the resource", () => {
    expect(visibleColumns(meta, ["floor", "old", "name"]).map((field) => field.name)).toEqual(["floor", "name"]);
    expect(visibleColumns(meta, ["token", "gone"]).map((field) => field.name)).toEqual(["code", "name"]);
    expect(visibleColumns(meta, undefined).map((field) => field.name)).toEqual(["code", "name"]);
  });
  it("move by one place and stop at the ends", () => {
    expect(moved(["a", "b", "c"], "c", -1)).toEqual(["a", "c", "b"]);
    expect(moved(["a", "b"], "a", -1)).toEqual(["a", "b"]);
  });
});

describe("forms", () => {
  it("leave out hidden fields, and read-only ones while creating", () => {
    expect(formFields(meta, true).map((field) => field.name)).toEqual(["name", "code", "floor", "token"]);
    expect(formFields(meta, false).map((field) => field.name)).toContain("made");
  });
  it("follow the status that is chosen or held, by Field Configuration", () => {
    const state: FieldMeta = { name: "status", label: "Status", kind: "choice", choices: [{ id: 1, name: "Open" }, { id: 2, name: "In Use" }] };
    const ruled = { ...meta, fields: [...meta.fields, state], by_status: { "in use": { code: "hidden" as const, floor: "mandatory" as const, token: "read_only" as const } } };
    expect(formFields(inStatus(ruled, 1), true)).toEqual(formFields(ruled, true));
    const used = formFields(inStatus(ruled, 2), true);
    // What another status hides is there where this one says nothing of it.
    expect(used.map((field) => field.name)).toEqual(["name", "floor", "gone", "status"]);
    expect(used.find((field) => field.name === "floor")?.behaviour).toBe("mandatory");
    expect(formFields(forRecord(ruled, { status: { id: 2, name: "In Use" } }), false).map((field) => field.name)).toContain("token");
    expect(inStatus(ruled, null)).toBe(ruled);
    expect(forRecord(meta, { status: 2 })).toBe(meta);
  });
  it("leave out what only programs write", () => {
    expect(formFields({ ...meta, name: "team", fields: [name, { ...name, name: "config" }] }, true)).toEqual([name]);
  });
  it("group by section, custom fields under their own", () => {
    expect(sections([name, code, floor]).map(([title]) => title)).toEqual(["General", "Money", "Custom fields"]);
  });
  it("put the server's errors at the fields, and the rest above them", () => {
    expect(placeErrors({ name: ["Taken."], "custom_field_data.floor": ["Bad."], other: ["What."] }, meta.fields)).toEqual({
      placed: { name: "Taken.", custom_field_data: { floor: "Bad." } }, rest: ["other: What."],
    });
  });
});

describe("history", () => {
  it("reads choices, times, texts and trees", () => {
    const status: FieldMeta = { name: "status_id", label: "Status", kind: "choice", choices: [{ id: 6, name: "Resolved" }] };
    expect(changeText(6, status)).toBe("Resolved");
    expect(changeText("<p>done <b>now</b></p>", undefined)).toBe("done now");
    expect(changeText([{ name: "A" }, "b"], undefined)).toBe("A, b");
    expect([changeText("", status), changeText(null, undefined), changeText(false, undefined)]).toEqual(["", "", "No"]);
    expect(changeText("2026-01-31", { ...status, kind: "date", choices: null })).toBe("31 Jan 2026");
  });
});

describe("a change of custom fields", () => {
  it("is told field by field, under the labels of today", () => {
    const changes = [{ field: "name", old: "A", new: "B" }, { field: "custom_field_data", old: { floor: "1", gone: "x" }, new: { floor: "2", gone: "x", left: ["y"] } }];
    expect(apart(changes, meta.fields)).toEqual([
      { field: "name", old: "A", new: "B" }, { field: "custom_field_data.floor", label: "Floor", old: "1", new: "2" }, { field: "custom_field_data.left", label: "left", old: undefined, new: ["y"] },
    ]);
    expect(apart([{ field: "custom_field_data", old: null, new: { floor: "1" } }], meta.fields)).toHaveLength(1);
  });
});

describe("a conflict", () => {
  const conflict = { mine: { name: "A", custom_field_data: { floor: "2" } }, fields: meta.fields };
  it("concerns the fields that were about to be written", () => {
    expect(conflictFields(conflict).map((field) => field.name)).toEqual(["name", "floor"]);
  });
  it("writes mine unless theirs was chosen", () => {
    expect(resolveConflict(conflict, {})).toEqual(conflict.mine);
    expect(resolveConflict(conflict, { name: "theirs" })).toEqual({ custom_field_data: { floor: "2" } });
    expect(resolveConflict(conflict, { name: "theirs", floor: "theirs" })).toEqual({});
  });
});

describe("signing in", () => {
  it("ticks off the rules a password meets", () => {
    const policy = { min_length: 6, require_upper: true, require_digit: true, require_symbol: false };
    expect(checkPassword("Ärger", policy)).toEqual([{ rule: "min_length", met: false }, { rule: "require_upper", met: true }, { rule: "require_digit", met: false }]);
  });
  it("says how long to wait, rounded up", () => {
    expect([waitText(12.2), waitText(61)]).toEqual(["13 s", "2 min"]);
  });
  it("names a device", () => {
    expect(deviceName("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/130.0 Safari/537.36")).toBe("Chrome on Linux");
    expect(deviceName("curl/8.1")).toBe("curl");
    expect(deviceName(null)).toBe("");
  });
});

describe("a form that a link begins", () => {
  it("has the link's values where the resource has the fields", () => {
    const begun = begunWith(meta, JSON.stringify({ name: "Rack", nonsense: 1 }));
    expect(begun.fields.find((field) => field.name === "name")?.default).toBe("Rack");
    expect(begun.fields).toHaveLength(meta.fields.length);
  });
  it("is as it was where the link says nothing that can be read", () => {
    expect([begunWith(meta, null), begunWith(meta, "{"), begunWith(meta, "null")]).toEqual([meta, meta, meta]);
  });
});
