import { api, query } from "../api/http";
import type { ListEnvelope } from "../api/types";
import { columnNames } from "./columns";
import { filtersOf, type EventRow, type View } from "./model";

export const EVENTS = "/ux/common/events/events/";
const PAGE = 500;
/** More rows than an operator can look at; a narrower view shows the rest. */
export const MOST = 10_000;

export async function readEvents(view: View, signal?: AbortSignal): Promise<{ rows: EventRow[]; total: number }> {
  const rows: EventRow[] = [];
  let url = `${EVENTS}${query({ items_per_page: PAGE, sort: view.sort, reverse: view.sort !== "severity", search: view.q, filters: JSON.stringify({ and: filtersOf(view) }) })}`;
  for (;;) {
    const page = await api<ListEnvelope<EventRow>>(url, { signal });
    rows.push(...page.results);
    if (!page.next || rows.length >= MOST) return { rows, total: page.count };
    url = page.next.replace(/^https?:\/\/[^/]+/, "");
  }
}

/** Those of some events that the view still shows. */
export async function readSome(view: View, ids: string[]): Promise<EventRow[]> {
  const rows: EventRow[] = [];
  for (let start = 0; start < ids.length; start += PAGE) {
    const filters = { and: [{ field: "id", condition: "in", value: ids.slice(start, start + PAGE) }, ...filtersOf(view)] };
    rows.push(...(await api<ListEnvelope<EventRow>>(`${EVENTS}list/`, { method: "POST", body: { items_per_page: PAGE, search: view.q, filters } })).results);
  }
  return rows;
}

/** Due until then; nobody expects anything when it is empty. */
export const schedule = (ids: string[], due: string | null) => api<ActionAnswer>(`${EVENTS}update-event-due-date/`, { method: "POST", body: { event_ids: ids, due_date: due } });

/** The caller's own columns of the list. */
export const readColumns = async (signal?: AbortSignal) => columnNames((await api<{ columns: unknown[] }>(`${EVENTS}column-config/`, { signal })).columns);
export const saveColumns = async (columns: string[]) => columnNames((await api<{ columns: unknown[] }>(`${EVENTS}save-column-config/`, { method: "POST", body: { columns } })).columns);

export interface ActionAnswer {
  status: string;
  changed?: number;
}

/** One action on some events; the server does all of them or none. */
export const act = (action: string, ids: string[], values: Record<string, unknown> = {}) =>
  api<ActionAnswer>(`${EVENTS}action/`, { method: "POST", body: { action, event_ids: ids, ...values } });

export const tag = (ids: string[], tags: string[], mode = "add") => api<ActionAnswer>(`${EVENTS}save-tag-to-events/`, { method: "POST", body: { event_ids: ids, tags, mode } });

export interface MadeTicket {
  incident_id: string;
  display_id: string;
  created: boolean;
}

/** One ticket for the events: a new one, or the one that is named. */
export const openTicket = (ids: string[], into = "") =>
  api<MadeTicket>(`${EVENTS}${into ? "upsert" : "create"}_incident/`, { method: "POST", body: into ? { event_ids: ids, incident_id: into } : { event_ids: ids } });

export interface EventTicket {
  incident_id: string;
  display_id: string;
  summary: string;
  status: string;
  rule: string;
  rule_name: string | null;
  linked_by: string;
}

export const readTickets = async (id: string, signal?: AbortSignal) =>
  (await api<{ results: EventTicket[] }>(`${EVENTS}get-event-ticket-details/${query({ event_id: id })}`, { signal })).results;

export interface Occurrence {
  time: string;
  message: string;
}

export const readOccurrences = async (id: string, signal?: AbortSignal) =>
  (await api<{ results: Occurrence[] }>(`${EVENTS}${encodeURIComponent(id)}/occurrences/`, { signal })).results;
