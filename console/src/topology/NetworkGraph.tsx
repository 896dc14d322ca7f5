import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import { useTheme } from "@mui/material/styles";
import cytoscape, { type Core } from "cytoscape";
import { useEffect, useMemo, useRef } from "react";
import { keepPolicy } from "../assets/RelationGraph";
import { t } from "../i18n";
import type { Icons } from "../templates/ItemIcons";
import { places, stateOf, type NetworkMap, type NodeState } from "./model";

/** Colours with meaning, readable on both backgrounds; the list beside the map says the same in words. */
export const STATE_COLORS: Record<NodeState, string> = { down: "#b3261e", critical: "#dc2626", major: "#ea580c", minor: "#ca8a04", up: "#1f8f4d", unknown: "#6b7280" };

const elements = (map: NetworkMap, icons: Record<string, Icons>) => ({
  nodes: map.nodes.map((node) => ({ data: { id: node.id, label: node.kind === "segment" ? node.note : node.name || node.note, kind: node.kind, color: node.kind === "item" ? STATE_COLORS[stateOf(node)] : STATE_COLORS.unknown, down: node.availability === "down" ? 1 : 0, icon: icons[node.id]?.device_icon || icons[node.id]?.vendor_icon || "" } })),
  edges: map.links.map((link) => ({ data: {
    id: `link:${link.id}`, source: link.source, target: link.target, width: link.members.length > 0 ? 4 : (link.speed ?? 0) >= 10_000 ? 3 : 1.5,
    state: link.missing_since ? "missing" : link.up === false ? "down" : (link.use ?? 0) >= 90 ? "full" : (link.use ?? 0) >= 70 ? "busy" : "", unknown: link.target.startsWith("unknown:") ? 1 : 0,
  } })),
});

const CLOSEST = 1.4;

/** All of it in sight; a handful of devices is not blown up to fill the page. */
function fit(graph: cytoscape.Core) {
  graph.fit(undefined, 30);
  if (graph.zoom() > CLOSEST) {
    graph.zoom(CLOSEST);
    graph.center();
  }
}

