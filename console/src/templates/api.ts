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

export const countItems = (sysobjectid: string, signal?: AbortSignal) =>
  api<{ count: number; items: { id: string; name: string }[] }>(`${TEMPLATES}verify-sysobjectid-asset-exists/${query({ sysobjectid })}`, { signal });

/** Tries an expression on a text with the engine that discovery uses, which the browser's is not. */
export async function tryExpression(pattern: string, text: string, signal?: AbortSignal): Promise<{ matched: boolean; variables: Record<string, string> }> {
  const { results } = await api<{ results: { matched: boolean; variables?: Record<string, string> }[] }>("/ux/common/events/rules/test/", { method: "POST", body: { messages: [text], pattern }, signal });
  return { matched: results[0]?.matched ?? false, variables: results[0]?.variables ?? {} };
}
