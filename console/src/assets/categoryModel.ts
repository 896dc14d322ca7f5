export interface AttributeDraft { key: string; label: string; kind: string; required: boolean; section: string; help: string; choices: string[] }
export interface SectionDraft { name: string; fields: string[]; required: string[] }

/** The kinds that attributes can be made of here, each with a name of its own. */
export const KIND_NAMES = { text: 1, longtext: 1, integer: 1, number: 1, boolean: 1, date: 1, datetime: 1, choice: 1, choices: 1, user: 1 } as const;

type Loose = Record<string, unknown>;
/** Fields of this kind are text in a form until somebody edits them. */
function list(value: unknown): unknown[] {
  if (typeof value !== "string") return Array.isArray(value) ? value : [];
  try {
    return list(JSON.parse(value) as unknown[]);
  } catch {
    return [];
  }
}
const word = (value: unknown): string => (typeof value === "string" ? value : "");
const named = (value: unknown): string => (typeof value === "object" && value !== null ? word((value as Loose).name) : word(value));

/** The key that the server makes of a name. */
export const keyOf = (label: string): string => label.toLowerCase().replace(/[^a-z0-9]+/g, "_").replace(/^_+|_+$/g, "").slice(0, 64);

export function readAttributes(value: unknown): AttributeDraft[] {
  return list(value).map((raw) => {
    const one = (raw ?? {}) as Loose;
    return { key: word(one.key), label: word(one.label), kind: word(one.kind) || "text", required: one.required === true, section: word(one.section), help: word(one.help), choices: list(one.choices).map(named).filter(Boolean) };
  });
}

/** Rows without a name are still being typed. */
export function writeAttributes(rows: AttributeDraft[]): Loose[] {
  return rows.filter((row) => row.label.trim() || row.key.trim()).map(({ key, section, choices, ...rest }) => ({
    ...rest, ...(key.trim() ? { key: key.trim() } : {}), ...(section.trim() ? { section: section.trim() } : {}), choices: rest.kind === "choice" || rest.kind === "choices" ? choices : [],
  }));
}

export function readSections(value: unknown): SectionDraft[] {
  return list(value).map((raw) => {
    const fields = list(((raw ?? {}) as Loose).fields).map((one) => (typeof one === "string" ? { field: one, required: false } : { field: word((one as Loose).field) || word((one as Loose).name), required: (one as Loose).required === true }));
    return { name: word(((raw ?? {}) as Loose).name), fields: fields.map((one) => one.field), required: fields.filter((one) => one.required).map((one) => one.field) };
  });
}

export const writeSections = (rows: SectionDraft[]) => rows.filter((row) => row.name.trim() || row.fields.length > 0).map((row) => ({ name: row.name.trim(), fields: row.fields.map((field) => ({ field, required: row.required.includes(field) })) }));

export const readRules = (value: unknown): string[][] => list(value).map((one) => (Array.isArray(one) ? one.map(word) : [word(one)]).filter(Boolean));

export const writeRules = (rows: string[][]) => rows.filter((row) => row.length > 0);
