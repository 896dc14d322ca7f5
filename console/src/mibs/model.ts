import type { Loaded } from "./api";

export interface Trouble {
  file: string;
  line: number;
  reason: string;
}

/** What could not be read of uploads, files first, then what is wrong inside those that were loaded. */
export function problemsOf(loaded: Loaded[]): Trouble[] {
  return loaded.flatMap((item) => [
    ...item.failed.map(({ file, line, reason }) => ({ file, line, reason })),
    ...item.modules.flatMap((module) => module.problems.map(({ line, reason, definition }) => ({ file: module.mib_file || module.mib_name, line, reason: definition ? `${definition}: ${reason}` : reason }))),
  ]);
}

/** The operation that suits an object: tables are walked, scalars and instances got. */
export function verbFor(kind: string): "get" | "walk" {
  return kind === "scalar" ? "get" : "walk";
}

/** What a value is set as where no MIB says it. */
export const SET_TYPES = ["integer", "string", "hex", "oid", "ip_address", "gauge", "counter", "counter64", "timeticks"] as const;

/** The instance of an object that is set: a scalar has the one, a column needs its index. */
export function instanceOf(oid: string, kind: string): string {
  return kind === "scalar" && !oid.endsWith(".0") ? `${oid}.0` : oid;
}
