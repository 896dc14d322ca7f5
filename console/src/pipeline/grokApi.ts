import { api, query } from "../api/http";

export const GROK = "/ux/log_grok_pattern/log_grok_pattern_configuration/";

export interface TrialResult {
  line: string;
  matched: boolean;
  start: number;
  length: number;
  text: string;
  fields: Record<string, string | number>;
  wrong_type: boolean;
  reason: string;
  matched_expression: string;
  matched_text: string;
  failed_at: string;
  rest: string;
}

export interface Trial {
  valid: boolean;
  reason: string;
  position: { start: number; end: number } | null;
  rewrite: string | null;
  regex: string;
  fields: string[];
  matched: number;
  results: TrialResult[];
}

export interface NamedPattern {
  name: string;
  pattern: string;
  category: string;
  own: boolean;
}

export const tryPattern = (pattern: string, lines: string[], signal?: AbortSignal) =>
  api<Trial>(`${GROK}test/`, { method: "POST", body: { pattern, lines }, signal });

export const readPatterns = (search: string, signal?: AbortSignal) =>
  api<{ count: number; results: NamedPattern[] }>(`${GROK}get_grok_pattern_list/${query({ search })}`, { signal });
