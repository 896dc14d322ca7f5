import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import { useTheme } from "@mui/material/styles";
import Typography from "@mui/material/Typography";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { LineChart } from "echarts/charts";
import { GridComponent, LegendComponent, TooltipComponent } from "echarts/components";
import { init, use, type EChartsType } from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";
import { useEffect, useRef, useState } from "react";
import { useSearchParams } from "react-router-dom";
import { api, query } from "../api/http";
import { Failure, Waiting } from "../app/Messages";
import { Section } from "../common/blocks";
import { TimeRange } from "../common/TimeRange";
import { t } from "../i18n";
import { amount, graphsOf, since, type Graph, type Series } from "./graphs";

use([LineChart, GridComponent, LegendComponent, TooltipComponent, CanvasRenderer]);

const FIRST = 12;

function Chart({ graph, from, to }: { graph: Graph; from: number; to: number }) {
  const { palette } = useTheme();
  const box = useRef<HTMLDivElement>(null);
  const chart = useRef<EChartsType | null>(null);
  useEffect(() => {
    const element = box.current;
    if (!element) return undefined;
    const made = init(element);
    chart.current = made;
    const watcher = new ResizeObserver(() => made.resize());
    watcher.observe(element);
    return () => {
      watcher.disconnect();
      made.dispose();
      chart.current = null;
    };
  }, []);
  useEffect(() => {
    const text = { color: palette.text.secondary, fontSize: 11 };
    const bounds = graph.unit === "%" ? { min: 0, max: 100 } : graph.key === "availability" ? { min: 0, max: 1, interval: 1 } : { min: 0 };
    chart.current?.setOption({
      animation: false,
      color: [palette.primary.main, palette.warning.main, palette.success.main, palette.error.main, palette.info.main, palette.secondary.main],
      grid: { left: 8, right: 12, top: 12, bottom: graph.lines.length > 1 ? 28 : 4, containLabel: true },
      legend: graph.lines.length > 1 ? { bottom: 0, type: "scroll", textStyle: text, itemHeight: 8, itemWidth: 14 } : { show: false },
      // Rich text instead of HTML: the page allows no styles that come with markup.
      tooltip: { trigger: "axis", renderMode: "richText", confine: true, valueFormatter: (value: unknown) => amount(Number(value), graph.unit), backgroundColor: palette.background.paper, borderColor: palette.divider, textStyle: { color: palette.text.primary, fontSize: 12 } },
      xAxis: { type: "time", min: from, max: to, axisLabel: { ...text, hideOverlap: true }, axisLine: { lineStyle: { color: palette.divider } } },
      yAxis: { type: "value", ...bounds, axisLabel: { ...text, formatter: (value: number) => amount(value, graph.unit) }, splitLine: { lineStyle: { color: palette.divider } } },
      series: graph.lines.map((line) => ({ type: "line", name: line.name, showSymbol: line.points.length < 3, sampling: "lttb", step: graph.key === "availability" ? "end" : false, lineStyle: { width: 1.5 }, areaStyle: graph.lines.length === 1 ? { opacity: 0.12 } : undefined, data: line.points.map((point) => [Date.parse(point.time), point.value]) })),
    }, { notMerge: true });
  }, [graph, from, to, palette]);
  const last = graph.lines.map((line) => `${line.name} ${line.points.length ? amount(line.points[line.points.length - 1]?.value ?? 0, graph.unit) : ""}`).join(", ");
  return (
    <Section title={graph.title}>
      <Box ref={box} role="img" aria-label={`${graph.title}: ${last}`} data-testid={`graph-${graph.key}`} sx={{ height: 170, width: "100%" }} />
    </Section>
  );
}

const GRID = { display: "grid", gap: 2, gridTemplateColumns: "repeat(auto-fill, minmax(min(340px, 100%), 1fr))" };

/** What was measured of an item over a time that stands in the address. */
export default function Graphs({ id }: { id: string }) {
  const [params, setParams] = useSearchParams();
  const [every, setEvery] = useState(false);
  const range = { from: params.get("from") ?? "now-4h", to: params.get("to") ?? "" };
  const { data, error, refetch } = useQuery({
    queryKey: ["metrics", id, range.from, range.to],
    queryFn: async ({ signal }) => {
      const now = Date.now();
      const span = { since: since(range.from, now), until: range.to || new Date(now).toISOString() };
      const found = await api<{ series: Series[] }>(`/api/metrics/${query({ ci_id: id, ...span })}`, { signal });
      return { ...graphsOf(found.series), from: Date.parse(span.since), to: Date.parse(span.until) };
    },
    refetchInterval: range.to ? false : 60_000,
    placeholderData: keepPreviousData,
    retry: false,
  });
  if (error && !data) return <Failure error={error} onRetry={() => void refetch()} />;
  if (!data) return <Waiting />;
  const shown = every ? data.interfaces : data.interfaces.slice(0, FIRST);
  return (
    <Box>
      <Box sx={{ mb: 1.5, display: "flex", justifyContent: "flex-end" }}>
        <TimeRange value={range} onChange={(next) => setParams((before) => { const made = new URLSearchParams(before); made.set("from", next.from); if (next.to) made.set("to", next.to); else made.delete("to"); return made; }, { replace: true })} />
      </Box>
      {data.device.length + data.interfaces.length === 0 && <Typography color="text.secondary">{t("assets.noGraphs")}</Typography>}
      <Box sx={GRID}>{data.device.map((graph) => <Chart key={graph.key} graph={graph} from={data.from} to={data.to} />)}</Box>
      {shown.length > 0 && <Typography variant="h2" sx={{ mt: 3, mb: 1, fontSize: 16 }}>{t("assets.traffic")}</Typography>}
      <Box sx={GRID}>{shown.map((graph) => <Chart key={graph.key} graph={graph} from={data.from} to={data.to} />)}</Box>
      {shown.length < data.interfaces.length && <Button onClick={() => setEvery(true)} sx={{ mt: 1 }}>{t("assets.everyInterface", { count: data.interfaces.length })}</Button>}
    </Box>
  );
}
