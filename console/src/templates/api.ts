import { api, query } from "../api/http";
import type { ListEnvelope } from "../api/types";
import type { Statistic, Verified, Wrong } from "./model";

const TEMPLATES = "/ux/ims/device-template/";

export interface Shipped {
  vendor: string;
  os: string;
  sysobjectid: string;
  sysdescr: string;
  /** An object that the device must have besides. */
  object: string;
  device_type: string;
  version: string[];
  model: string[];
}

export interface Device {
  ci_id: string;
  address: string;
  credential: string;
}

export const readShipped = (search: string, page: number, size: number, signal?: AbortSignal) =>
  api<ListEnvelope<Shipped>>(`${TEMPLATES}library/${query({ search, page, items_per_page: size })}`, { signal });

export const readOptions = (signal?: AbortSignal) => api<{ units: string[]; most: number }>(`${TEMPLATES}res-config-options/`, { signal });

export const checkStatistics = (statistics: unknown, signal?: AbortSignal) =>
  api<{ statistics: Statistic[]; errors: Wrong[] }>(`${TEMPLATES}validate-stats-json/`, { method: "POST", body: { statistics }, signal });

export const askDevice = (device: Device, oid: string, labelOid: string, signal?: AbortSignal) =>
  api<Verified>(`${TEMPLATES}verify-oid-exists/${query({ ...device, oid, label_oid: labelOid })}`, { signal });

export interface Known {
  count: number;
  items: { id: string; name: string }[];
}

export const countItems = (sysobjectid: string, signal?: AbortSignal) =>
  api<Known>(`${TEMPLATES}verify-sysobjectid-asset-exists/${query({ sysobjectid })}`, { signal });

export interface Identity {
  vendor: string;
  os: string;
  version: string;
  model: string;
  type: string;
  serial: string;
}

/** What a device says, which conditions of a template hold (null: it has none), and what it would be with and without it. */
export interface Tried {
  address: string;
  sys_object_id: string;
  sys_descr: string;
  number_fits: boolean | null;
  descr_fits: boolean | null;
  version_found: string;
  decided_by: "this" | "template" | "shipped" | "nothing";
  template_id: string;
  template_name: string;
  identity: Identity;
  without: Identity;
  problems: string[];
}

const TRIED = ["sysobjectid", "sysdescr", "vendor", "device_type", "os_type", "model", "version_expression"] as const;

/** Has the server try a template as it stands in the form. */
export const tryTemplate = (draft: Record<string, unknown>, id: string, device: Device, signal?: AbortSignal) =>
  api<Tried>(`${TEMPLATES}test/`, { method: "POST", body: { ...Object.fromEntries(TRIED.map((name) => [name, draft[name] ?? ""])), id, ...device }, signal });
