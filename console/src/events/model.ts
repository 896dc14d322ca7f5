/** Events as an operator sees them: order, states, and how a live change gets into the list. */
import { buildFilters, isComplete, type Clause } from "../api/filters";
import { condition } from "../logs/model";

/** A ticket of an event, as far as the list shows it. */
export interface LinkedTicket {
  incident_id: string;
  display_id: string;
  over: boolean;
}

export interface EventRow {
  id: string;
  event_id: string;
  version: number;
  event_class: string;
  message: string;
  severity: number;
  severity_name: string;
  cleared: boolean;
  acknowledged: boolean;
  first_seen: string;
  last_seen: string;
  count: number;
  host: string;
  address: string;
  resource: string;
  source: string;
  ci: string | null;
  ci_name?: string | null;
  assignee: string | null;
  assignee_name?: string | null;
  due_date: string | null;
  tags: string[];
  suppressed: boolean;
  flapping: boolean;
  tickets?: LinkedTicket[];
}

export type State = "active" | "cleared" | "all";
export type Group = "none" | "host" | "event_class" | "severity";
export const SORTS = ["last_seen", "severity", "first_seen", "count"] as const;
export type Sort = (typeof SORTS)[number];

/** What the page shows; all of it stands in the address. */
export interface View {
  q: string;
  state: State;
  severities: number[];
  acknowledged: "" | "yes" | "no";
  suppressed: boolean;
  group: Group;
  sort: Sort;
  /** Further conditions on any field. */
  where: Clause[];
  any: boolean;
}

export const SEVERITIES = [1, 2, 3, 4, 5, 6] as const;

function readClauses(text: string | null): Clause[] {
  try {
    const found = JSON.parse(text ?? "[]") as unknown;
    return Array.isArray(found) ? found.filter((item): item is Clause => typeof item === "object" && item !== null && typeof (item as Clause).field === "string" && typeof (item as Clause).condition === "string") : [];
  } catch {
    return [];
  }
}

export function readView(params: URLSearchParams): View {
  const state = params.get("state");
  const group = params.get("group");
  const acknowledged = params.get("ack");
  return {
    q: params.get("q") ?? "",
    state: state === "cleared" || state === "all" ? state : "active",
    severities: (params.get("severity") ?? "").split(",").map(Number).filter((value) => SEVERITIES.some((known) => known === value)),
    acknowledged: acknowledged === "yes" || acknowledged === "no" ? acknowledged : "",
    suppressed: params.get("suppressed") === "1",
    group: group === "host" || group === "event_class" || group === "severity" ? group : "none",
    sort: SORTS.find((sort) => sort === params.get("sort")) ?? "last_seen",
    where: readClauses(params.get("where")),
    any: params.get("any") === "1",
  };
}

/** The conditions of a view, as the list's filters; without severities where those are to be counted. */
export function filtersOf(view: View, severities = view.severities): Record<string, unknown>[] {
  const all: Record<string, unknown>[] = [];
  if (view.state !== "all") all.push({ field: "cleared", condition: "equal", value: view.state === "cleared" });
  if (severities.length > 0) all.push({ field: "severity", condition: "in", value: severities });
  if (view.acknowledged) all.push({ field: "acknowledged", condition: "equal", value: view.acknowledged === "yes" });
  if (!view.suppressed) all.push({ field: "suppressed", condition: "equal", value: false });
  const further = buildFilters({ where: view.where, any: view.any });
  if (further) all.push(further);
  return all;
}

/** What the server is asked for: of a clause that is still being typed nothing, so that nothing is read again for it. */
export function askedOf({ group: _group, ...view }: View): string {
  return JSON.stringify({ ...view, where: view.where.filter(isComplete) });
}

const newestFirst = (a: EventRow, b: EventRow) => b.last_seen.localeCompare(a.last_seen) || b.id.localeCompare(a.id);

export function byId(rows: Iterable<EventRow>): Map<string, EventRow> {
  return new Map([...rows].map((row) => [row.id, row]));
}

/** The list after a look at some ids: what came back is new or changed, what did not has left the view. */
export function patched(known: Map<string, EventRow>, asked: string[], found: EventRow[]): Map<string, EventRow> {
  const next = new Map(known);
  for (const id of asked) next.delete(id);
  for (const row of found) next.set(row.id, row);
  return next;
}

