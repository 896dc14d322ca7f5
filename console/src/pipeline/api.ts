import { api, query, send } from "../api/http";
import type { PipelineOptions, PreviewAnswer, Stage } from "./model";

export const PIPELINES = "/ux/log_pipeline/log_pipeline_configuration/";

export interface PipelineRecord {
  id: string;
  name: string;
  description: string;
  condition: string;
  stages: Stage[];
  enabled: boolean;
  position: number;
  passing: boolean;
  parent: string | null;
  revision: number;
  in_force: number;
  state: string;
}

export interface Version {
  number: number;
  in_force: boolean;
  note: string;
  created_at: string;
  created_by_name: string;
  condition: string;
  stages: Stage[];
}

export interface Uploaded {
  version: number;
  previous: number;
  msg: string;
}

export interface PipelineHealth {
  id: string;
  state: string;
  problem: string;
  lines_in: number;
  lines_out: number;
  dropped: number;
  failed: number;
  timeouts: number;
  microseconds: number;
  stages: { path: string; type: string; name: string; lines_in: number; lines_out: number; failed: number; microseconds: number }[];
}

export interface PreviewInput {
  pipeline?: string;
  stages: Stage[];
  condition: string;
  lines?: string[];
  search?: string;
  limit?: number;
}

const at = (id: string) => `${PIPELINES}${encodeURIComponent(id)}/`;

export const readOptions = (signal?: AbortSignal) => api<PipelineOptions>(`${PIPELINES}get_options/`, { signal });

export async function readPipeline(id: string, signal?: AbortSignal): Promise<{ record: PipelineRecord; etag: string | null }> {
  const { data, etag } = await send<PipelineRecord>(at(id), { signal });
  return { record: data, etag };
}

export async function savePipeline(id: string | undefined, values: Record<string, unknown>, etag?: string | null): Promise<string> {
  const { data } = await send<{ id: string }>(id ? at(id) : PIPELINES, { method: id ? "PATCH" : "POST", body: values, headers: etag ? { "If-Match": etag } : undefined });
  return data.id;
}

export const preview = (wanted: PreviewInput, signal?: AbortSignal) => api<PreviewAnswer>(`${PIPELINES}preview/`, { method: "POST", body: wanted, signal });

export const readVersions = (id: string, signal?: AbortSignal) => api<{ results: Version[] }>(`${at(id)}versions/`, { signal });

export const putInForce = (id: string, version: number) => api<Uploaded>(`${PIPELINES}upload_pipeline/${encodeURIComponent(id)}/${query({ version })}`);

export const rollback = (id: string, version: number) => api<Uploaded>(`${at(id)}rollback/`, { method: "POST", body: { version } });

export const readHealth = (pipeline: string, signal?: AbortSignal) => api<{ status: string; results: PipelineHealth[] }>(`${PIPELINES}get_logstash_health/${query({ pipeline, minutes: 60 })}`, { signal });
