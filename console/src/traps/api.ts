import { api, query } from "../api/http";

export const TRAPS = "/ux/common/trap/configuration/";

export interface Trap {
  id: string;
  received: string;
  source: string;
  agent: string;
  version: string;
  credential: string;
  inform: boolean;
  trap_oid: string;
  name: string;
  uptime: number;
  resource: string;
  message: string;
  severity: number;
  trap_configuration: string;
  variables: Record<string, string>;
}

export interface TrapDetail {
  trap: Trap;
  raw: string;
  size: number;
  description: string;
  notification: { oid: string; name: string; module: string } | null;
  values: { oid: string; name: string; type: string; value: string }[];
}

export interface Statistics {
  listening: boolean;
  port: number;
  problem: string;
  received: number;
  accepted: number;
  malformed: number;
  refused: number;
  limited: number;
  kernel_dropped: number;
  lost: number;
  strangers: { source: string; reason: string; who: string; count: number; last: string }[];
}

export interface Asked {
  search: string;
  source: string;
  configured: "" | "true" | "false";
  page: number;
}

export const readTraps = (asked: Asked, signal?: AbortSignal) => api<{ count: number; results: Trap[]; total_pages: number }>(`${TRAPS}trap_msgs/${query({ ...asked, items_per_page: 100 })}`, { signal });
export const readTrap = (id: string, signal?: AbortSignal) => api<TrapDetail>(`${TRAPS}trap_msgs/${encodeURIComponent(id)}/`, { signal });
export const readStatistics = (signal?: AbortSignal) => api<Statistics>(`${TRAPS}statistics/`, { signal });

/** The packet as people read it: sixteen octets a line, in hex and as text. */
export function hexDump(base64: string): string {
  const octets = Array.from(atob(base64), (char) => char.charCodeAt(0));
  const lines: string[] = [];
  for (let start = 0; start < octets.length; start += 16) {
    const part = octets.slice(start, start + 16);
    const hex = part.map((octet) => octet.toString(16).padStart(2, "0")).join(" ");
    const text = part.map((octet) => (octet >= 32 && octet < 127 ? String.fromCharCode(octet) : ".")).join("");
    lines.push(`${start.toString(16).padStart(4, "0")}  ${hex.padEnd(47)}  ${text}`);
  }
  return lines.join("\n");
}
