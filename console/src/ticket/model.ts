/** The ticket as the page needs it, out of the documented record (nested) with its flat companions. */
import type { ChoiceId, FieldMeta, ResourceMeta } from "../api/types";

type Json = Record<string, unknown>;

export interface StatusOption {
  id: ChoiceId;
  name: string;
  state?: string;
  color?: string | null;
  comment_required?: boolean;
  reopen_allowed?: boolean;
}

export interface NamedOption {
  id: ChoiceId;
  name: string;
  color?: string | null;
}

export interface Person {
  profile_id: string;
  full_name: string;
  email?: string;
}

export interface TeamOption {
  team_id: ChoiceId;
  name: string;
  staffs?: Person[];
  owner?: Person[];
}

export interface TicketDetail {
  incident: Json;
  options: {
    status?: StatusOption[];
    urgency?: NamedOption[];
    impact?: NamedOption[];
    severity?: NamedOption[];
    priority?: NamedOption[];
    priority_matrix?: Record<string, Record<string, ChoiceId>>;
    teams?: TeamOption[];
    users?: Person[];
  };
  status?: StatusOption | null;
  transition_status?: StatusOption[];
  selected_assignee_info?: Json | null;
}

export interface Ticket {
  id: string;
  displayId: string;
  summary: string;
  description: string;
  state: string;
  status: NamedOption | null;
  priority: NamedOption | null;
  urgency: NamedOption | null;
  impact: NamedOption | null;
  severity: NamedOption | null;
  requester: { id: string | null; name: string; email: string; phone: string };
  teamId: ChoiceId | null;
  teamName: string;
  assigneeId: string | null;
  assigneeName: string;
  dueDate: string | null;
  source: string;
  tags: string[];
  rating: number | null;
  created: string | null;
  updated: string | null;
}

const asObject = (value: unknown): Json => (typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : {});
const text = (value: unknown): string => (typeof value === "string" || typeof value === "number" ? String(value) : "");
const idOf = (value: unknown): ChoiceId | null => (typeof value === "string" && value !== "" ? value : typeof value === "number" ? value : null);

/** A choice arrives as name with `_id` beside it, as an id with `_name` beside it, or as an object. */
function choice(from: Json, name: string, options: NamedOption[] | undefined): NamedOption | null {
  const raw = from[name];
  const object = asObject(raw);
  const id = idOf(from[`${name}_id`]) ?? idOf(object.id) ?? null;
  const label = text(object.name) || text(from[`${name}_name`]) || text(raw);
  const found = options?.find((option) => (id !== null ? String(option.id) === String(id) : option.name === label || String(option.id) === label));
  if (found) return found;
  return id === null && !label ? null : { id: id ?? label, name: label || text(id) };
}

export function readTicket(detail: TicketDetail): Ticket {
  const record = detail.incident;
  const basic = { ...record, ...asObject(record.basic_info) };
  const requester = { ...asObject(record.requester) };
  const assignment = asObject(record.current_assignment_info);
  const { options } = detail;
  const assignee = asObject(assignment.assignee);
  const assigneeId = text(assignment.assignee_profile_id) || text(assignee.profile_id) || text(record.assignee_profile_id) || null;
  const teamId = idOf(assignment.team_id) ?? idOf(record.team_id) ?? null;
  const people = [...(options.users ?? []), ...(options.teams ?? []).flatMap((team) => team.staffs ?? [])];
  const tags = record.tags ?? record.tag ?? basic.tags;
  return {
    id: text(record.incident_id) || text(record.id),
    displayId: text(record.display_id),
    summary: text(basic.summary),
    description: text(basic.description),
    state: text(basic.state) || text(detail.status?.state),
    status: detail.status ?? choice(basic, "status", options.status),
    priority: choice(basic, "priority", options.priority),
    urgency: choice(basic, "urgency", options.urgency),
    impact: choice(basic, "impact", options.impact),
    severity: choice(basic, "severity", options.severity),
    requester: {
      id: text(requester.requester_id) || text(record.requester_id) || null,
      name: text(requester.full_name) || text(record.requester_name),
      email: text(requester.email) || text(record.requester_email),
      phone: text(requester.phone),
    },
    teamId,
    teamName: text(record.team_name) || (options.teams ?? []).find((team) => String(team.team_id) === String(teamId))?.name || text(asObject(assignment.team).name) || text(assignment.team),
    assigneeId,
    assigneeName: people.find((person) => person.profile_id === assigneeId)?.full_name || text(record.assignee_name) || text(assignee.full_name) || text(assignment.assignee),
    dueDate: text(basic.due_date) || null,
    source: text(record.source_name) || text(basic.source),
    rating: Number(asObject(record.close_info).rating) || null,
    tags: Array.isArray(tags) ? tags.map((tag) => text(asObject(tag).name) || text(tag)).filter(Boolean) : [],
    created: text(record.creation_time) || text(basic.creation_time) || null,
    updated: text(record.last_update_time) || text(basic.last_update_time) || null,
  };
}

