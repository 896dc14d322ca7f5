import type { FieldErrors } from "../api/http";
import { fieldAccess } from "../api/permissions";
import { fieldPath } from "../api/records";
import type { FieldMeta, ResourceMeta } from "../api/types";
import { t } from "../i18n";

/** What the system notes down about every record; it stands last, below what people look for. */
const NOTED = new Set(["creation_time", "last_update_time", "id", "created_by", "is_preconfigured"]);

export function sections(fields: FieldMeta[]): [string, FieldMeta[]][] {
  const groups = new Map<string, FieldMeta[]>();
  for (const field of fields) {
    const name = field.section || (field.custom ? t("resources.custom") : t("resources.general"));
    const place = field.read_only && NOTED.has(field.name) ? t("resources.noted") : name;
    groups.set(place, [...(groups.get(place) ?? []), field]);
  }
  return [...groups].sort(([a], [b]) => Number(a === t("resources.noted")) - Number(b === t("resources.noted")));
}

const STATUS_FIELDS = ["status_id", "status"];

/** The field that holds the status of a resource's records. */
export const statusField = (meta: Pick<ResourceMeta, "fields">): FieldMeta | undefined =>
  STATUS_FIELDS.map((name) => meta.fields.find((field) => field.name === name)).find((field) => field !== undefined);

/** The resource with its fields as they behave in a status, by Field Configuration. */
export function inStatus(meta: ResourceMeta, status: unknown): ResourceMeta {
  const id = typeof status === "object" && status !== null ? (status as { id?: unknown }).id : status;
  const held = statusField(meta)?.choices?.find((choice) => String(choice.id) === String(id))?.name ?? id;
  const rules = held === null || held === undefined ? undefined : meta.by_status?.[String(held as string | number).toLowerCase()];
  return rules ? { ...meta, fields: meta.fields.map((field) => ({ ...field, behaviour: rules[field.name] ?? "visible" })) } : meta;
}

/** As `inStatus`, for the status that a record is in. */
export function forRecord(meta: ResourceMeta, record: Record<string, unknown>): ResourceMeta {
  const field = statusField(meta);
  return field && meta.by_status ? inStatus(meta, record[field.name]) : meta;
}

/** What only programs write: free documents that no person could fill in. */
const OF_PROGRAMS = new Set(["team.events_thres_id", "team.config"]);

export function formFields(meta: ResourceMeta, creating: boolean): FieldMeta[] {
  return meta.fields.filter((field) => {
    const access = fieldAccess(field);
    return !access.hidden && !(creating && access.readOnly) && !OF_PROGRAMS.has(`${meta.name}.${field.name}`);
  });
}

/** Whether a field has a meaning beside the other values of the form. */
export function isAbout(field: Pick<FieldMeta, "only">, values: Record<string, unknown>): boolean {
  return Object.entries(field.only ?? {}).every(([name, wanted]) => wanted.some((one) => String(one) === String(values[name])));
}

/** The errors of a refused write under the names of the form's inputs; what has no input is told above them. */
export function placeErrors(errors: FieldErrors, fields: FieldMeta[]): { placed: Record<string, unknown>; rest: string[] } {
  const placed: Record<string, unknown> = {};
  const rest: string[] = [];
  for (const [name, messages] of Object.entries(errors)) {
    const field = fields.find((item) => item.name === name || fieldPath(item) === name || `custom_field.${item.name}` === name);
    if (!field) {
      rest.push(`${name}: ${messages.join(" ")}`);
      continue;
    }
    const [head = "", key] = fieldPath(field).split(".");
    if (key) placed[head] = { ...(placed[head] as object | undefined), [key]: messages.join(" ") };
    else placed[head] = messages.join(" ");
  }
  return { placed, rest };
}

/** A form that a link has begun to fill in: `?with={"field": value}`. What it does not know is left out. */
export function begunWith(meta: ResourceMeta, text: string | null): ResourceMeta {
  if (!text) return meta;
  let values: Record<string, unknown>;
  try {
    values = JSON.parse(text) as Record<string, unknown>;
  } catch {
    return meta;
  }
  if (typeof values !== "object" || values === null) return meta;
  return { ...meta, fields: meta.fields.map((field) => (Object.hasOwn(values, field.name) ? { ...field, default: values[field.name] } : field)) };
}
