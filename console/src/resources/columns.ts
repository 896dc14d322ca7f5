import { fieldAccess } from "../api/permissions";
import type { FieldMeta, ResourceMeta } from "../api/types";

/** Fields that can stand in a list, custom ones too, which come with every row: secrets, long texts and trees do not read in a cell. */
export function listableFields(meta: ResourceMeta): FieldMeta[] {
  return meta.fields.filter((field) => !fieldAccess(field).hidden && (field.listed !== false || field.custom) && !["secret", "json", "html", "longtext"].includes(field.kind));
}

/** The columns to show: the person's choice as far as it still exists, else the resource's own. */
export function visibleColumns(meta: ResourceMeta, chosen: string[] | undefined): FieldMeta[] {
  const byName = new Map(listableFields(meta).map((field) => [field.name, field]));
  const pick = (names: string[]) => names.map((name) => byName.get(name)).filter((field): field is FieldMeta => !!field);
  const columns = pick(chosen ?? []);
  if (columns.length > 0) return columns;
  const standard = pick(meta.default_columns);
  return standard.length > 0 ? standard : [...byName.values()].slice(0, 6);
}

/** What the table shows: custom fields too, in the order chosen, with `name` moved by one place. */
export function moved(names: string[], name: string, by: -1 | 1): string[] {
  const from = names.indexOf(name);
  const to = from + by;
  if (from < 0 || to < 0 || to >= names.length) return names;
  const next = [...names];
  next.splice(from, 1);
  next.splice(to, 0, name);
  return next;
}
