import { t, type TextKey } from "../i18n";
import type { Statistics } from "../traps/api";

export interface Door {
  kind: string;
  protocol: string;
  url: string;
  address: string;
  port: number;
  enabled: boolean;
  help: string;
}

export interface Listener {
  name: string;
  kind: string;
  address: string;
  port: number;
  listening: boolean;
  trouble: string;
  received: number;
  dropped_by_kernel: number;
  storm_limited: number;
  oversized: number;
  connections: number;
  refused: number;
}

export interface Sender {
  source: string;
  received: number;
  parsed: number;
  unparsed: number;
  storm_limited: number;
  last_received: string;
}

/** A sender that was not let in, and why the last time. */
export interface Refused {
  source: string;
  listener: string;
  reason: string;
  count: number;
  last_refused: string;
}

export type Status = "ok" | "lagging" | "losing" | "failing" | "off";

export interface Health {
  status: Status;
  message: string;
  lag_seconds: number;
  waiting: number;
  stored: number;
  parsed: number;
  unparsed: number;
  listeners: Listener[];
  sources: Sender[];
  refused: Refused[];
}

export const TONE: Record<Status, "success" | "warning" | "error" | "info"> = { ok: "success", lagging: "warning", losing: "error", failing: "error", off: "info" };

const WAYS: Record<string, TextKey> = { udp: "intake.ways.udp", tcp: "intake.ways.tcp", tls: "intake.ways.tls", http: "intake.ways.http", otlp: "intake.ways.otlp" };

/** A door as people call it. */
export function doorName(door: Pick<Door, "kind" | "protocol">): string {
  const way = WAYS[door.kind === "syslog" ? door.protocol : door.kind];
  return way ? t(way) : `${door.kind} ${door.protocol}`;
}

/** A command that sends one line to a door; empty where none is short enough to be typed. */
export function example(door: Door): string {
  const host = door.address;
  if (door.kind === "syslog" && door.protocol === "udp") return `logger -n ${host} -P ${door.port} -d "hello"`;
  if (door.kind === "syslog" && door.protocol === "tcp") return `logger -n ${host} -P ${door.port} -T "hello"`;
  if (door.kind === "http") return `curl -H "Authorization: ApiKey <key>" -H "Content-Type: application/json" -d '{"message": "hello"}' ${door.url}`;
  return "";
}

/** Lines a second between two looks; undefined where the counter started anew. */
export function rate(before: { stored: number; at: number } | undefined, now: { stored: number; at: number }): number | undefined {
  if (!before || now.at <= before.at || now.stored < before.stored) return undefined;
  return ((now.stored - before.stored) * 1000) / (now.at - before.at);
}

/** The door of the traps beside those of the lines: what it lost, to the kernel or behind it, counts as lost. */
export function trapListener(traps: Statistics): Listener {
  return {
    name: "snmp-traps", kind: "udp", address: "", port: traps.port, listening: traps.listening, trouble: traps.problem, received: traps.received,
    dropped_by_kernel: traps.kernel_dropped + traps.lost, storm_limited: traps.limited, oversized: 0, connections: 0, refused: 0,
  };
}
