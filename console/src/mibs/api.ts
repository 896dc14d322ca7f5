import { api, query } from "../api/http";

export const MIBS = "/ux/ims/mib-explorer/";

export interface Place {
  oid: string;
  name: string;
  kind: string;
  module: string;
  syntax: string;
  access: string;
  status: string;
  children: number;
}

export interface Branch {
  oid: string;
  name: string;
  path: Place[];
  children: Place[];
}

export interface ObjectDetail {
  oid: string;
  name: string;
  module: string;
  kind: string;
  syntax: string;
  base_type: string;
  display_hint: string;
  range: string;
  access: string;
  status: string;
  units: string;
  description: string;
  enumerations: { value: number; label: string }[];
  indexes: Place[];
  objects: Place[];
  path: Place[];
  children: number;
}

export interface Problem {
  line: number;
  reason: string;
  definition?: string;
}

export interface LoadedModule {
  id: string;
  mib_name: string;
  mib_file: string;
  status: string;
  object_count: number;
  notification_count: number;
  missing: string[];
  problems: Problem[];
}

export interface Loaded {
  msg: string;
  modules: LoadedModule[];
  failed: { file: string; reason: string; line: number }[];
}

export interface RunResult {
  count: number;
  truncated: boolean;
  milliseconds: number;
  credential: string;
  results: { oid: string; name: string; type: string; value: string; exists: boolean }[];
}

export const readBranch = (oid: string, signal?: AbortSignal) => api<Branch>(`${MIBS}tree/${query({ oid })}`, { signal });
export const searchObjects = (search: string, signal?: AbortSignal) => api<{ results: Place[] }>(`${MIBS}search/${query({ search, limit: 100 })}`, { signal });
export const readObject = (oid: string, signal?: AbortSignal) => api<ObjectDetail>(`${MIBS}object/${query({ oid })}`, { signal });
export const readNotifications = (search: string, signal?: AbortSignal) => api<{ count: number; results: Place[] }>(`${MIBS}notifications/${query({ search, limit: 500 })}`, { signal });
export const readModules = (signal?: AbortSignal) => api<{ count: number; results: { mib_id: string; mib_name: string; built_in: boolean; object_count: number; notification_count: number; status: string }[] }>(`${MIBS}modules/`, { signal });
export const runVerb = (body: { address: string; verb: string; oids: string[]; credential: string; limit: number; value?: string; type?: string }) => api<RunResult>(`${MIBS}run/`, { method: "POST", body });

export function uploadMib(file: File): Promise<Loaded> {
  const form = new FormData();
  form.append("file", file);
  return api<Loaded>(MIBS, { method: "POST", body: form });
}

export const makeRule = (notification: string, severity: number) =>
  api<{ id: string; data: { name: string } }>("/ux/common/trap/configuration/from_notification/", { method: "POST", body: { notification, severity } });