/** A ticket as a row of the generic pages: the documented groups beside each other, each value under its field's name. */
export function flatRecord(record: Json): Json {
  const part = (group: string, names: Record<string, string>) => {
    const from = asObject(record[group]);
    return Object.fromEntries(Object.entries(names).filter(([inner]) => inner in from).map(([inner, name]) => [name, from[inner]]));
  };
  const assets = Array.isArray(record.impacted_asset) ? record.impacted_asset.map(asObject) : undefined;
  return {
    ...asObject(record.basic_info), ...asObject(record.close_info), ...record,
    ...part("requester", { requester_id: "requester", full_name: "requester_name", email: "requester_email", phone: "requester_phone" }),
    ...part("reporter_info", { name: "reporter_name", email: "reporter_email", phone: "reporter_phone" }),
    ...part("source_info", { id: "source", name: "source_name" }),
    ...("location" in record ? { location: idOf(asObject(record.location).id), location_name: text(asObject(record.location).name) } : {}),
    ...(Array.isArray(record.current_watcher) ? { watcher: record.current_watcher } : {}),
    ...(assets ? { assets: assets.map((asset) => asset.asset_id), assets_name: assets.map((asset) => text(asset.name)) } : {}),
  };
}

/** Field → how it behaves for the caller in the ticket's status. */
export type Behaviours = Record<string, FieldMeta["behaviour"]>;

/** What stands elsewhere on the page, and what is an id beside a name. */
const ELSEWHERE = new Set([
  "display_id", "summary", "description", "status_id", "state_id", "priority_id", "urgency_id", "impact_id", "severity_id", "team", "assignee", "due_date", "tag",
  "requester", "impact_service", "service_classification", "parent", "unread_mail", "is_archive", "creation_time", "last_update_time",
]);

/** The fields of a ticket that its page does not show in a place of their own, custom ones first. */
export function otherFields(meta: Pick<ResourceMeta, "fields">, behaviours: Behaviours): FieldMeta[] {
  const fields = meta.fields.filter((field) => !ELSEWHERE.has(field.name) && field.kind !== "json" && field.kind !== "secret");
  const held = fields.map((field) => ({ ...field, behaviour: behaviours[field.name] ?? field.behaviour }));
  return [...held.filter((field) => field.custom), ...held.filter((field) => !field.custom)];
}

export function matrixPriority(detail: Pick<TicketDetail, "options">, impact: ChoiceId | null | undefined, urgency: ChoiceId | null | undefined): NamedOption | null {
  const { priority_matrix: matrix, priority } = detail.options;
  const id = matrix?.[String(impact)]?.[String(urgency)];
  return id === undefined ? null : (priority?.find((option) => String(option.id) === String(id)) ?? null);
}

/** Who can take a ticket: the members of its team, or everybody while it has none. */
export function assignable(detail: TicketDetail, teamId: ChoiceId | null): Person[] {
  const team = detail.options.teams?.find((item) => String(item.team_id) === String(teamId));
  const people = team ? [...(team.staffs ?? []), ...(team.owner ?? [])] : (detail.options.users ?? []);
  return people.filter((person, index) => people.findIndex((other) => other.profile_id === person.profile_id) === index);
}

/** The legal next statuses; reopening, which is an operation and no transition, is added where the status allows it. */
export function nextStatuses(detail: Pick<TicketDetail, "status" | "transition_status">, reopenName: string): StatusOption[] {
  const next = detail.transition_status ?? [];
  const offered = next.some((status) => !isDone(status.state));
  return detail.status?.reopen_allowed && !offered ? [...next, { id: "reopen", name: reopenName, state: "Open" }] : next;
}

export type Move = "status" | "resolve" | "close" | "reopen";

const state = (value: string | undefined) => (value ?? "").toLowerCase();
const isDone = (value: string | undefined) => ["resolved", "closed"].includes(state(value));

/** Which way a transition is made: some have an operation of their own, with what it asks for. */
export function moveFor(from: string, to: StatusOption): Move {
  if (isDone(from) && !isDone(to.state)) return "reopen";
  if (state(to.state) === "resolved") return "resolve";
  if (state(to.state) === "closed") return "close";
  return "status";
}

export interface Relative {
  id: string;
  displayId: string;
}

/** The ticket this one was merged into, and those merged into it. */
export function relatives(reference: unknown): { into: Relative | undefined; merged: Relative[] } {
  const entries = (Array.isArray(reference) ? reference : []).map(asObject);
  const of = (type: string) => entries.filter((item) => item.type === type).map((item): Relative => ({ id: text(item.incident_id), displayId: text(item.display_id) || text(item.incident_id) }));
  return { into: of("merged_into")[0], merged: of("merged") };
}

export const INCIDENTS = "/ux/sd/inci/incident/";

/** The server merges no more at once: one that remains and a hundred others. */
export const MOST_MERGED = 101;

export interface Mergeable extends Relative {
  summary: string;
  created: string;
}

/** Rows of tickets that can be merged, the oldest first: neither closed nor merged already. */
export function mergeable(rows: Json[]): Mergeable[] {
  const open = rows.filter((row) => text(row.state) !== "Closed" && row.is_merge_incident !== true);
  const read = open.map((row): Mergeable => ({ id: text(row.id), displayId: text(row.display_id), summary: text(row.summary), created: text(row.creation_time) }));
  return read.sort((a, b) => a.created.localeCompare(b.created) || a.id.localeCompare(b.id));
}
