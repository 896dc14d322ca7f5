import type { DataProvider, GetListParams, Identifier, RaRecord } from "react-admin";
import { buildFilters, type ListFilter } from "./filters";
import { api, query, send } from "./http";
import { toRow } from "./records";
import type { ListEnvelope, ResourceMeta } from "./types";

type Json = Record<string, unknown>;

export function listQuery(params: Partial<GetListParams>, meta: ResourceMeta): string {
  const filter = (params.filter ?? {}) as ListFilter;
  const filters = buildFilters(filter);
  const sort = params.sort && params.sort.field !== "id" ? params.sort : undefined;
  return query({
    items_per_page: params.pagination?.perPage ?? 50,
    page: params.pagination?.page ?? 1,
    sort: sort?.field ?? defaultSort(meta)?.field,
    reverse: (sort ?? defaultSort(meta))?.order === "DESC" ? "true" : undefined,
    search: filter.q?.trim(),
    filters: filters ? JSON.stringify(filters) : undefined,
  });
}

/** As the resource says; where it says nothing, newest first for times and A to Z for the rest. */
export function defaultSort(meta: ResourceMeta): { field: string; order: "ASC" | "DESC" } | undefined {
  const name = meta.default_sort;
  if (!name) return undefined;
  if (name.startsWith("-")) return { field: name.slice(1), order: "DESC" };
  if (meta.default_reverse !== undefined) return { field: name, order: meta.default_reverse ? "DESC" : "ASC" };
  const kind = meta.fields.find((field) => field.name === name)?.kind;
  const isTime = kind === "datetime" || kind === "date" || /(_time|_at)$/.test(name);
  return { field: name, order: isTime ? "DESC" : "ASC" };
}

export function recordUrl(meta: ResourceMeta, id: Identifier): string {
  return `${meta.path}${encodeURIComponent(String(id))}/`;
}

/** Changes are sent alone where the resource takes them so; PUT means the record as a whole. */
export function writeMethod(meta: ResourceMeta): "PATCH" | "PUT" {
  return meta.verbs.patch === undefined && meta.verbs.replace !== undefined ? "PUT" : "PATCH";
}

export function verbUrl(meta: ResourceMeta, verb: keyof ResourceMeta["verbs"], id?: Identifier): string {
  const relative = meta.verbs[verb];
  if (relative === undefined) throw new Error(`${meta.label} has no ${verb}`);
  return meta.path + (id === undefined ? relative : relative.replace("{id}", encodeURIComponent(String(id))));
}

/** A page's own wrapper is taken off: a ticket's detail stands under the name of its module. */
export function unwrap(body: Json, meta: ResourceMeta): Json {
  // A record may have a field of that name; the answer to a write says that it is one.
  const wrapped = body.status === "success" || !meta.fields.some((field) => field.name === "data");
  const inner = body[meta.name] ?? (wrapped ? body.data : undefined);
  return typeof inner === "object" && inner !== null && !Array.isArray(inner) ? (inner as Json) : body;
}

