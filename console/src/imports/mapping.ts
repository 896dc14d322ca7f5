import type { FieldKind } from "../api/types";

export interface ImportColumn {
  name: string;
  label: string;
  required?: boolean;
  kind?: FieldKind;
}

/** Header of the file to field name; an empty name leaves the column out. */
export type Mapping = Record<string, string>;

const plain = (text: string) => text.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "");

/** The server's guess, completed by names and labels that differ only in case and signs; each field once. */
export function startMapping(headers: string[], columns: ImportColumn[], guessed: Mapping | null | undefined): Mapping {
  const mapping: Mapping = {};
  const taken = new Set<string>();
  const take = (header: string, name: string | undefined) => {
    if (!name || taken.has(name) || !columns.some((column) => column.name === name)) return;
    mapping[header] = name;
    taken.add(name);
  };
  for (const header of headers) take(header, guessed?.[header]);
  for (const header of headers) {
    if (mapping[header]) continue;
    take(header, columns.find((column) => !taken.has(column.name) && [column.name, column.label].some((text) => plain(text) === plain(header)))?.name);
  }
  for (const header of headers) mapping[header] ??= "";
  return mapping;
}

export function missingColumns(mapping: Mapping, columns: ImportColumn[]): ImportColumn[] {
  const used = new Set(Object.values(mapping));
  return columns.filter((column) => column.required && !used.has(column.name));
}

export function doubledColumns(mapping: Mapping, columns: ImportColumn[]): ImportColumn[] {
  const uses = Object.values(mapping).filter(Boolean);
  return columns.filter((column) => uses.filter((name) => name === column.name).length > 1);
}

/** What is sent: only the columns that go somewhere. */
export function sentMapping(mapping: Mapping): Mapping {
  return Object.fromEntries(Object.entries(mapping).filter(([, name]) => name !== ""));
}

export interface TaskState {
  id: string;
  task_name?: string;
  status: string;
  total: number;
  done: number;
  failed?: number;
  created?: number;
  updated?: number;
  errors?: { row?: number; field?: string; value?: unknown; error: string }[];
  errors_file?: string | null;
}

export const isOver = (status: string) => ["succeeded", "failed", "cancelled"].includes(status);

export function percent(task: Pick<TaskState, "done" | "total" | "status">): number {
  if (task.status === "succeeded") return 100;
  if (!task.total) return 0;
  return Math.min(100, Math.floor((100 * task.done) / task.total));
}
