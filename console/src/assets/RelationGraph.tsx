import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import { useTheme } from "@mui/material/styles";
import cytoscape, { type Core } from "cytoscape";
import { useEffect, useRef } from "react";
import { t } from "../i18n";
import { layers, rings, type Graph } from "./model";

/** Relations that can all say what they are without hiding each other. */
const FEW = 12;
const STYLESHEET = "__________cytoscape_stylesheet";

/** The library would add a style element, which the content policy refuses; it adds none where one of that name is. */
export function keepPolicy(): void {
  if (document.getElementById(STYLESHEET)) return;
  const marker = document.createElement("meta");
  marker.id = STYLESHEET;
  document.head.append(marker);
}

/** Items and relations; a click chooses an item. A thousand stay quick: rings need no simulation, far labels are left out. */
export function RelationGraph({ graph, chosen, onChoose, height }: { graph: Graph; chosen: string | undefined; onChoose: (id: string) => void; height: number | string }) {
  const box = useRef<HTMLDivElement>(null);
  const core = useRef<Core>(undefined);
  const choose = useRef(onChoose);
  choose.current = onChoose;
  const { palette } = useTheme();
  useEffect(() => {
    if (!box.current) return;
    keepPolicy();
    const small = graph.nodes.length <= 60;
    const places = small && graph.direction !== "both" ? layers(graph) : rings(graph.nodes);
    const many = graph.nodes.length > 200;
    const drawn = cytoscape({
      container: box.current,
      elements: [
        ...graph.nodes.map((node) => ({ data: { id: node.id, label: node.name, down: node.operational_status === 3 ? 1 : 0, start: node.id === graph.ci_id ? 1 : 0 }, position: places.get(node.id) ?? { x: 0, y: 0 } })),
        ...graph.edges.map((edge, index) => ({ data: { id: `e${index}`, source: edge.source, target: edge.target, label: edge.name } })),
      ],
      layout: small && graph.direction === "both" ? { name: "cose", animate: false, randomize: false, nodeDimensionsIncludeLabels: true, padding: 30 } : { name: "preset", padding: 30 },
      style: [
        { selector: "node", style: { label: "data(label)", width: 18, height: 18, "background-color": palette.primary.main, color: palette.text.primary, "font-size": 13, "text-valign": "bottom", "text-margin-y": 4, "min-zoomed-font-size": 6 } },
        { selector: "node[start = 1]", style: { width: 28, height: 28, "border-width": 4, "border-color": palette.warning.main } },
        { selector: "node[down = 1]", style: { "background-color": palette.error.main } },
        { selector: "node:selected", style: { "border-width": 3, "border-color": palette.text.primary } },
        { selector: "edge", style: { width: 1.5, "line-color": palette.text.secondary, "line-opacity": 0.5, "target-arrow-color": palette.text.secondary, "target-arrow-shape": many ? "none" : "triangle", "curve-style": many ? "haystack" : "bezier", "font-size": 10, color: palette.text.secondary, "text-rotation": "autorotate", "min-zoomed-font-size": 6 } },
        // Of many relations only those of the chosen item say what they are.
        { selector: graph.edges.length <= FEW ? "edge" : "edge.near", style: { label: "data(label)" } },
        { selector: "edge.near", style: { width: 2, "line-color": palette.primary.main, "target-arrow-color": palette.primary.main } },
      ],
      pixelRatio: many ? 1 : "auto",
      hideEdgesOnViewport: many,
      textureOnViewport: many,
      minZoom: 0.05,
      maxZoom: 3,
    });
    drawn.on("tap", "node", (event: cytoscape.EventObject) => choose.current(String((event.target as cytoscape.NodeSingular).id())));
    core.current = drawn;
    return () => drawn.destroy();
  }, [graph, palette]);
  useEffect(() => {
    core.current?.nodes().unselect();
    core.current?.edges().removeClass("near");
    if (!chosen) return;
    core.current?.getElementById(chosen).select();
    core.current?.getElementById(chosen).connectedEdges().addClass("near");
  }, [chosen, graph]);
  return (
    <Box sx={{ position: "relative", height, border: 1, borderColor: "divider", borderRadius: 1, bgcolor: "background.paper", overflow: "hidden" }}>
      {/* The same is in the list beside it, for whoever cannot see or point. */}
      <div ref={box} role="img" aria-label={t("assets.map")} data-testid="graph" data-nodes={graph.nodes.length} style={{ position: "absolute", inset: 0 }} />
      <Button size="small" variant="outlined" onClick={() => core.current?.fit(undefined, 30)} sx={{ position: "absolute", right: 8, top: 8, bgcolor: "background.paper" }}>{t("assets.fit")}</Button>
    </Box>
  );
}
