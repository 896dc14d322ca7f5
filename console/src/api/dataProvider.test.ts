import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createDataProvider, defaultSort, inParallel, listQuery, newKey, unwrap, verbUrl } from "./dataProvider";
import { ApiError } from "./http";
import type { ResourceMeta } from "./types";

const meta: ResourceMeta = {
  name: "department", label: "Department", plural: "Departments", area: "people", path: "/ux/department/", id: "dept_id", title: "dept_name", permission: "department",
  privileges: ["view"], default_sort: "creation_time", default_columns: [], fields: [{ name: "creation_time", label: "Created", kind: "datetime" }],
  verbs: { list: "", create: "", multidelete: "multidelete/", history: "{id}/history/" },
};
const byName = new Map([[meta.name, meta]]);
const calls: { url: string; init: RequestInit }[] = [];
let answers: Response[] = [];
const json = (body: unknown, status = 200, headers: Record<string, string> = {}) => new Response(JSON.stringify(body), { status, headers });

beforeEach(() => {
  calls.length = 0;
  vi.stubGlobal("document", { cookie: "mainstay_csrf=tok%3D1; other=2" });
  vi.stubGlobal("fetch", (url: string, init: RequestInit) => {
    calls.push({ url, init });
    const answer = answers.shift();
    return answer ? Promise.resolve(answer) : Promise.reject(new TypeError("down"));
  });
});
afterEach(() => vi.unstubAllGlobals());

describe("listQuery", () => {
  it("maps paging, sorting, search and filters", () => {
    const query = new URLSearchParams(listQuery({
      pagination: { page: 3, perPage: 25 }, sort: { field: "dept_name", order: "DESC" }, filter: { q: " it ", where: [{ field: "code", condition: "equal", value: "A" }] },
    }, meta));
    expect(Object.fromEntries(query)).toEqual({
      items_per_page: "25", page: "3", sort: "dept_name", reverse: "true", search: "it", filters: '{"and":[{"field":"code","condition":"equal","value":"A"}]}',
    });
  });
  it("falls back to the resource's own order, newest first", () => {
    expect(defaultSort(meta)).toEqual({ field: "creation_time", order: "DESC" });
    expect(defaultSort({ ...meta, default_sort: "dept_name" })?.order).toBe("ASC");
    expect(defaultSort({ ...meta, default_reverse: false })?.order).toBe("ASC");
    expect(new URLSearchParams(listQuery({ sort: { field: "id", order: "ASC" } }, meta)).get("reverse")).toBe("true");
  });
});

describe("the provider", () => {
  const provider = createDataProvider(byName);

  it("gives rows an id and the total count", async () => {
    answers = [json({ count: 7, next: null, previous: null, results: [{ dept_id: "d1", dept_name: "IT" }] })];
    const result = await provider.getList("department", { pagination: { page: 1, perPage: 1 }, sort: { field: "id", order: "ASC" }, filter: {} });
    expect(result).toEqual({ data: [{ id: "d1", dept_id: "d1", dept_name: "IT" }], total: 7 });
  });
  it("keeps the version of a record and sends it back with a change", async () => {
    answers = [json({ dept_id: "d 1", dept_name: "IT" }, 200, { ETag: '"5"' }), json({ status: "success", id: "d 1", data: { dept_id: "d 1", dept_name: "ICT" } }, 200, { ETag: '"6"' })];
    const one = await provider.getOne("department", { id: "d 1" });
    expect(one.data.__etag).toBe('"5"');
    const changed = await provider.update("department", { id: "d 1", data: { dept_name: "ICT" }, previousData: one.data, meta: { etag: one.data.__etag } });
    expect(changed.data).toMatchObject({ id: "d 1", dept_name: "ICT", __etag: '"6"' });
    expect(calls[1]?.url).toBe("/ux/department/d%201/");
    expect(calls[1]?.init.headers).toMatchObject({ "If-Match": '"5"', "X-CSRF-Token": "tok=1" });
  });
  it("reads the id of a created record and makes the write safe to retry", async () => {
    answers = [json({ status: "success", id: "d9" }, 201)];
    const { data } = await provider.create("department", { data: { dept_name: "New" } });
    expect(data).toEqual({ id: "d9", dept_id: "d9", dept_name: "New" });
    expect((calls[0]?.init.headers as Record<string, string>)["Idempotency-Key"]).toMatch(/^[0-9a-f]{32}$/);
  });
  it("deletes many with one call", async () => {
    answers = [json({ status: "success", deleted: 2 })];
    await provider.deleteMany("department", { ids: ["a", "b"] });
    expect(calls).toHaveLength(1);
    expect(calls[0]).toMatchObject({ url: "/ux/department/multidelete/", init: { method: "POST", body: '{"ids":["a","b"]}' } });
  });
  it("reads several records and leaves out those that are gone", async () => {
    answers = [json({ dept_id: "a" }), json({ error: "Gone." }, 404)];
    expect((await provider.getMany("department", { ids: ["a", "b"] })).data).toEqual([{ id: "a", dept_id: "a" }]);
  });
  it("says which rows a bulk edit changed", async () => {
    answers = [json({}), json({ error: "No." }, 400)];
    expect((await provider.updateMany("department", { ids: ["a", "b"], data: { code: "x" } })).data).toEqual(["a"]);
  });
  it("turns an answer into an error with its fields, and a lost connection into a sentence", async () => {
    answers = [json({ error: "Name is required.", fields: { dept_name: ["Name is required."] } }, 400)];
    await expect(provider.create("department", { data: {} })).rejects.toMatchObject({ status: 400, message: "Name is required.", fields: { dept_name: ["Name is required."] } });
    await expect(provider.getOne("department", { id: 1 })).rejects.toBeInstanceOf(ApiError);
  });
});

describe("small parts", () => {
  it("puts the id into a verb's path", () => {
    expect(verbUrl(meta, "history", "a/b")).toBe("/ux/department/a%2Fb/history/");
    expect(() => verbUrl(meta, "export")).toThrow("Department has no export");
  });
  it("unwraps a record from under its module's name or data", () => {
    expect(unwrap({ department: { a: 1 } }, meta)).toEqual({ a: 1 });
    expect(unwrap({ data: { b: 1 } }, meta)).toEqual({ b: 1 });
    expect(unwrap({ c: 1 }, meta)).toEqual({ c: 1 });
    const own = { ...meta, fields: [{ name: "data", label: "Data", kind: "json" as const }] };
    expect(unwrap({ id: "1", data: { x: 1 } }, own)).toEqual({ id: "1", data: { x: 1 } });
    expect(unwrap({ status: "success", data: { id: "1", data: {} } }, own)).toEqual({ id: "1", data: {} });
  });
  it("runs no more than the limit at once and keeps the order", async () => {
    let running = 0;
    let most = 0;
    const results = await inParallel([3, 1, 2, 0], 2, async (value) => {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setTimeout(resolve, value));
      running--;
      if (value === 2) throw new Error("two");
      return value;
    });
    expect(most).toBe(2);
    expect(results.map((result) => (result.status === "fulfilled" ? result.value : "failed"))).toEqual([3, 1, "failed", 0]);
    expect(newKey()).not.toBe(newKey());
  });
});
