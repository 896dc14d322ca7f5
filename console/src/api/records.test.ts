import { QueryClient } from "@tanstack/react-query";
import { describe, expect, it } from "vitest";
import { fieldLabel, fieldValue, formValues, recordKey, referenceId, same, titleOf, toLocalInput, toPayload, toRow } from "./records";
import type { FieldMeta } from "./types";

const field = (name: string, kind: FieldMeta["kind"], more: Partial<FieldMeta> = {}): FieldMeta => ({ name, label: name, kind, ...more });
const fields = [field("name", "text"), field("head", "user"), field("size", "integer"), field("active", "boolean"), field("members", "users"), field("floor", "text", { custom: true })];

describe("records", () => {
  it("uses the resource's own id", () => {
    expect(toRow({ dept_id: "d1", id: "other" }, { id: "dept_id" }).id).toBe("d1");
  });
  it("finds values and labels, custom ones too", () => {
    const record = { head: "u1", head_name: "Ada", custom_field_data: { floor: "3" } };
    expect(fieldLabel(record, field("head", "user"))).toBe("Ada");
    expect(fieldValue(record, field("floor", "text", { custom: true }))).toBe("3");
    expect(titleOf({ id: 5 }, { title: "name", label: "Team" })).toBe("5");
  });
  it("reads an id out of whatever stands for a reference", () => {
    expect(referenceId({ profile_id: "p1" })).toBe("p1");
    expect(referenceId("")).toBeNull();
    expect(referenceId(4)).toBe(4);
  });
});

describe("forms", () => {
  const start = formValues({ name: "IT", head: { id: "u1", name: "Ada" }, size: 3, active: true, members: [{ id: "a" }], custom_field_data: { floor: "3" } }, fields);

  it("start from plain values", () => {
    expect(start).toEqual({ name: "IT", head: "u1", size: 3, active: true, members: ["a"], custom_field_data: { floor: "3" } });
  });
  it("send what changed and nothing else", () => {
    const { payload } = toPayload({ ...start, size: "4", custom_field_data: { floor: "" } }, start, fields);
    expect(payload).toEqual({ size: 4, custom_field_data: { floor: null } });
  });
  it("send every filled value of a new record and leave defaults to the server", () => {
    const values = formValues(undefined, fields);
    expect(toPayload({ ...values, name: "IT" }, undefined, fields).payload).toEqual({ name: "IT", active: false });
  });
  it("refuse what is no number and no JSON", () => {
    const { errors } = toPayload({ size: "1.5", tree: "{" }, {}, [field("size", "integer"), field("tree", "json")]);
    expect(Object.keys(errors)).toEqual(["size", "tree"]);
  });
  it("treat every kind of nothing alike", () => {
    expect(same(null, "")).toBe(true);
    expect(same([], undefined)).toBe(true);
    expect(same(0, "")).toBe(false);
  });
  it("keep a time through the local input", () => {
    const local = toLocalInput("2026-03-01T10:30:00Z");
    expect(toPayload({ at: local }, {}, [field("at", "datetime")]).payload.at).toBe("2026-03-01T10:30:00.000Z");
  });
});

describe("a record that was read alone", () => {
  it("is not the row of a list, and is read anew when it changes", () => {
    const client = new QueryClient();
    client.setQueryData(["device_template", "getOne", { id: "7", meta: undefined }], { id: "7" });
    expect(client.getQueryData(recordKey("device_template", 7))).toBeUndefined();
    client.setQueryData(recordKey("device_template", 7), { id: "7", resource: [] });
    void client.invalidateQueries({ queryKey: ["device_template", "getOne", { id: "7" }] });
    expect(client.getQueryState(recordKey("device_template", "7"))?.isInvalidated).toBe(true);
  });
});
