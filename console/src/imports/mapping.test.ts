import { describe, expect, it } from "vitest";
import { doubledColumns, missingColumns, percent, sentMapping, startMapping } from "./mapping";

const columns = [{ name: "full_name", label: "Name", required: true }, { name: "email", label: "E-mail", required: true }, { name: "phone", label: "Phone" }];

describe("CSV mapping", () => {
  it("keeps the server's guess and completes it by name and label", () => {
    expect(startMapping(["who", "E_MAIL", "Phone", "x"], columns, { who: "full_name", x: "gone" })).toEqual({ who: "full_name", E_MAIL: "email", Phone: "phone", x: "" });
  });
  it("gives no field twice", () => {
    expect(startMapping(["email", "E-mail"], columns, null)).toEqual({ email: "email", "E-mail": "" });
  });
  it("tells what is missing and what is mapped twice", () => {
    expect(missingColumns({ a: "full_name" }, columns).map((column) => column.name)).toEqual(["email"]);
    expect(doubledColumns({ a: "email", b: "email", c: "", d: "" }, columns).map((column) => column.name)).toEqual(["email"]);
    expect(sentMapping({ a: "email", b: "" })).toEqual({ a: "email" });
  });
  it("shows progress and never past the end", () => {
    expect(percent({ done: 1, total: 3, status: "running" })).toBe(33);
    expect(percent({ done: 5, total: 3, status: "running" })).toBe(100);
    expect(percent({ done: 0, total: 0, status: "queued" })).toBe(0);
    expect(percent({ done: 0, total: 0, status: "succeeded" })).toBe(100);
  });
});
