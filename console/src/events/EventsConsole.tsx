import FilterListIcon from "@mui/icons-material/FilterList";
import RefreshIcon from "@mui/icons-material/Refresh";
import Badge from "@mui/material/Badge";
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Checkbox from "@mui/material/Checkbox";
import FormControlLabel from "@mui/material/FormControlLabel";
import IconButton from "@mui/material/IconButton";
import MenuItem from "@mui/material/MenuItem";
import Select from "@mui/material/Select";
import ToggleButton from "@mui/material/ToggleButton";
import ToggleButtonGroup from "@mui/material/ToggleButtonGroup";
import Typography from "@mui/material/Typography";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useMemo, useRef, useState } from "react";
import { useNavigate } from "react-router-dom";
import { isComplete, type ListFilter } from "../api/filters";
import { useResourceMeta } from "../api/metadata";
import { usePageConfig } from "../api/pageConfig";
import { fieldAccess } from "../api/permissions";
import { Failure, Message, Waiting } from "../app/Messages";
import { useShortcuts } from "../app/shortcuts";
import { count } from "../common/format";
import { useAddress, useTitle } from "../common/hooks";
import { t } from "../i18n";
import { useTask } from "../common/blocks";
import { ColumnChooser } from "../resources/ColumnChooser";
import { FilterBuilder } from "../resources/FilterBuilder";
import { SavedFilters } from "../resources/SavedFilters";
import { SearchBox } from "../resources/SearchBox";
import { SelectionBar, useEventActions } from "./Actions";
import { readColumns, saveColumns } from "./api";
import { chosenColumns, eventColumns } from "./columns";
import { EventTable } from "./EventTable";
import { items as itemsOf, keyOf, readView, SEVERITIES, stepped } from "./model";
import { useSeverityColor } from "./SeverityMark";
import { useEvents } from "./useEvents";

/** The clock of the ages: one for the whole page, slow enough not to be watched. */
function useNow(): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 5000);
    return () => clearInterval(timer);
  }, []);
  return now;
}

/** The caller's columns, as they are kept on the server. */
function useColumns() {
  const meta = useResourceMeta("event");
  const client = useQueryClient();
  const { run } = useTask();
  const key = ["event-columns"];
  const { data, isError } = useQuery({ queryKey: key, queryFn: ({ signal }) => readColumns(signal), staleTime: Infinity, retry: 1 });
  const all = useMemo(() => eventColumns(meta), [meta]);
  const columns = useMemo(() => chosenColumns(all, data ?? (isError ? meta.default_columns : [])), [all, data, isError, meta]);
  const choose = (names: string[] | undefined) => void run(async () => {
    // Shown at once; taken back where it could not be saved.
    if (names) client.setQueryData(key, names);
    try {
      const saved = await saveColumns(names ?? []);
      if (!names) client.setQueryData(key, saved);
    } catch (error) {
      client.setQueryData(key, data);
      throw error;
    }
  });
  return { columns, choose, chooserMeta: { ...meta, fields: all } };
}

