export interface GraphNode {
  id: string;
  name: string;
  display_id: string;
  category_name: string;
  status: number | null;
  operational_status: number | null;
  criticality: number | null;
  ip_address: string;
  depth: number;
}

export interface GraphEdge {
  source: string;
  target: string;
  type: string;
  name: string;
}

export interface Graph {
  ci_id: string;
  direction: Direction;
  nodes: GraphNode[];
  edges: GraphEdge[];
  /** The types of these relations: what each is called from its other end, too. */
  types: Record<string, { name: string; reverse: string; impact: string }>;
  truncated: boolean;
  hidden: number;
}

/** How a polled device is, as a chip. */
export const LIVE: Record<string, { color: "success" | "warning" | "error"; label: "up" | "silent" | "down" }> = {
  up: { color: "success", label: "up" }, silent: { color: "warning", label: "silent" }, down: { color: "error", label: "down" },
};

export const DIRECTIONS = ["both", "impact", "dependency"] as const;
export type Direction = (typeof DIRECTIONS)[number];

/** A relation read from one end: what it is called from here, and what is at the other end. */
export function readFrom(graph: Graph, id: string): { key: string; words: string; other: GraphNode }[] {
  const known = new Map(graph.nodes.map((node) => [node.id, node]));
  return graph.edges.flatMap((edge, index) => {
    const here = edge.source === id ? edge.target : edge.target === id ? edge.source : undefined;
    const other = here === undefined ? undefined : known.get(here);
    return other ? [{ key: `${index}`, words: edge.source === id ? edge.name : (graph.types[edge.type]?.reverse ?? edge.name), other }] : [];
  }).sort((a, b) => a.words.localeCompare(b.words) || a.other.name.localeCompare(b.other.name));
}

/** Where each node stands: a row for each step away, everything below what it hangs on. */
export function layers(graph: Pick<Graph, "nodes" | "edges">): Map<string, { x: number; y: number }> {
  const places = new Map<string, { x: number; y: number }>();
  const near = new Map<string, string[]>();
  for (const { source, target } of graph.edges) {
    near.set(source, [...(near.get(source) ?? []), target]);
    near.set(target, [...(near.get(target) ?? []), source]);
  }
  const above = (id: string) => {
    const found = (near.get(id) ?? []).flatMap((other) => places.get(other)?.x ?? []);
    return found.length > 0 ? found.reduce((sum, x) => sum + x, 0) / found.length : 0;
  };
  for (const depth of [...new Set(graph.nodes.map((node) => node.depth))].sort((a, b) => a - b)) {
    const row = graph.nodes.filter((node) => node.depth === depth).map((node) => ({ id: node.id, at: above(node.id) })).sort((a, b) => a.at - b.at);
    // Names of a long row stand at two heights, else they would run into each other.
    row.forEach(({ id }, index) => places.set(id, { x: (index - (row.length - 1) / 2) * (row.length > 6 ? 74 : row.length > 4 ? 110 : 150), y: depth * 120 + (row.length > 6 && index % 2 === 1 ? 40 : 0) }));
  }
  return places;
}

/** Bits a second as people say it. */
export function speed(bits: number | null | undefined): string {
  if (!bits) return "";
  for (const [unit, size] of [["Tbit/s", 1e12], ["Gbit/s", 1e9], ["Mbit/s", 1e6], ["kbit/s", 1e3]] as const) if (bits >= size) return `${Math.round((bits / size) * 10) / 10} ${unit}`;
  return `${bits} bit/s`;
}

/** Where each node stands: rings by distance, the chosen item in the middle. Linear in the nodes, so 1,000 take no time. */
export function rings(nodes: Pick<GraphNode, "id" | "depth">[], gap = 44): Map<string, { x: number; y: number }> {
  const byDepth = new Map<number, string[]>();
  for (const node of nodes) byDepth.set(node.depth, [...(byDepth.get(node.depth) ?? []), node.id]);
  const places = new Map<string, { x: number; y: number }>();
  let radius = 0;
  for (const depth of [...byDepth.keys()].sort((a, b) => a - b)) {
    let left = byDepth.get(depth) ?? [];
    if (depth === 0 && left.length === 1) {
      places.set(left[0] ?? "", { x: 0, y: 0 });
      continue;
    }
    radius += 60;
    // What does not fit on one ring goes on the next: one wide ring would leave its middle empty.
    while (left.length > 0) {
      radius += 60;
      const ring = left.slice(0, Math.max(6, Math.floor((2 * Math.PI * radius) / gap)));
      left = left.slice(ring.length);
      ring.forEach((id, index) => {
        const angle = (index / ring.length) * 2 * Math.PI - Math.PI / 2;
        places.set(id, { x: Math.round(Math.cos(angle) * radius), y: Math.round(Math.sin(angle) * radius) });
      });
    }
  }
  return places;
}
