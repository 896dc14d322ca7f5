export interface MapNode {
  id: string;
  kind: "item" | "neighbour" | "segment";
  name: string;
  category: string;
  address: string;
  manufacturer: string;
  model: string;
  availability: string;
  severity: number;
  events: number;
  note: string;
}

export interface MapLink {
  id: string;
  source: string;
  source_port: string;
  target: string;
  target_port: string;
  protocols: string[];
  members: string[][];
  speed: number | null;
  use: number | null;
  up: boolean | null;
  last_seen: string;
  missing_since: string | null;
}

export interface NetworkMap {
  nodes: MapNode[];
  links: MapLink[];
  truncated: boolean;
  hidden: number;
}

export const STATES = ["down", "critical", "major", "minor", "up", "unknown"] as const;
export type NodeState = (typeof STATES)[number];

/** How a node is: unreachable before its worst event; what is no item has no state. */
export function stateOf(node: Pick<MapNode, "availability" | "severity">): NodeState {
  if (node.availability === "down") return "down";
  if (node.severity >= 1 && node.severity <= 3) return (["critical", "major", "minor"] as const)[node.severity - 1] ?? "unknown";
  return node.availability === "up" || node.availability === "silent" ? "up" : "unknown";
}

/** Name, address, model or category hold every word. */
export function matches(node: MapNode, words: string): boolean {
  const text = `${node.name} ${node.address} ${node.manufacturer} ${node.model} ${node.category}`.toLowerCase();
  return words.toLowerCase().split(/\s+/).every((word) => text.includes(word));
}

interface Place {
  x: number;
  y: number;
}

const STEP = 130;

const APART = 34;
const ROW = STEP / 2;

/** Devices that only their switch connects stand in rows beyond it, a few as one: a ring of hundreds would have nothing inside. */
const columnsOf = (leaves: number) => (leaves <= 6 ? leaves : Math.ceil(Math.sqrt(leaves * 1.5)));

/**
 * Where each node stands: every connected part is a tree around its best connected node, each branch in a sector as wide
 * as what it carries needs. Linear in nodes and links, and the same every time, so that a map keeps its shape when it is read again.
 */
export function places(nodes: Pick<MapNode, "id" | "name">[], links: Pick<MapLink, "source" | "target">[], root = ""): Map<string, Place> {
  const beside = new Map<string, Set<string>>(nodes.map((node) => [node.id, new Set<string>()]));
  for (const link of links) {
    beside.get(link.source)?.add(link.target);
    beside.get(link.target)?.add(link.source);
  }
  const degree = (id: string) => beside.get(id)?.size ?? 0;
  const names = new Map(nodes.map((node) => [node.id, node.name]));
  const byName = (a: string, b: string) => (names.get(a) ?? "").localeCompare(names.get(b) ?? "") || a.localeCompare(b);
  const order = nodes.map((node) => node.id).sort((a, b) => Number(b === root) - Number(a === root) || degree(b) - degree(a) || byName(a, b));
  const made = new Map<string, Place>();
  const parts: { placed: Map<string, Place>; radius: number }[] = [];
  const alone: string[] = [];
  for (const start of order) {
    if (made.has(start)) continue;
    if (degree(start) === 0) {
      alone.push(start);
      made.set(start, { x: 0, y: 0 });
      continue;
    }
    const part = tree(start, beside, byName);
    for (const [id, place] of part.placed) made.set(id, place);
    parts.push(part);
  }
  // Parts side by side, in rows about as wide as they are high.
  const width = Math.max(...parts.map((part) => 2 * part.radius), Math.sqrt(parts.reduce((sum, part) => sum + (2 * part.radius) ** 2, 0)) * 1.3, 8 * STEP);
  let x = 0, y = 0, high = 0;
  for (const part of parts) {
    const size = 2 * part.radius + STEP;
    if (x > 0 && x + size > width + STEP) [x, y, high] = [0, y + high, 0];
    for (const [id, place] of part.placed) made.set(id, { x: Math.round(place.x + x + part.radius), y: Math.round(place.y + y + part.radius) });
    x += size;
    high = Math.max(high, size);
  }
  const columns = Math.max(1, Math.floor(width / STEP));
  alone.sort(byName).forEach((id, index) => made.set(id, { x: (index % columns) * STEP, y: y + high + Math.floor(index / columns) * (STEP / 2) }));
  return made;
}

function tree(start: string, beside: Map<string, Set<string>>, byName: (a: string, b: string) => number): { placed: Map<string, Place>; radius: number } {
  const below = new Map<string, string[]>();
  const seen = new Set([start]);
  const levels: string[][] = [[start]];
  for (let wave = levels[0] ?? []; wave.length > 0; ) {
    const next: string[] = [];
    for (const id of wave) {
      const fresh = [...(beside.get(id) ?? [])].filter((other) => beside.has(other) && !seen.has(other)).sort(byName);
      fresh.forEach((other) => seen.add(other));
      below.set(id, fresh);
      next.push(...fresh);
    }
    if (next.length > 0) levels.push(next);
    wave = next;
  }
  const isLeaf = (id: string) => (below.get(id) ?? []).length === 0;
  const leavesOf = (id: string) => (below.get(id) ?? []).filter(isLeaf);
  const branchesOf = (id: string) => (below.get(id) ?? []).filter((other) => !isLeaf(other));
  const widths = new Map<string, number>();
  const widthOf = (id: string) => widths.get(id) ?? 1;
  for (const level of [...levels].reverse()) for (const id of level) widths.set(id, Math.max(1, branchesOf(id).reduce((sum, other) => sum + widthOf(other), columnsOf(leavesOf(id).length))));
  // A ring is as wide as its nodes need to stand apart.
  const radii = levels.map(() => 0);
  const total = widthOf(start);
  for (let depth = 1; depth < levels.length; depth++) {
    const needed = Math.max(...(levels[depth] ?? []).map((id) => total / widthOf(id)), 1);
    radii[depth] = Math.max((radii[depth - 1] ?? 0) + STEP, (Math.min(needed, total) * APART) / (2 * Math.PI));
  }
  const placed = new Map<string, Place>();
  let far = 0;
  const put = (id: string, angle: number, radius: number) => {
    placed.set(id, { x: Math.cos(angle) * radius, y: Math.sin(angle) * radius });
    far = Math.max(far, radius);
  };
  const sectors = new Map([[start, { from: -Math.PI, to: Math.PI }]]);
  levels.forEach((level, depth) => {
    for (const id of level) {
      const sector = sectors.get(id);
      // A leaf has its place from its switch.
      if (!sector) continue;
      put(id, (sector.from + sector.to) / 2, radii[depth] ?? 0);
      const column = (sector.to - sector.from) / widthOf(id);
      const leaves = leavesOf(id);
      const columns = columnsOf(leaves.length);
      leaves.forEach((leaf, index) => put(leaf, sector.from + ((index % columns) + 0.5) * column, (radii[depth + 1] ?? 0) + Math.floor(index / columns) * ROW));
      let from = sector.from + columns * column;
      for (const other of branchesOf(id)) {
        sectors.set(other, { from, to: from + widthOf(other) * column });
        from += widthOf(other) * column;
      }
    }
  });
  return { placed, radius: far + STEP / 2 };
}

/** Megabits a second as people say it. */
export function rate(megabits: number | null): string {
  if (!megabits) return "";
  return megabits >= 1000 ? `${Math.round(megabits / 100) / 10} Gbit/s` : `${megabits} Mbit/s`;
}
