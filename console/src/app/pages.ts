import type { ResourceMeta } from "../api/types";

/** Hand-made pages that stand in for the list of a resource, by the name its metadata gives them. */
export const LIST_PAGES: Record<string, string> = { apikeys: "/admin/keys", roles: "/admin/roles" };

export function pageOf(byName: Map<string, ResourceMeta>, page: string, ...names: string[]): ResourceMeta | undefined {
  for (const meta of byName.values()) if (meta.page === page) return meta;
  return names.map((name) => byName.get(name)).find((meta) => meta !== undefined);
}

export const keysMeta = (byName: Map<string, ResourceMeta>) => pageOf(byName, "apikeys", "apikey", "api_key");
export const rolesMeta = (byName: Map<string, ResourceMeta>) => pageOf(byName, "roles", "role");

/** Long jobs have their own record page, with progress. */
export const isTasks = (meta: Pick<ResourceMeta, "name" | "path">) => meta.name.startsWith("async_task") || meta.path.includes("/async_task");

export function tasksMeta(byName: Map<string, ResourceMeta>): ResourceMeta | undefined {
  for (const meta of byName.values()) if (isTasks(meta)) return meta;
  return undefined;
}