/** Devices and links; a click chooses one, a second one opens it. It keeps its shape, zoom and place while states change. */
export function NetworkGraph({ map, icons, root, chosen, found, onChoose, onOpen, height }: { map: NetworkMap; icons: Record<string, Icons>; root: string; chosen: string | undefined; found: Set<string> | undefined; onChoose: (id: string | undefined) => void; onOpen: (id: string) => void; height: number | string }) {
  const box = useRef<HTMLDivElement>(null);
  const core = useRef<Core>(undefined);
  const act = useRef({ onChoose, onOpen });
  act.current = { onChoose, onOpen };
  const { palette } = useTheme();
  // What is drawn anew only when nodes or links came or went.
  const shape = useMemo(() => [...map.nodes.map((node) => node.id), ...map.links.map((link) => `${link.id} ${link.source} ${link.target}`)].join("|"), [map]);
  const latest = useRef({ map, icons });
  latest.current = { map, icons };
  useEffect(() => {
    if (!box.current) return;
    keepPolicy();
    const { map: now, icons: shown } = latest.current;
    const where = places(now.nodes, now.links, root);
    const drawn = elements(now, shown);
    const many = now.nodes.length > 200;
    const made = cytoscape({
      container: box.current,
      elements: [...drawn.nodes.map((node) => ({ ...node, position: where.get(node.data.id) ?? { x: 0, y: 0 } })), ...drawn.edges],
      layout: { name: "preset", padding: 30 },
      style: [
        { selector: "node", style: { label: "data(label)", width: many ? 28 : 20, height: many ? 28 : 20, "background-color": "data(color)", color: palette.text.primary, "font-size": 13, "text-valign": "bottom", "text-margin-y": 3, "min-zoomed-font-size": 5, "text-max-width": "110px", "text-wrap": "ellipsis" } },
        { selector: "node[icon != '']", style: { width: many ? 40 : 30, height: many ? 40 : 30, shape: "round-rectangle", "background-color": "#ffffff", "background-image": "data(icon)", "background-fit": "contain", "border-width": 3, "border-color": "data(color)" } },
        { selector: "node[down = 1]", style: { shape: "diamond", width: many ? 44 : 26, height: many ? 44 : 26 } },
        { selector: "node[kind = 'neighbour']", style: { "background-color": palette.background.paper, "border-width": 1.5, "border-style": "dashed", "border-color": palette.text.secondary, color: palette.text.secondary } },
        { selector: "node[kind = 'segment']", style: { shape: "round-rectangle", width: 30, height: 8, "background-color": palette.background.paper, "border-width": 1.5, "border-style": "dashed", "border-color": palette.text.secondary, color: palette.text.secondary } },
        { selector: "edge", style: { width: "data(width)", "line-color": palette.text.secondary, "line-opacity": 0.5, "curve-style": many ? "haystack" : "bezier" } },
        { selector: "edge[unknown = 1]", style: { "line-style": "dashed" } },
        { selector: "edge[state = 'busy']", style: { "line-color": STATE_COLORS.minor } },
        { selector: "edge[state = 'full']", style: { "line-color": STATE_COLORS.major } },
        { selector: "edge[state = 'down']", style: { "line-color": STATE_COLORS.down } },
        { selector: "edge[state = 'missing']", style: { "line-style": "dotted", "line-color": STATE_COLORS.unknown } },
        { selector: "node:selected", style: { "border-width": 4, "border-style": "solid", "border-color": palette.primary.main } },
        { selector: "edge:selected", style: { "line-color": palette.primary.main, width: 5 } },
        { selector: ".aside", style: { opacity: 0.15 } },
      ],
      pixelRatio: many ? 1 : "auto", hideEdgesOnViewport: now.nodes.length > 500, textureOnViewport: many, minZoom: 0.03, maxZoom: 3,
    });
    made.on("tap", (event: cytoscape.EventObject) => act.current.onChoose(event.target === made ? undefined : String((event.target as cytoscape.SingularElementReturnValue).id())));
    made.on("dbltap", "node", (event: cytoscape.EventObject) => act.current.onOpen(String((event.target as cytoscape.NodeSingular).id())));
    fit(made);
    core.current = made;
    return () => made.destroy();
  }, [shape, root, palette]);
  useEffect(() => {
    const made = core.current;
    if (!made) return;
    const drawn = elements(map, icons);
    made.batch(() => {
      for (const one of [...drawn.nodes, ...drawn.edges]) {
        const { id, ...rest } = one.data;
        made.getElementById(id).data(Object.fromEntries(Object.entries(rest).filter(([name]) => name !== "source" && name !== "target")));
      }
    });
  }, [map, icons]);
  useEffect(() => {
    const made = core.current;
    if (!made) return;
    made.elements().unselect();
    if (chosen) made.getElementById(chosen).select();
  }, [chosen, shape]);
  useEffect(() => {
    const made = core.current;
    if (!made) return;
    made.elements().removeClass("aside");
    if (!found) return;
    made.nodes().filter((node) => !found.has(node.id())).addClass("aside");
    made.edges().addClass("aside");
    const near = made.nodes().filter((node) => found.has(node.id()));
    if (near.length > 0 && near.length <= 20) made.animate({ center: { eles: near } }, { duration: 150 });
  }, [found, shape]);
  return (
    <Box sx={{ position: "relative", height, border: 1, borderColor: "divider", borderRadius: 1, bgcolor: "background.paper", overflow: "hidden" }}>
      <div ref={box} role="img" aria-label={t("topology.title")} data-testid="network-graph" data-nodes={map.nodes.length} data-links={map.links.length} style={{ position: "absolute", inset: 0 }} />
      <Button size="small" variant="outlined" onClick={() => core.current && fit(core.current)} sx={{ position: "absolute", right: 8, top: 8, bgcolor: "background.paper" }}>{t("topology.fit")}</Button>
    </Box>
  );
}
