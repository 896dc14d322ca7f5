import { useQuery } from "@tanstack/react-query";
import { api, query } from "../api/http";
import type { ListEnvelope } from "../api/types";
import { isOver } from "../imports/mapping";
import type { Parameter } from "./model";

export interface Run {
  id: string;
  state: string;
  started_at: string;
  finished_at: string | null;
  seconds: number | null;
  dry_run: boolean;
  trigger: string;
  started_by: string;
  total: number;
  done: number;
  counts: Record<string, number>;
  error: string;
}

export interface RunDetails {
  addresses: number;
  next_run: string | null;
  iteration: Run | null;
  results: Record<string, number>;
}

export interface Finding {
  address: string;
  result: string;
  reason: string;
  name: string;
  ci_id: string;
  credential: string;
  rtt_ms: number | null;
  seen: string;
  open_ports: number[];
  ssh: Record<string, string>;
  depth: number | null;
  identity: Record<string, string>;
  problems: string[];
  neighbours: Record<string, string>[];
}

const PATIENT = 30_000;
const EAGER = 1500;
export const PER_PAGE = 50;

/** The runs, read again often while one is under way, and now and then for those that the schedule begins. */
export function useRuns(path: string, id: string) {
  return useQuery({
    queryKey: ["discovery-runs", id],
    queryFn: ({ signal }) => api<ListEnvelope<Run>>(`${path}iteration-list/${query({ id, items_per_page: 50 })}`, { signal }),
    refetchInterval: (state) => (state.state.data?.results.some((run) => !isOver(run.state)) ? EAGER : PATIENT),
  });
}

/** One run with how many addresses came to which result. */
export function useRun(path: string, id: string, run: string) {
  return useQuery({
    queryKey: ["discovery-run", id, run],
    queryFn: ({ signal }) => api<RunDetails>(`${path}details/${query({ id, job_iteration_id: run })}`, { signal }),
    refetchInterval: (state) => (state.state.data?.iteration && isOver(state.state.data.iteration.state) ? false : EAGER),
  });
}

export interface FindingsAsked {
  run: string;
  result: string;
  search: string;
  page: number;
}

export function useFindings(path: string, id: string, asked: FindingsAsked, live: boolean) {
  return useQuery({
    queryKey: ["discovery-findings", id, asked],
    queryFn: ({ signal }) => api<ListEnvelope<Finding>>(`${path}audit/${query({ job_iteration_id: asked.run, result: asked.result, search: asked.search, page: asked.page, items_per_page: PER_PAGE })}`, { signal }),
    refetchInterval: live ? 2 * EAGER : false,
    // While another page comes, the rows stay; those of another run or result would be wrong.
    placeholderData: (before, previous) => {
      const earlier = previous?.queryKey[2] as FindingsAsked | undefined;
      return earlier?.run === asked.run && earlier.result === asked.result ? before : undefined;
    },
  });
}

export function useParameters(path: string) {
  return useQuery({
    queryKey: ["discovery-parameters"],
    queryFn: async ({ signal }) => (await api<{ fields: Parameter[] }>(`${path}get-custom-scanner-fields/`, { method: "POST", body: {}, signal })).fields,
    staleTime: Infinity,
  });
}

export const startRun = (path: string, id: string, dryRun?: boolean) =>
  api<{ job_iteration_id: string }>(`${path}do-rescan/`, { method: "POST", body: { id, ...(dryRun === undefined ? {} : { dry_run: dryRun }) } });

export const approve = (path: string, run: string, addresses: string[]) =>
  api<{ approved: number; results: { address: string; result: string; reason: string }[] }>(`${path}approve/`, { method: "POST", body: { job_iteration_id: run, addresses } });