export function newKey(): string {
  // randomUUID exists on secure origins only, and a first installation is often plain HTTP.
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Runs a few at a time: a bulk edit of 200 rows must not open 200 connections. */
export async function inParallel<T, R>(items: T[], limit: number, work: (item: T) => Promise<R>): Promise<PromiseSettledResult<R>[]> {
  const results: PromiseSettledResult<R>[] = new Array(items.length);
  let next = 0;
  const lane = async () => {
    while (next < items.length) {
      const index = next++;
      try {
        results[index] = { status: "fulfilled", value: await work(items[index] as T) };
      } catch (reason) {
        results[index] = { status: "rejected", reason };
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, lane));
  return results;
}

/** Resources whose records are not flat: name → how a record becomes a row. */
export type RowReaders = Record<string, (record: Json) => Json>;

export function createDataProvider(byName: Map<string, ResourceMeta>, readers: RowReaders = {}): DataProvider {
  const rowOf = (record: Json, meta: ResourceMeta) => toRow(readers[meta.name]?.(record) ?? record, meta);
  const metaOf = (resource: string): ResourceMeta => {
    const meta = byName.get(resource);
    if (!meta) throw new Error(`There is no resource ${resource}`);
    return meta;
  };

  const list = async (meta: ResourceMeta, search: string, signal?: AbortSignal) => {
    const body = await api<ListEnvelope<Json>>(`${meta.path}${meta.verbs.list ?? ""}${search}`, { signal });
    return { data: body.results.map((record) => rowOf(record, meta)), total: body.count };
  };

  const provider = {
    getList: (resource: string, params: GetListParams & { signal?: AbortSignal }) => {
      const meta = metaOf(resource);
      return list(meta, listQuery(params, meta), params.signal);
    },
    getOne: async (resource: string, params: { id: Identifier; signal?: AbortSignal }) => {
      const meta = metaOf(resource);
      const { data, etag } = await send<Json>(recordUrl(meta, params.id), { signal: params.signal });
      return { data: { ...rowOf(unwrap(data, meta), meta), __etag: etag } };
    },
    getMany: async (resource: string, params: { ids: Identifier[]; signal?: AbortSignal }) => {
      const meta = metaOf(resource);
      // Ids are no filter field: records are read one by one, and those that are gone are left out.
      const results = await inParallel(params.ids, 4, (id) => api<Json>(recordUrl(meta, id), { signal: params.signal }));
      return { data: results.flatMap((result) => (result.status === "fulfilled" ? [rowOf(unwrap(result.value, meta), meta)] : [])) };
    },
    getManyReference: (resource: string, params: GetListParams & { target: string; id: Identifier }) => {
      const meta = metaOf(resource);
      const filter = params.filter as ListFilter;
      const where = [...(filter.where ?? []), { field: params.target, condition: "equal" as const, value: params.id }];
      return list(meta, listQuery({ ...params, filter: { ...filter, where } }, meta));
    },
    create: async (resource: string, params: { data: Json }) => {
      const meta = metaOf(resource);
      const body = await api<Json>(meta.path + (meta.verbs.create ?? ""), {
        method: "POST", body: params.data, headers: { "Idempotency-Key": newKey() },
      });
      // Without a record in the answer there is only its id to go by: the answer's own words are not the record's.
      const record = unwrap(body, meta);
      return { data: toRow({ ...params.data, ...(record === body ? {} : record), ...(body.id ? { [meta.id]: body.id } : {}) }, meta) };
    },
    update: async (resource: string, params: { id: Identifier; data: Json; meta?: { etag?: string | null } }) => {
      const meta = metaOf(resource);
      const etag = params.meta?.etag;
      const { data, etag: next } = await send<Json>(recordUrl(meta, params.id), {
        method: writeMethod(meta), body: params.data, headers: etag ? { "If-Match": etag } : undefined,
      });
      return { data: { ...rowOf({ [meta.id]: params.id, ...unwrap(data, meta) }, meta), __etag: next } };
    },
    updateMany: async (resource: string, params: { ids: Identifier[]; data: Json }) => {
      const meta = metaOf(resource);
      const results = await inParallel(params.ids, 4, (id) => api(recordUrl(meta, id), { method: writeMethod(meta), body: params.data }));
      const failed = results.find((result) => result.status === "rejected");
      if (failed?.status === "rejected" && results.every((result) => result.status === "rejected")) throw failed.reason;
      return { data: params.ids.filter((_, index) => results[index]?.status === "fulfilled") };
    },
    delete: async (resource: string, params: { id: Identifier; previousData?: RaRecord }) => {
      await api(recordUrl(metaOf(resource), params.id), { method: "DELETE" });
      return { data: params.previousData ?? { id: params.id } };
    },
    deleteMany: async (resource: string, params: { ids: Identifier[] }) => {
      const meta = metaOf(resource);
      if (meta.verbs.multidelete !== undefined) {
        await api(verbUrl(meta, "multidelete"), { method: "POST", body: { ids: params.ids } });
      } else {
        const results = await inParallel(params.ids, 4, (id) => api(recordUrl(meta, id), { method: "DELETE" }));
        const failed = results.find((result) => result.status === "rejected");
        if (failed?.status === "rejected") throw failed.reason;
      }
      return { data: params.ids };
    },
  };
  return provider as unknown as DataProvider;
}