export interface Counted {
  id: string;
  count: number;
  last_seen: string;
  severity: number;
}

/** Counts rise in place: the order stays, so that no row moves from under the pointer. */
export function counted(known: Map<string, EventRow>, changes: Counted[]): Map<string, EventRow> {
  let next: Map<string, EventRow> | undefined;
  for (const change of changes) {
    const row = known.get(change.id);
    if (!row || (row.count === change.count && row.last_seen === change.last_seen)) continue;
    next ??= new Map(known);
    next.set(change.id, { ...row, count: change.count, last_seen: change.last_seen });
  }
  return next ?? known;
}

/**
 * Rows in their order: the one they had, then what is new on top. A list that is ordered anew at every change
 * could not be read; pressing refresh orders it. By severity, a row stands among its like.
 */
export function ordered(rows: Map<string, EventRow>, before: string[], sort: Sort = "last_seen"): string[] {
  const kept = before.filter((id) => rows.has(id));
  const known = new Set(kept);
  const fresh = [...rows.values()].filter((row) => !known.has(row.id)).sort(newestFirst).map((row) => row.id);
  const all = [...fresh, ...kept];
  return sort === "severity" ? all.sort((a, b) => (rows.get(a)?.severity ?? 0) - (rows.get(b)?.severity ?? 0)) : all;
}

export const keyOf = (item: Item): string => (item.kind === "event" ? item.row.id : `group:${item.key}`);

/**
 * Where the mark goes with j and k. The mark stands on a row, not on a place: what arrives above does not move it. When
 * its row has left the list, j goes on with the row that took its place.
 */
export function stepped(items: Item[], at: number, place: number, by: 1 | -1): number {
  const from = at >= 0 ? at + by : by > 0 ? place : place - 1;
  return Math.min(Math.max(from, 0), items.length - 1);
}

export type Item = { kind: "event"; row: EventRow } | { kind: "group"; key: string; label: string; count: number; worst: number; open: boolean };

export function items(order: string[], rows: Map<string, EventRow>, group: Group, closed: ReadonlySet<string>): Item[] {
  const present = order.map((id) => rows.get(id)).filter((row) => row !== undefined);
  if (group === "none") return present.map((row) => ({ kind: "event", row }));
  const groups = new Map<string, EventRow[]>();
  for (const row of present) {
    const key = group === "host" ? row.host || row.address : group === "severity" ? String(row.severity) : row.event_class;
    const members = groups.get(key);
    if (members) members.push(row);
    else groups.set(key, [row]);
  }
  const worst = (members: EventRow[]) => Math.min(...members.map((row) => row.severity));
  return [...groups.entries()]
    .sort((a, b) => worst(a[1]) - worst(b[1]) || b[1].length - a[1].length || a[0].localeCompare(b[0]))
    .flatMap(([key, members]): Item[] => {
      const open = !closed.has(key);
      const label = group === "severity" ? (members[0]?.severity_name ?? key) : key;
      const head: Item = { kind: "group", key, label, count: members.length, worst: worst(members), open };
      return open ? [head, ...members.map((row): Item => ({ kind: "event", row }))] : [head];
    });
}

/** How long ago, as short as a column: 12s, 5m, 3h, 2d. */
export function age(iso: string, now: number): string {
  const seconds = Math.max(0, Math.round((now - new Date(iso).getTime()) / 1000));
  if (Number.isNaN(seconds)) return "";
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)}h`;
  return `${Math.floor(seconds / 86_400)}d`;
}

/** Where the log explorer shows what the device sent from ten minutes before it was last seen to ten minutes after; none without a name. */
export function logAround(event: Pick<EventRow, "host" | "address" | "last_seen">): string | undefined {
  const names = [event.address && condition("source", event.address), event.host && condition("host", event.host)].filter(Boolean);
  const at = Date.parse(event.last_seen);
  if (names.length === 0 || Number.isNaN(at)) return undefined;
  const span = 10 * 60_000;
  const range = new URLSearchParams({ q: names.join(" or "), from: new Date(at - span).toISOString(), to: new Date(at + span).toISOString() });
  return `/logs/search?${range}`;
}
