import type { ResourceMeta } from "../api/types";
import type { TextKey } from "../i18n";

/** Hand-made pages that stand in for the list of a resource, by the name its metadata gives them. */
export const LIST_PAGES: Record<string, string> = { apikeys: "/admin/keys", roles: "/admin/roles" };

/** Pages beside the resources, shown in an area to whoever may view the module that they are about. */
export const AREA_PAGES: { area: string; to: string; label: TextKey; module: string }[] = [
  { area: "logs", to: "/logs/search", label: "logs.title", module: "log_search" },
];

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
