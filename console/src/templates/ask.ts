/** Trying a template on a device: what it says, whether the template fits, and what the statistics measure. */
import { ApiError, messageOf } from "../api/http";
import { askDevice, checkStatistics, countItems, tryExpression, type Device } from "./api";
import { firstFound, fitsNumber, named, writeStatistics, readStatistics, type Statistic, type Verified } from "./model";

const SYS_DESCR = "1.3.6.1.2.1.1.1.0";
const SYS_OBJECT_ID = "1.3.6.1.2.1.1.2.0";

export interface Part {
  value: string;
  /** Undefined where the template does not ask for it, or where it could not be tried (`error`). */
  fits?: boolean;
  error?: string;
}

export interface Identified {
  address: string;
  number: Part;
  descr: Part;
  version: { value: string; error?: string };
  items?: { count: number; items: { id: string; name: string }[] };
}

export interface Measurement {
  /** Its place among the statistics of the form. */
  place: number;
  name: string;
  statistic?: Statistic;
  found?: Verified;
  error?: string;
}

export function reason(error: unknown): string {
  const fields = error instanceof ApiError ? Object.values(error.fields).flat() : [];
  return fields.length > 0 ? fields.join(" ") : messageOf(error);
}

const word = (value: unknown) => (typeof value === "string" ? value : "");

export async function identify(draft: Record<string, unknown>, device: Device, signal: AbortSignal): Promise<Identified> {
  const number = await askDevice(device, SYS_OBJECT_ID, "", signal);
  const descr = await askDevice(device, SYS_DESCR, "", signal);
  const is = number.rows[0]?.value ?? "";
  const text = descr.rows[0]?.value ?? "";
  const answer: Identified = { address: number.address, number: { value: is, fits: fitsNumber(draft.sysobjectid, is) }, descr: { value: text }, version: { value: "" } };
  const expression = word(draft.sysdescr);
  if (expression) {
    try {
      answer.descr.fits = (await tryExpression(named(expression).pattern, text, signal)).matched;
    } catch (error) {
      answer.descr.error = reason(error);
    }
  }
  const version = word(draft.version_expression);
  if (version) {
    const { pattern, groups } = named(version);
    try {
      answer.version.value = firstFound(groups, (await tryExpression(pattern, text, signal)).variables);
    } catch (error) {
      answer.version.error = reason(error);
    }
  }
  // Who may not see items is told the rest all the same.
  if (is) answer.items = await countItems(is, signal).catch(() => undefined);
  return answer;
}

/** Whether the template is for the device: every condition that it has must hold. Undefined where one could not be tried. */
export function verdict({ number, descr }: Pick<Identified, "number" | "descr">): "fits" | "fitsNot" | "fitsUnknown" | "fitsNothing" {
  if (number.fits === false || descr.fits === false) return "fitsNot";
  if (descr.error) return "fitsUnknown";
  return number.fits === undefined && descr.fits === undefined ? "fitsNothing" : "fits";
}

/** The statistics of the form one after the other, so that a slow device is asked for one thing at a time. */
export async function measure(raw: unknown, device: Device, signal: AbortSignal, told: (one: Measurement) => void): Promise<void> {
  const given = writeStatistics(readStatistics(raw));
  if (given.length === 0) return;
  const { statistics, errors } = await checkStatistics(given, signal);
  const wrong = new Map(errors.map((one) => [one.row, one.error]));
  const good = [...statistics];
  for (const [place, one] of given.entries()) {
    const name = word(one.name) || word(one.key) || word(one.oid);
    const error = wrong.get(place + 1);
    const statistic = error === undefined ? good.shift() : undefined;
    if (!statistic) {
      told({ place, name, error });
      continue;
    }
    try {
      told({ place, name, statistic, found: await askDevice(device, statistic.oid, statistic.label_oid, signal) });
    } catch (cause) {
      if (signal.aborted) throw cause;
      told({ place, name, statistic, error: reason(cause) });
    }
  }
}
