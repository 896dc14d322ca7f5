import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Checkbox from "@mui/material/Checkbox";
import Menu from "@mui/material/Menu";
import MenuItem from "@mui/material/MenuItem";
import { useTheme } from "@mui/material/styles";
import Typography from "@mui/material/Typography";
import { keepPreviousData, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { LineChart } from "echarts/charts";
import { GridComponent, LegendComponent, TooltipComponent } from "echarts/components";
import { init, use, type EChartsType } from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";
import { useEffect, useMemo, useRef, useState } from "react";
import { useNotify } from "react-admin";
import { Link } from "react-router-dom";
import { api, messageOf, query } from "../api/http";
import { userMay } from "../api/permissions";
import { useSession } from "../api/session";
import { Failure, Waiting } from "../app/Messages";
import { Section } from "../common/blocks";
import { useAddress } from "../common/hooks";
import { TimeRange } from "../common/TimeRange";
import { t } from "../i18n";
import { amount, graphsOf, graphsOfPart, since, toggled, type Display, type Graph, type Series } from "./graphs";

use([LineChart, GridComponent, LegendComponent, TooltipComponent, CanvasRenderer]);

const FIRST = 12;
/** More than a graph has pixels for would be sent for nothing. */
const POINTS = 400;
const PROFILE = "/ux/common/cmdb/profile/";

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

/** Which measurements the page of this item shows; kept for everybody. */
function Choice({ id, display }: { id: string; display: Display }) {
  const [anchor, setAnchor] = useState<HTMLElement | null>(null);
  const client = useQueryClient();
  const notify = useNotify();
  const { mutate, isPending } = useMutation({
    mutationFn: (metrics: string[]) => api<Display>(`${PROFILE}add-display/`, { method: "POST", body: { ci_id: id, metrics } }),
    onSuccess: (answer) => client.setQueryData(["display", id], answer),
    onError: (error) => notify(messageOf(error), { type: "error" }),
  });
  return (
    <>
      <Button aria-haspopup="true" onClick={(event) => setAnchor(event.currentTarget)}>{t("assets.measurements")}</Button>
      <Menu anchorEl={anchor} open={anchor !== null} onClose={() => setAnchor(null)}>
        {display.options.map((one) => (
          <MenuItem key={one.id} dense role="menuitemcheckbox" aria-checked={display.displayed.includes(one.id)} disabled={isPending} onClick={() => mutate(toggled(display, one.id))}>
            <Checkbox size="small" tabIndex={-1} disableRipple checked={display.displayed.includes(one.id)} inputProps={{ "aria-hidden": true }} />{one.name}
          </MenuItem>
        ))}
      </Menu>
    </>
  );
}

/** What was measured of an item over a time that stands in the address. */
export default function Graphs({ id }: { id: string }) {
  const [params, put] = useAddress(true);
  const [every, setEvery] = useState(false);
  const range = { from: params.get("from") ?? "now-4h", to: params.get("to") ?? "" };
  const of = params.get("of") ?? "";
  const { user } = useSession();
  const display = useQuery({
    queryKey: ["display", id],
    queryFn: ({ signal }) => api<Display>(`${PROFILE}display-options/${query({ ci_id: id })}`, { signal }),
    retry: false,
  });
  const { data: measured, error, refetch } = useQuery({
    queryKey: ["metrics", id, range.from, range.to],
    queryFn: async ({ signal }) => {
      const now = Date.now();
      const span = { since: since(range.from, now), until: range.to || new Date(now).toISOString() };
      const found = await api<{ series: Series[] }>(`/api/metrics/${query({ ci_id: id, ...span, points: POINTS })}`, { signal });
      return { series: found.series, from: Date.parse(span.since), to: Date.parse(span.until) };
    },
    refetchInterval: range.to ? false : 60_000,
    placeholderData: keepPreviousData,
    retry: false,
  });
  const shownMetrics = display.data?.displayed;
  const data = useMemo(() => (measured && shownMetrics ? { ...(of ? graphsOfPart(measured.series, of) : graphsOf(measured.series, shownMetrics)), from: measured.from, to: measured.to } : undefined), [measured, shownMetrics, of]);
  const failed = (error && !measured ? error : null) ?? (display.data ? null : display.error);
  if (failed) return <Failure error={failed} onRetry={() => void Promise.all([refetch(), display.refetch()])} />;
  if (!data || !display.data) return <Waiting />;
  const shown = every ? data.interfaces : data.interfaces.slice(0, FIRST);
  return (
    <Box>
      <Box sx={{ mb: 1.5, display: "flex", justifyContent: "flex-end", alignItems: "center", gap: 1 }}>
        {of && (
          <Box sx={{ mr: "auto", display: "flex", gap: 2, alignItems: "baseline" }}>
            <Typography variant="h2" sx={{ fontSize: 16 }}>{of}</Typography>
            <Link to="?tab=graphs">{t("assets.graphsOfAll")}</Link>
          </Box>
        )}
        {!of && display.data.options.length > 0 && userMay(user, "ci", "edit") && <Choice id={id} display={display.data} />}
        <TimeRange value={range} onChange={({ from, to }) => put({ from, to })} />
      </Box>
      {data.device.length + data.interfaces.length === 0 && <Typography color="text.secondary">{t("assets.noGraphs")}</Typography>}
      <Box sx={GRID}>{data.device.map((graph) => <Chart key={graph.key} graph={graph} from={data.from} to={data.to} />)}</Box>
      {shown.length > 0 && !of && <Typography variant="h2" sx={{ mt: 3, mb: 1, fontSize: 16 }}>{t("assets.traffic")}</Typography>}
      <Box sx={GRID}>{shown.map((graph) => <Chart key={graph.key} graph={graph} from={data.from} to={data.to} />)}</Box>
      {shown.length < data.interfaces.length && <Button onClick={() => setEvery(true)} sx={{ mt: 1 }}>{t("assets.everyInterface", { count: data.interfaces.length })}</Button>}
    </Box>
  );
}
