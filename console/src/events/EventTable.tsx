import Box from "@mui/material/Box";
import Checkbox from "@mui/material/Checkbox";
import type { Theme } from "@mui/material/styles";
import useMediaQuery from "@mui/material/useMediaQuery";
import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useLayoutEffect, useRef, type ReactNode } from "react";
import { Link } from "react-router-dom";
import type { FieldMeta } from "../api/types";
import { exactTime } from "../common/format";
import { t } from "../i18n";
import { valueText } from "../resources/FieldValue";
import { gridOf, narrowGrid, sortOf } from "./columns";
import { age, keyOf, type EventRow, type Item, type Sort } from "./model";
import { SeverityMark, useSeverityColor } from "./SeverityMark";

const ROW = 32;

const style = {
  flex: 1, overflow: "auto", minHeight: 160, contain: "strict", fontSize: 13, bgcolor: "background.paper", borderTop: 1, borderColor: "divider",
  // The browser's own idea of keeping the place knows nothing of rows that are not in the page.
  overflowAnchor: "none",
  "& [role=row]": { display: "grid", gridTemplateColumns: "var(--columns)", alignItems: "center", height: ROW, borderBottom: 1, borderColor: "divider", minWidth: "var(--least)", boxSizing: "border-box" },
  "& [role=row][data-id]:hover": { bgcolor: "raised" },
  "& [role=row].selected": { bgcolor: "action.selected" },
  "& [role=row].at [role=cell]:first-of-type": { boxShadow: (theme: { palette: { primary: { main: string } } }) => `inset 3px 0 ${theme.palette.primary.main}` },
  "& [role=row].cleared": { color: "text.secondary" },
  "& [role=cell]:first-of-type": { pl: 0.5, textOverflow: "clip", pr: 0 },
  "& [role=cell]:not(:first-of-type)": { overflow: "hidden", textOverflow: "ellipsis", whiteSpace: "nowrap", pr: 1, fontVariantNumeric: "tabular-nums" },
  "& [role=row] a": { color: "inherit", textDecoration: "none", "&:hover": { textDecoration: "underline" } },
  "& [role=columnheader] button": { all: "unset", cursor: "pointer", "&:focus-visible": { outline: "2px solid", outlineColor: "primary.main" } },
  "& [role=row] button.group": { all: "unset", cursor: "pointer", fontWeight: 600, gridColumn: "1 / -1", px: 1.5, display: "flex", gap: 1, alignItems: "center", "&:focus-visible": { outline: "2px solid", outlineColor: "primary.main" } },
} as const;

function stateOf(row: EventRow): string {
  return [row.cleared ? t("events.cleared") : t("events.active"), row.acknowledged && t("events.acked"), row.flapping && t("events.flapping"), row.suppressed && t("events.suppressed")].filter(Boolean).join(" · ");
}

/** A value as it stands in the list, and what the pointer is told over it. */
function cell(row: EventRow, field: FieldMeta, now: number, short: boolean): { content: ReactNode; title?: string } {
  switch (field.name) {
    case "severity":
      return { content: <SeverityMark severity={row.severity} name={row.severity_name} short={short} />, title: short ? row.severity_name : undefined };
    case "message":
      return { content: <Link to={`/event/${row.id}`}>{row.message}</Link>, title: `${row.event_class}\n${row.message}` };
    case "host":
      return { content: row.ci ? <Link to={`/ci/${row.ci}`}>{row.ci_name || row.host || row.address}</Link> : row.host || row.address, title: row.address };
    case "first_seen":
      return { content: age(row.first_seen, now), title: exactTime(row.first_seen) };
    case "last_seen":
      return { content: age(row.last_seen, now), title: exactTime(row.last_seen) };
    case "cleared":
      return { content: stateOf(row), title: stateOf(row) };
    case "tickets":
      return {
        content: row.tickets?.map((ticket) => <Link key={ticket.incident_id} to={`/incident/${encodeURIComponent(ticket.display_id)}`} style={{ marginRight: 6, textDecoration: ticket.over ? "line-through" : undefined }}>{ticket.display_id}</Link>),
        title: row.tickets?.map((ticket) => ticket.display_id).join(", "),
      };
    default: {
      const text = valueText(row as unknown as Record<string, unknown>, field);
      return { content: text, title: text };
    }
  }
}

interface EventTableProps {
  items: Item[];
  columns: FieldMeta[];
  sort: Sort;
  mark: string | undefined;
  selected: ReadonlySet<string>;
  now: number;
  onMark: (key: string) => void;
  onSort: (sort: Sort) => void;
  onToggle: (id: string, range: boolean) => void;
  onToggleAll: () => void;
  onGroup: (key: string) => void;
}