export default function EventsConsole() {
  const meta = useResourceMeta("event");
  const [params, putAll] = useAddress(true);
  const view = useMemo(() => readView(params), [params]);
  const { rows, order, total, isPending, error, refresh } = useEvents(view);
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const [closed, setClosed] = useState<ReadonlySet<string>>(new Set());
  const [mark, setMark] = useState<string>();
  const [filtering, setFiltering] = useState(false);
  const { columns, choose, chooserMeta } = useColumns();
  const { config, save } = usePageConfig("list:event");
  const anchor = useRef<string>(undefined);
  const now = useNow();
  const color = useSeverityColor();
  const navigate = useNavigate();
  useTitle(t("events.title"));

  const items = useMemo(() => itemsOf(order, rows, view.group, closed), [order, rows, view.group, closed]);
  const severities = useMemo(() => new Map(meta.fields.find((field) => field.name === "severity")?.choices?.map((choice) => [Number(choice.id), choice.name])), [meta]);
  const numbers = useMemo(() => {
    const found = new Map<number, number>();
    for (const row of rows.values()) found.set(row.severity, (found.get(row.severity) ?? 0) + 1);
    return found;
  }, [rows]);
  const put = (name: string, value: string) => putAll({ [name]: value });
  const filterable = meta.fields.filter((field) => field.filterable && !fieldAccess(field).hidden);
  const filter: ListFilter = { q: view.q, where: view.where, any: view.any };
  const apply = (next: ListFilter) => putAll({ q: next.q ?? "", where: next.where?.length ? JSON.stringify(next.where) : "", any: next.any ? "1" : "" });
  const toggle = (id: string, range: boolean) => setSelected((before) => {
    const next = new Set(before);
    const ids = items.flatMap((item) => (item.kind === "event" ? [item.row.id] : []));
    const [first, last] = [ids.indexOf(anchor.current ?? id), ids.indexOf(id)];
    if (range && first >= 0) for (const other of ids.slice(Math.min(first, last), Math.max(first, last) + 1)) next.add(other);
    else if (!next.delete(id)) next.add(id);
    anchor.current = id;
    return next;
  });
  const toggleAll = () => setSelected((before) => (before.size > 0 ? new Set() : new Set(items.flatMap((item) => (item.kind === "event" ? [item.row.id] : [])))));
  const done = () => setSelected(new Set());
  const at = useMemo(() => (mark === undefined ? -1 : items.findIndex((item) => keyOf(item) === mark)), [items, mark]);
  const place = useRef(0);
  if (at >= 0) place.current = at;
  const here = items[at];
  const current = here?.kind === "event" ? here.row : undefined;
  const step = (by: 1 | -1) => {
    const next = items[stepped(items, at, place.current, by)];
    if (next) setMark(keyOf(next));
  };
  const toggleGroup = (key: string) => setClosed((before) => { const next = new Set(before); if (!next.delete(key)) next.add(key); return next; });
  // Keys act on what is selected, else on the row under the mark.
  const chosen = [...selected].filter((id) => rows.has(id));
  const run = useEventActions(chosen.length > 0 ? chosen : current ? [current.id] : [], done);
  useShortcuts({
    j: () => step(1),
    k: () => step(-1),
    x: () => current && toggle(current.id, false),
    a: () => void run("acknowledge"),
    c: () => void run("clear"),
    r: refresh,
    Enter: () => (here?.kind === "group" ? toggleGroup(here.key) : current && navigate(`/event/${current.id}`)),
    Escape: done,
  });

  return (
    <Box sx={{ display: "flex", flexDirection: "column", height: "calc(100dvh - 48px)" }}>
      <Box sx={{ display: "flex", flexWrap: "wrap", alignItems: "center", gap: 1, px: { xs: 1, sm: 2 }, py: 1 }}>
        <Typography variant="h1" sx={{ mr: 1 }}>{meta.plural}</Typography>
        <SearchBox label={t("events.search")} value={view.q} onChange={(q) => put("q", q)} />
        <ToggleButtonGroup size="small" exclusive value={view.state} aria-label={t("events.state")} onChange={(_event, value: string | null) => value && put("state", value === "active" ? "" : value)} sx={{ height: 33, "& button": { textTransform: "none", px: 1.25 } }}>
          <ToggleButton value="active">{t("events.stateActive")}</ToggleButton>
          <ToggleButton value="cleared">{t("events.stateCleared")}</ToggleButton>
          <ToggleButton value="all">{t("events.stateAll")}</ToggleButton>
        </ToggleButtonGroup>
        <Select value={view.acknowledged} displayEmpty onChange={(event) => put("ack", event.target.value)} inputProps={{ "aria-label": t("events.ack") }}>
          <MenuItem value="">{t("events.ackAny")}</MenuItem>
          <MenuItem value="no">{t("events.ackNo")}</MenuItem>
          <MenuItem value="yes">{t("events.ackYes")}</MenuItem>
        </Select>
        <Select value={view.group} onChange={(event) => put("group", event.target.value === "none" ? "" : event.target.value)} inputProps={{ "aria-label": t("events.group") }}>
          <MenuItem value="none">{t("events.groupNone")}</MenuItem>
          <MenuItem value="host">{t("events.groupHost")}</MenuItem>
          <MenuItem value="event_class">{t("events.groupClass")}</MenuItem>
          <MenuItem value="severity">{t("events.groupSeverity")}</MenuItem>
        </Select>
        <Button color="inherit" aria-expanded={filtering} onClick={() => setFiltering(!filtering)} startIcon={<Badge color="primary" badgeContent={view.where.filter(isComplete).length}><FilterListIcon /></Badge>}>{t("resources.filter")}</Button>
        <SavedFilters filters={config.filters ?? []} current={filter} onApply={apply} onChange={(filters) => save({ filters })} />
        <Box sx={{ flex: 1 }} />
        <ColumnChooser meta={chooserMeta} columns={columns} onChange={choose} />
        <IconButton aria-label={t("events.refresh")} title={t("events.refreshHint")} onClick={refresh}><RefreshIcon fontSize="small" /></IconButton>
      </Box>
      <Box sx={{ display: "flex", flexWrap: "wrap", alignItems: "center", gap: 0.75, px: { xs: 1, sm: 2 }, pb: 1 }}>
        {SEVERITIES.map((severity) => {
          const on = view.severities.includes(severity);
          const none = !on && (numbers.get(severity) ?? 0) === 0;
          return (
            <ToggleButton key={severity} value={severity} size="small" selected={on} data-testid={`severity-${severity}`} sx={{ height: 28, textTransform: "none", gap: 0.75, px: 1, ...(none ? { display: { xs: "none", sm: "inline-flex" } } : {}) }}
              onChange={() => put("severity", (on ? view.severities.filter((item) => item !== severity) : [...view.severities, severity]).sort().join(","))}>
              <Box component="span" aria-hidden sx={{ width: 10, height: 10, borderRadius: "2px" }} style={{ backgroundColor: color(severity) }} />
              {severities.get(severity) ?? severity}
              <Box component="span" sx={{ fontVariantNumeric: "tabular-nums", color: "text.secondary" }}>{count(numbers.get(severity) ?? 0)}</Box>
            </ToggleButton>
          );
        })}
        <FormControlLabel sx={{ ml: 0.5 }} control={<Checkbox checked={view.suppressed} onChange={(event) => put("suppressed", event.target.checked ? "1" : "")} />} label={t("events.suppressedToo")} />
        <Typography variant="body2" color="text.secondary" sx={{ ml: "auto" }} data-testid="event-count">{order.length < total ? t("events.shown", { shown: count(order.length), count: count(total) }) : count(order.length)}</Typography>
        <Typography variant="body2" color="text.secondary" sx={{ display: { xs: "none", xl: "block" }, ml: 2 }}>{t("events.keyHelp")}</Typography>
      </Box>
      {filtering && <Box sx={{ px: { xs: 1, sm: 2 }, pb: 1.5 }}><FilterBuilder fields={filterable} where={view.where} any={view.any} onChange={(where, any) => apply({ ...filter, where, any })} /></Box>}
      {error ? <Failure error={error} onRetry={refresh} />
        : isPending ? <Waiting />
        : items.length === 0 ? <Message testId="empty" title={view.state === "active" && !view.q && view.severities.length === 0 && view.where.length === 0 && !view.acknowledged ? t("events.emptyActive") : t("events.empty")} hint={t("events.emptyHint")} />
        : <EventTable items={items} columns={columns} sort={view.sort} mark={mark} selected={selected} now={now} onMark={setMark} onSort={(sort) => put("sort", sort === "last_seen" ? "" : sort)} onToggle={toggle} onToggleAll={toggleAll} onGroup={toggleGroup} />}
      {/* Below the list: above it, it would push the rows away from under the pointer at the first one that is chosen. */}
      <SelectionBar ids={chosen} onDone={done} />
    </Box>
  );
}
