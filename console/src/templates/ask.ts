/** Trying a template on a device: what it says, whether the template fits, and what the statistics measure. */
import { ApiError, messageOf } from "../api/http";
import { askDevice, checkStatistics, type Device, type Tried } from "./api";
import { writeStatistics, readStatistics, type Statistic, type Verified } from "./model";

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

/** Whether the template is for the device: every condition that it has must hold. */
export function verdict({ number_fits: number, descr_fits: descr }: Pick<Tried, "number_fits" | "descr_fits">): "fits" | "fitsNot" | "fitsNothing" {
  if (number === false || descr === false) return "fitsNot";
  return number === null && descr === null ? "fitsNothing" : "fits";
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
