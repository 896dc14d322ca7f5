/** Pipelines as an editor sees them: stages in order, each a form made from its kind's schema. */

export interface Property {
  type?: string;
  items?: { type?: string; anyOf?: unknown[] };
  additionalProperties?: unknown;
  anyOf?: { type?: string }[];
  default?: unknown;
}

export interface StageType {
  type: string;
  description: string;
  failure_tag: string;
  schema: { properties: Record<string, Property>; required?: string[] };
}

export interface PipelineOptions {
  stages: StageType[];
  operators: Record<string, string>;
  columns: string[];
  mask_kinds: string[];
  date_formats: string[];
  lookup_tables: { id: string; name: string }[];
  pipelines: { id: string; name: string }[];
  geo: boolean;
}

export type Stage = Record<string, unknown> & { type: string };
export type InputKind = "text" | "flag" | "number" | "list" | "map" | "stages";

export function inputKind(property: Property): InputKind {
  if (property.type === "boolean") return "flag";
  if (property.type === "integer" || property.type === "number") return "number";
  if (property.type === "array") return property.items?.anyOf ? "stages" : "list";
  if (property.type === "object") return "map";
  return "text";
}

/** What every stage has is shown in its head, not in its form. */
const COMMON = new Set(["type", "name", "when", "enabled"]);

export function formOf(kind: StageType): { name: string; property: Property; kind: InputKind; required: boolean }[] {
  return Object.entries(kind.schema.properties)
    .filter(([name]) => !COMMON.has(name))
    .map(([name, property]) => ({ name, property, kind: inputKind(property), required: kind.schema.required?.includes(name) ?? false }));
}

export function newStage(kind: StageType): Stage {
  const stage: Stage = { type: kind.type };
  for (const { name, kind: input, property, required } of formOf(kind)) {
    if (property.default !== undefined && property.default !== null) stage[name] = structuredClone(property.default);
    else if (required || input === "list" || input === "stages") stage[name] = input === "list" || input === "stages" ? [] : input === "map" ? {} : "";
  }
  return stage;
}

export function moved<T>(items: T[], from: number, to: number): T[] {
  if (from === to || from < 0 || to < 0 || from >= items.length || to >= items.length) return items;
  const next = [...items];
  next.splice(to, 0, ...next.splice(from, 1));
  return next;
}

export function linesOf(text: string): string[] {
  return text.split("\n").map((line) => line.replace(/\r$/, "")).filter((line) => line.trim() !== "");
}

/** `name = value` a line; the first = divides, so that values may hold one. */
export function mapOf(text: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const line of linesOf(text)) {
    const at = line.indexOf("=");
    const name = (at < 0 ? line : line.slice(0, at)).trim();
    if (name) found[name] = at < 0 ? "" : line.slice(at + 1).trim();
  }
  return found;
}

export function mapText(map: unknown): string {
  return typeof map === "object" && map !== null ? Object.entries(map).map(([name, value]) => `${name} = ${String(value)}`).join("\n") : "";
}

/** A stage in one line: what it is about. */
export function summary(stage: Stage): string {
  if (typeof stage.name === "string" && stage.name) return stage.name;
  for (const key of ["patterns", "columns", "tags", "kinds"]) {
    const value = stage[key];
    if (Array.isArray(value) && value.length > 0) return value.join(", ");
  }
  const { fields } = stage;
  if (Array.isArray(fields)) return fields.join(", ");
  if (typeof fields === "object" && fields !== null) return Object.keys(fields).join(", ");
  return typeof stage.field === "string" ? stage.field : typeof stage.pipeline === "string" ? stage.pipeline : "";
}

export interface Change {
  line: number;
  set: Record<string, string>;
  removed: string[];
  tags: string[];
}

export interface StageOutput {
  pipeline: string;
  path: string;
  type: string;
  name: string;
  lines_in: number;
  lines_out: number;
  failed: number;
  changes: Change[];
  dropped: number[];
}

export interface PreviewLine {
  id: string;
  applies: boolean;
  before: { message: string; host: string; app: string; fields: Record<string, string>; tags: string[] } & Record<string, unknown>;
  after: Record<string, unknown> | null;
}

export interface PreviewAnswer {
  count: number;
  applies: number;
  dropped: number;
  failed: number;
  stages: StageOutput[];
  lines: PreviewLine[];
}

export interface Step {
  stage: StageOutput;
  change: Change | undefined;
  dropped: boolean;
}

/** What the stages did with one line, in their order; stages that left it alone are left out. */
export function stepsOf(answer: PreviewAnswer, line: number): Step[] {
  return answer.stages.flatMap((stage) => {
    const change = stage.changes.find((item) => item.line === line);
    const dropped = stage.dropped.includes(line);
    return change || dropped ? [{ stage, change, dropped }] : [];
  });
}

/** "2.then.0" as people count: "3 → then 1". */
export function place(path: string): string {
  return path.split(".").map((part) => (/^\d+$/.test(part) ? String(Number(part) + 1) : part)).join(" ");
}
