/** Measurements as graphs: which lines go into which graph. */

export interface Point {
  time: string;
  value: number;
  low: number;
  high: number;
}

export interface Series {
  metric: string;
  resource: string;
  label: string;
  unit: string;
  points: Point[];
}

export interface Graph {
  key: string;
  title: string;
  unit: string;
  lines: { name: string; points: Point[] }[];
}

/** In the order in which people look: first whether it is there, then what it is busy with. */
const ORDER = ["availability", "latency", "loss", "cpu", "memory", "storage"];
const TRAFFIC: Record<string, string> = { if_in: "In", if_out: "Out" };
/** What the page of an item shows: the server knows what was chosen, and what is shown of every item. */
export interface Display {
  displayed: string[];
  chosen: boolean;
  options: { id: string; name: string }[];
}

const natural = new Intl.Collator("en", { numeric: true });

/** Graphs of the device, then one of the traffic of each interface; of the measurements that are to be shown. */
export function graphsOf(series: Series[], displayed: readonly string[]): { device: Graph[]; interfaces: Graph[] } {
  const device = new Map<string, Graph>();
  const interfaces = new Map<string, Graph>();
  for (const one of [...series].sort((a, b) => natural.compare(a.resource, b.resource))) {
    if (!displayed.includes(one.metric)) continue;
    const way = TRAFFIC[one.metric];
    const made = way ? interfaces : device;
    const key = way ? one.resource : one.metric;
    const graph = made.get(key) ?? { key, title: way ? one.resource : one.label, unit: one.unit, lines: [] };
    graph.lines.push({ name: way ?? (one.resource || one.label), points: one.points });
    made.set(key, graph);
  }
  const place = (graph: Graph) => (ORDER.includes(graph.key) ? ORDER.indexOf(graph.key) : ORDER.length);
  return { device: [...device.values()].sort((a, b) => place(a) - place(b) || natural.compare(a.title, b.title)), interfaces: [...interfaces.values()] };
}

/** Everything that was measured of one part, traffic first: whoever asks for a part wants all of it. */
export function graphsOfPart(series: Series[], part: string): { device: Graph[]; interfaces: Graph[] } {
  const own = series.filter((one) => one.resource === part);
  const { device, interfaces } = graphsOf(own, own.map((one) => one.metric));
  return { device: [...interfaces.map((graph) => ({ ...graph, title: "Traffic" })), ...device.map((graph) => ({ ...graph, lines: graph.lines.map((line) => ({ ...line, name: graph.title })) }))], interfaces: [] };
}

/** When a range such as "now-4h" begins. */
export function since(from: string, now: number): string {
  const match = /^now-(\d+)([smhdw])$/.exec(from);
  if (!match) return from;
  const seconds = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 }[match[2] ?? "m"] ?? 60;
  return new Date(now - Number(match[1]) * seconds * 1000).toISOString();
}

/** 1500000 bit/s as 1.5 Mbit/s; other units as they are. */
export function amount(value: number, unit: string): string {
  const digits = (shown: number) => new Intl.NumberFormat("en", { maximumSignificantDigits: 3 }).format(shown);
  if (unit !== "bit/s") return `${digits(value)}${unit === "%" ? "" : " "}${unit}`.trim();
  const steps = ["", "k", "M", "G", "T"];
  let step = 0;
  let shown = value;
  while (Math.abs(shown) >= 1000 && step < steps.length - 1) {
    shown /= 1000;
    step += 1;
  }
  return `${digits(shown)} ${steps[step] ?? ""}bit/s`;
}

/** The choice after one measurement was switched on or off; nothing chosen means what is shown of every item. */
export function toggled(display: Display, metric: string): string[] {
  const shown = display.chosen ? display.displayed : display.displayed.filter((one) => display.options.some((option) => option.id === one));
  return shown.includes(metric) ? shown.filter((one) => one !== metric) : [...shown, metric];
}

export interface Traffic {
  resource: string;
  inbound: (number | null)[];
  outbound: (number | null)[];
}

/** A line through values as the path of an SVG of this size; where nothing was measured it is broken off. */
export function sparkPath(values: readonly (number | null)[], top: number, width: number, height: number): string {
  let drawn = "";
  let pen = false;
  values.forEach((value, index) => {
    if (value === null) {
      pen = false;
      return;
    }
    const x = values.length > 1 ? (index / (values.length - 1)) * width : 0;
    const y = height - (top > 0 ? (Math.max(0, value) / top) * height : 0);
    const next = values[index + 1];
    // A single point would be a path without length, which is not drawn.
    const alone = !pen && (next === null || next === undefined);
    drawn += `${pen ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}${alone ? "h1" : ""}`;
    pen = true;
  });
  return drawn;
}

/** The last value that was measured. */
export const lastOf = (values: readonly (number | null)[]) => [...values].reverse().find((value) => value !== null) ?? null;