export function EventTable({ items, columns: chosen, sort, mark, selected, now, onMark, onSort, onToggle, onToggleAll, onGroup }: EventTableProps) {
  const box = useRef<HTMLDivElement>(null);
  const color = useSeverityColor();
  const rows = useVirtualizer({
    count: items.length, getScrollElement: () => box.current, estimateSize: () => ROW, overscan: 24,
    getItemKey: (index) => { const item = items[index]; return item ? keyOf(item) : index; },
  });
  const list = useRef(items);
  list.current = items;
  // Only a mark that was moved is scrolled to; one whose row is pushed along stays where the operator left it.
  useEffect(() => {
    const at = mark === undefined ? -1 : list.current.findIndex((item) => keyOf(item) === mark);
    if (at >= 0) rows.scrollToIndex(at);
  }, [mark, rows]);
  // Rows that come or go above do not move what somebody further down is reading.
  const top = useRef<{ key: string; index: number }>(undefined);
  const note = () => {
    const element = box.current;
    const index = element ? Math.floor(element.scrollTop / ROW) : 0;
    const item = list.current[index];
    top.current = element && element.scrollTop > 4 && item ? { key: keyOf(item), index } : undefined;
  };
  useLayoutEffect(() => {
    const element = box.current;
    const before = top.current;
    if (!element || !before) return;
    const there = items[before.index];
    if (there && keyOf(there) === before.key) return;
    const index = items.findIndex((item) => keyOf(item) === before.key);
    if (index < 0) return;
    element.scrollTop += (index - before.index) * ROW;
    top.current = { key: before.key, index };
  }, [items]);
  const narrow = useMediaQuery((theme: Theme) => theme.breakpoints.down("sm"));
  const small = narrow ? narrowGrid(chosen) : undefined;
  const grid = small ?? gridOf(chosen);
  const columns = small?.columns ?? chosen;
  const events = items.reduce((sum, item) => sum + (item.kind === "event" ? 1 : 0), 0);
  const all = selected.size > 0 && items.every((item) => item.kind !== "event" || selected.has(item.row.id));
  return (
    <Box ref={box} role="table" aria-rowcount={events} aria-label={t("events.title")} data-testid="event-rows" sx={style} onScroll={note}
      style={{ "--columns": grid.template, "--least": `${grid.width}px` } as React.CSSProperties}>
      <Box role="row" sx={{ position: "sticky", top: 0, zIndex: 1, bgcolor: "background.default", fontWeight: 600, fontSize: 12, color: "text.secondary" }}>
        <span role="columnheader"><Checkbox checked={all} indeterminate={selected.size > 0 && !all} onChange={onToggleAll} slotProps={{ input: { "aria-label": t("resources.selectAll") } }} /></span>
        {columns.map((field) => {
          const by = sortOf(field.name);
          return <span role="columnheader" key={field.name} aria-sort={by && by === sort ? (by === "severity" ? "ascending" : "descending") : undefined}>{by ? <button type="button" aria-label={field.label} title={t("events.sortBy", { name: field.label })} onClick={() => onSort(by)}>{narrow && field.name === "severity" ? "" : field.label}{by === sort ? " ▾" : ""}</button> : field.label}</span>;
        })}
      </Box>
      <Box sx={{ position: "relative" }} style={{ height: rows.getTotalSize() }}>
        {rows.getVirtualItems().map(({ index, key, start }) => {
          const item = items[index];
          if (!item) return null;
          const place = { position: "absolute", top: 0, left: 0, right: 0, transform: `translateY(${start}px)` } as const;
          if (item.kind === "group") {
            return (
              <div key={key} role="row" style={place} className={keyOf(item) === mark ? "at" : undefined}>
                <button type="button" className="group" aria-expanded={item.open} onClick={() => onGroup(item.key)}>
                  <span aria-hidden>{item.open ? "▾" : "▸"}</span>
                  <span aria-hidden style={{ width: 10, height: 10, borderRadius: 2, backgroundColor: color(item.worst) }} />
                  {item.label || t("events.noGroup")} <span>({item.count})</span>
                </button>
              </div>
            );
          }
          const { row } = item;
          return (
            <div key={key} role="row" data-id={row.id} style={place} aria-selected={selected.has(row.id)} className={`${selected.has(row.id) ? "selected" : ""} ${row.id === mark ? "at" : ""} ${row.cleared ? "cleared" : ""}`} onClick={() => onMark(row.id)}>
              <span role="cell"><Checkbox checked={selected.has(row.id)} onClick={(event) => { event.stopPropagation(); onToggle(row.id, event.shiftKey); }} onChange={() => undefined} slotProps={{ input: { "aria-label": t("resources.selectRow", { name: row.message }) } }} /></span>
              {columns.map((field) => {
                const { content, title } = cell(row, field, now, narrow);
                return <span role="cell" key={field.name} title={title}>{content}</span>;
              })}
            </div>
          );
        })}
      </Box>
    </Box>
  );
}
