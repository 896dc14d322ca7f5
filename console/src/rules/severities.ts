import { t } from "../i18n";
import { parsed } from "./model";

/** What an incident gets by the severity of its event: a table of codes, of which any may be left as shipped. */
export const CODES = ["urgency", "impact", "priority"] as const;
export type Code = (typeof CODES)[number];
export type SeverityCodes = Record<string, Partial<Record<Code, number>>>;

/** The severities that have a row, worst first. */
export const SEVERITIES = ["1", "2", "3", "4"] as const;
type SeverityId = (typeof SEVERITIES)[number];
export const severityName = (severity: SeverityId) => t(`rules.severities.s${severity}`);

/** The codes are the same in every installation; number one is the gravest. */
const NAMES: Record<Code, string[]> = {
  urgency: ["High", "Medium", "Low"],
  impact: ["Business", "Location", "Department", "Group", "User"],
  priority: ["Critical", "High", "Medium", "Low", "Very Low"],
};

export function readCodes(value: unknown): SeverityCodes {
  const raw = parsed(value);
  if (typeof raw !== "object" || raw === null || Array.isArray(raw)) return {};
  const found: SeverityCodes = {};
  for (const [severity, row] of Object.entries(raw as Record<string, unknown>)) {
    if (typeof row !== "object" || row === null) continue;
    const codes = CODES.map((code) => [code, (row as Record<string, unknown>)[code]] as const).filter((pair): pair is readonly [Code, number] => typeof pair[1] === "number");
    if (codes.length > 0) found[severity] = Object.fromEntries(codes);
  }
  return found;
}

/** The table with one code set, or left as shipped again. */
export function withCode(table: SeverityCodes, severity: string, code: Code, value: number | null): SeverityCodes {
  const { [code]: _, ...row } = table[severity] ?? {};
  const next = value === null ? row : { ...row, [code]: value };
  const { [severity]: __, ...rest } = table;
  return Object.keys(next).length > 0 ? { ...rest, [severity]: next } : rest;
}

/** The table in words: "Critical: urgency High, impact Business". */
export function codesText(value: unknown): string {
  const table = readCodes(value);
  return Object.entries(table).sort(([a], [b]) => a.localeCompare(b)).map(([severity, row]) => {
    const words = CODES.flatMap((code) => { const held = row[code]; return held === undefined ? [] : [`${t(`rules.codes.${code}`).toLowerCase()} ${NAMES[code][held - 1] ?? held}`]; });
    return `${SEVERITIES.includes(severity as SeverityId) ? severityName(severity as SeverityId) : severity}: ${words.join(", ")}`;
  }).join("; ");
}
