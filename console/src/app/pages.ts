import type { ResourceMeta } from "../api/types";
import type { TextKey } from "../i18n";

/** Hand-made pages that stand in for the list of a resource, by the name its metadata gives them. */
export const LIST_PAGES: Record<string, string> = { apikeys: "/admin/keys", roles: "/admin/roles" };

/** Pages beside the resources, shown (those that are `first` before them) in an area to whoever may view the module that they are about. */
export const AREA_PAGES: { area: string; to: string; label: TextKey; module: string; first?: boolean }[] = [
  { area: "logs", to: "/logs/search", label: "logs.title", module: "log_search", first: true },
  { area: "logs", to: "/logs/templates", label: "logs.templates", module: "log_search", first: true },
  { area: "logs", to: "/logs/intake", label: "intake.title", module: "log_intake" },
  { area: "monitoring", to: "/traps", label: "traps.title", module: "trap_configuration" },
  { area: "monitoring", to: "/mibs", label: "mibs.title", module: "mib" },
  { area: "monitoring", to: "/monitoring/jobs", label: "jobs.title", module: "jobs" },
  { area: "monitoring", to: "/monitoring/map", label: "topology.title", module: "asset", first: true },
  { area: "assets", to: "/assets/map", label: "assets.map", module: "ci_relation" },
];

/** What is set up once and seldom looked at again; it stands folded up below its area. */
const RARE = new Set([
  "ci_category", "ci_relation", "ci_relation_type", "item_classification", "asset_audit_template", "device_group",
  "event_trigger", "event_rule", "trap_configuration", "trap_credential", "credential", "ssh_access", "mib",
  "log_search", "log_integration", "log_grok_pattern", "log_lookup_table", "log_agent_config",
  "leave", "leave_type", "holiday",
]);

export function isRare(meta: Pick<ResourceMeta, "name">): boolean {
  return RARE.has(meta.name);
}

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
