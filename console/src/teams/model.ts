import { referenceId } from "../api/records";
import type { ChoiceId } from "../api/types";
import { parsed } from "../rules/model";

/** People at a support level, or whose turn it is in an approval. */
export interface Step {
  level: string;
  staffs: ChoiceId[];
  names: Record<string, string>;
}

/** The steps of a team as its record, or a form that was begun, holds them. */
export function readSteps(value: unknown): Step[] {
  const raw = parsed(value);
  return (Array.isArray(raw) ? raw : []).map((item, index) => {
    const { level, staffs } = (typeof item === "object" && item !== null ? item : {}) as { level?: unknown; staffs?: unknown };
    const people = Array.isArray(staffs) ? staffs : [];
    const named = people.map((person) => [String(referenceId(person)), (person as { full_name?: unknown }).full_name] as const);
    return {
      level: typeof level === "string" && level ? level : nextLevel(index),
      staffs: people.map(referenceId).filter((id) => id !== null),
      names: Object.fromEntries(named.filter((pair): pair is [string, string] => typeof pair[1] === "string" && pair[1] !== "")),
    };
  });
}

/** Steps in words, for whoever only reads them; undefined for anything else. */
export function stepsText(value: unknown): string | undefined {
  const isStep = (item: unknown) => typeof item === "object" && item !== null && Array.isArray((item as { staffs?: unknown }).staffs);
  if (!Array.isArray(value) || value.length === 0 || !value.every(isStep)) return undefined;
  return readSteps(value).map((step) => `${step.level}: ${step.staffs.map((id) => step.names[String(id)] ?? String(id)).join(", ")}`).join("; ");
}

export const nextLevel = (steps: number) => `L${steps + 1}`;

/** As the API takes them; a step without people says nothing. Turns follow the order and need no name. */
export function writeSteps(steps: Step[], levels: boolean): Record<string, unknown>[] {
  return steps.filter((step) => step.staffs.length > 0).map(({ level, staffs }) => (levels ? { level, staffs } : { staffs }));
}
