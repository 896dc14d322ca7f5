import Alert from "@mui/material/Alert";
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Menu from "@mui/material/Menu";
import MenuItem from "@mui/material/MenuItem";
import ToggleButton from "@mui/material/ToggleButton";
import Typography from "@mui/material/Typography";
import { keepPreviousData, useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { useNotify } from "react-admin";
import { Link } from "react-router-dom";
import { messageOf } from "../api/http";
import { userMay } from "../api/permissions";
import { useSession } from "../api/session";
import { TimeRange } from "../common/TimeRange";
import { count } from "../common/format";
import { useAddress, useTitle } from "../common/hooks";
import { t } from "../i18n";
import { exportUrl, newRule, readFacets, readHistogram, readLines, type Line, type Range } from "./api";
import { Facets } from "./Facets";
import { Histogram } from "./Histogram";
import { LineDetail } from "./LineDetail";
import { LineTable } from "./LineTable";
import { condition, facetsOf, merged, shareLink, withCondition } from "./model";
import { QueryBox } from "./QueryBox";
import { SavedSearches } from "./SavedSearches";
import { SendHelp } from "./SendHelp";
import { useTail } from "./useTail";

const DEFAULT_COLUMNS = ["host", "app"];
const FACETS = ["host", "app", "severity", "tags", "source"];

const rowStyles = {
  "& [role=row].error .severity": { color: "error.main", fontWeight: 600 },
  "& [role=row].warning .severity": { color: "warning.main" },
  "& [role=row][data-id]:hover": { bgcolor: "raised" },
  "& [role=row].selected": { bgcolor: "action.selected" },
  "& [role=row].at": { boxShadow: (theme: { palette: { primary: { main: string } } }) => `inset 3px 0 ${theme.palette.primary.main}` },
  "& [role=cell]": { overflow: "hidden", textOverflow: "ellipsis", pr: 1 },
} as const;

/** Everything that is looked at is in the address, so that it can be sent to somebody. */
export default function LogExplorer() {
  const [params, put] = useAddress(false);
  const range = useMemo<Range>(() => ({ query: params.get("q") ?? "", from: params.get("from") ?? "now-1h", to: params.get("to") ?? "" }), [params]);
  const columns = useMemo(() => params.get("columns")?.split(",").filter(Boolean) ?? DEFAULT_COLUMNS, [params]);
  const opened = useMemo(() => params.get("facets")?.split(",").filter(Boolean) ?? [], [params]);
  const counted = useMemo(() => facetsOf(FACETS, opened), [opened]);
  const live = params.get("live") === "1";
  const [selected, setSelected] = useState<Line>();
  const [exporting, setExporting] = useState<HTMLElement | null>(null);
  const { user } = useSession();
  const notify = useNotify();
  useTitle(t("logs.title"));

  const pick = (field: string, value: string, without: boolean) => put({ q: withCondition(range.query, condition(field, value, without)) });
  const toggleColumn = (name: string) => put({ columns: (columns.includes(name) ? columns.filter((item) => item !== name) : [...columns, name]).join(",") });

  const toggleFacet = (name: string) => put({ facets: (opened.includes(name) ? opened.filter((item) => item !== name) : [...opened, name]).join(",") });

  const key = [range.query, range.from, range.to];
  const lines = useInfiniteQuery({
    queryKey: ["logs", "lines", ...key],
    queryFn: ({ pageParam, signal }) => readLines(range, pageParam, signal),
    initialPageParam: "",
    getNextPageParam: (page) => page.next ?? undefined,
    placeholderData: keepPreviousData,
    retry: false,
  });
  const histogram = useQuery({ queryKey: ["logs", "histogram", ...key], queryFn: ({ signal }) => readHistogram(range, signal), placeholderData: keepPreviousData, retry: false });
  const facets = useQuery({ queryKey: ["logs", "facets", ...key, counted], queryFn: ({ signal }) => readFacets(range, counted, signal), placeholderData: keepPreviousData, retry: false });
  const tail = useTail(live, range.query, () => void lines.refetch());

  const stored = useMemo(() => (lines.data?.pages ?? []).flatMap((page) => page.results), [lines.data]);
  const shown = useMemo(() => (live ? merged([...tail.lines].reverse(), stored, 5000) : stored), [live, tail.lines, stored]);
  const first = lines.data?.pages[0];
  const copyLink = async () => {
    const link = shareLink(window.location.href, range, new Date());
    try {
      await navigator.clipboard.writeText(link);
      notify(t("common.copied"));
    } catch {
      // The clipboard is closed on plain HTTP: the link is shown to be selected by hand.
      notify(link, { autoHideDuration: 30_000 });
    }
  };

  return (
    <Box sx={{ display: "flex", flexDirection: "column", height: "calc(100dvh - 48px)", minHeight: 0 }}>
      <Box sx={{ display: "flex", flexWrap: "wrap", alignItems: "flex-start", gap: 1, p: 2, pb: 1 }}>
        <QueryBox range={range} onSubmit={(query) => (query === range.query ? void lines.refetch() : put({ q: query }))} />
        <TimeRange value={range} onChange={({ from, to }) => put({ from, to: to || null, live: to ? null : params.get("live") })} />
        <ToggleButton value="live" selected={live} onChange={() => put({ live: live ? null : "1", to: null })} title={t("logs.liveOn")} size="small" sx={{ height: 33, textTransform: "none", px: 1.5 }} data-testid="live-toggle">
          <Box component="span" aria-hidden sx={{ width: 8, height: 8, borderRadius: 4, mr: 1, bgcolor: live ? "success.main" : "text.secondary" }} />{t("logs.live")}
        </ToggleButton>
      </Box>
      <Box sx={{ display: "flex", flexWrap: "wrap", alignItems: "center", px: 2, gap: 0.5 }}>
        <Typography variant="body2" color="text.secondary" sx={{ mr: "auto" }} data-testid="log-count">
          {histogram.data && first ? t("logs.took", { count: count(histogram.data.total), smart_count: histogram.data.total, ms: Math.round(first.took_ms) }) : ""}
        </Typography>
        <SavedSearches range={range} columns={columns} onOpen={(saved, shownColumns) => put({ q: saved.query, from: saved.from || null, to: saved.to || null, columns: shownColumns.join(",") || null })} />
        {userMay(user, "log_rule", "add") && range.query && <Button color="inherit" component={Link} to={newRule("", range.query)}>{t("logs.makeRule")}</Button>}
        <Button color="inherit" onClick={() => void copyLink()}>{t("logs.copyLink")}</Button>
        {userMay(user, "log_search", "export") && <Button color="inherit" onClick={(event) => setExporting(event.currentTarget)}>{t("logs.export")}</Button>}
        <Menu anchorEl={exporting} open={!!exporting} onClose={() => setExporting(null)}>
          {(["csv", "jsonl"] as const).map((format) => (
            <MenuItem key={format} component="a" href={exportUrl(range, format, [])} download onClick={() => setExporting(null)}>{t(format === "csv" ? "logs.exportCsv" : "logs.exportJson")}</MenuItem>
          ))}
        </Menu>
      </Box>
      {histogram.data && histogram.data.buckets.length > 0 && <Histogram data={histogram.data} onRange={(from, to) => put({ from, to, live: null })} />}
      {lines.error && <Alert severity="error" sx={{ mx: 2, mb: 1 }} data-testid="log-error">{messageOf(lines.error)}</Alert>}
      {live && tail.failed && <Alert severity="warning" sx={{ mx: 2, mb: 1 }}>{t("logs.liveEnded", { reason: tail.failed })}</Alert>}
      {live && tail.skipped && <Alert severity="info" sx={{ mx: 2, mb: 1 }}>{t("logs.skipped")}</Alert>}
      <Box sx={{ display: "flex", flexDirection: { xs: "column", lg: "row" }, flex: 1, minHeight: 0, borderTop: 1, borderColor: "divider", ...rowStyles }}>
        {facets.data && <Facets facets={facets.data.results} onPick={pick} range={range} columns={columns} opened={opened} onOpen={toggleFacet} onColumn={toggleColumn} />}
        {shown.length > 0 ? (
          <LineTable lines={shown} columns={columns} selected={selected?.id} onSelect={setSelected} more={lines.hasNextPage ? () => void lines.fetchNextPage() : undefined} />
        ) : lines.isSuccess ? (
          <Box sx={{ flex: 1, p: 4, textAlign: "center", overflow: "auto" }} data-testid="log-empty">
            <Typography sx={{ fontWeight: 600 }}>{range.query || range.to ? t("logs.empty") : t("logs.nothing")}</Typography>
            <Typography color="text.secondary" sx={{ mb: 2 }}>{range.query || range.to ? t("logs.emptyHint") : t("intake.nothingHint")}</Typography>
            {!range.query && !range.to && <Box sx={{ maxWidth: 760, mx: "auto" }}><SendHelp /></Box>}
          </Box>
        ) : <Box sx={{ flex: 1 }} />}
        {selected && <LineDetail line={selected} columns={columns} onPick={pick} onColumn={toggleColumn} onClose={() => setSelected(undefined)} />}
      </Box>
    </Box>
  );
}
