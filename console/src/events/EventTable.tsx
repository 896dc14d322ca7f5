import Box from "@mui/material/Box";
import Checkbox from "@mui/material/Checkbox";
import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useRef } from "react";
import { Link } from "react-router-dom";
import { dateTime } from "../common/format";
import { t } from "../i18n";
import { age, type Item } from "./model";
import { SeverityMark, useSeverityColor } from "./SeverityMark";

const ROW = 32;
const TEMPLATE = "40px 116px minmax(280px, 5fr) minmax(110px, 2fr) minmax(80px, 2fr) 56px 48px 48px minmax(90px, 1fr) minmax(80px, 1fr)";

const style = {
  flex: 1, overflow: "auto", minHeight: 160, contain: "strict", fontSize: 13, bgcolor: "background.paper", borderTop: 1, borderColor: "divider",
  "& [role=row]": { display: "grid", gridTemplateColumns: TEMPLATE, alignItems: "center", height: ROW, borderBottom: 1, borderColor: "divider", minWidth: 1060, boxSizing: "border-box" },
  "& [role=row][data-id]:hover": { bgcolor: "raised" },
  "& [role=row].selected": { bgcolor: "action.selected" },
  "& [role=row].at [role=cell]:first-of-type": { boxShadow: (theme: { palette: { primary: { main: string } } }) => `inset 3px 0 ${theme.palette.primary.main}` },
  "& [role=row].cleared": { color: "text.secondary" },
  "& [role=cell]:first-of-type": { pl: 0.5, textOverflow: "clip", pr: 0 },
  "& [role=cell]:not(:first-of-type)": { overflow: "hidden", textOverflow: "ellipsis", whiteSpace: "nowrap", pr: 1 },
  "& [role=row] a": { color: "inherit", textDecoration: "none", "&:hover": { textDecoration: "underline" } },
  "& [role=row] button.group": { all: "unset", cursor: "pointer", fontWeight: 600, gridColumn: "1 / -1", px: 1.5, display: "flex", gap: 1, alignItems: "center", "&:focus-visible": { outline: "2px solid", outlineColor: "primary.main" } },
} as const;

interface EventTableProps {
  items: Item[];
  at: number;
  selected: ReadonlySet<string>;
  now: number;
  onAt: (index: number) => void;
  onToggle: (id: string, range: boolean) => void;
  onToggleAll: () => void;
  onGroup: (key: string) => void;
}

export function EventTable({ items, at, selected, now, onAt, onToggle, onToggleAll, onGroup }: EventTableProps) {
  const box = useRef<HTMLDivElement>(null);
  const color = useSeverityColor();
  const rows = useVirtualizer({
    count: items.length, getScrollElement: () => box.current, estimateSize: () => ROW, overscan: 24,
    getItemKey: (index) => { const item = items[index]; return item ? (item.kind === "event" ? item.row.id : `group:${item.key}`) : index; },
  });
  useEffect(() => {
    if (at >= 0) rows.scrollToIndex(at);
  }, [at, rows]);
  // Rows that arrive on top do not push away what somebody further down is reading.
  const top = items[0]?.kind === "event" ? items[0].row.id : undefined;
  const before = useRef(top);
  useEffect(() => {
    const element = box.current;
    if (element && before.current && before.current !== top && element.scrollTop > 4) {
      const moved = items.findIndex((item) => item.kind === "event" && item.row.id === before.current);
      if (moved > 0) element.scrollTop += moved * ROW;
    }
    before.current = top;
  }, [top, items]);
  return (
    <Box ref={box} role="table" aria-rowcount={items.length} aria-label={t("events.title")} data-testid="event-rows" sx={style}>
      <Box role="row" sx={{ position: "sticky", top: 0, zIndex: 1, bgcolor: "background.default", fontWeight: 600, fontSize: 12, color: "text.secondary" }}>
        <span role="columnheader"><Checkbox checked={selected.size > 0 && items.every((item) => item.kind !== "event" || selected.has(item.row.id))} indeterminate={selected.size > 0} onChange={onToggleAll} slotProps={{ input: { "aria-label": t("resources.selectAll") } }} /></span>
        {(["severity", "message", "host", "resource", "count", "age", "last", "state", "assignee"] as const).map((name) => <span role="columnheader" key={name}>{t(`events.columns.${name}`)}</span>)}
      </Box>
      <Box sx={{ position: "relative" }} style={{ height: rows.getTotalSize() }}>
        {rows.getVirtualItems().map(({ index, key, start }) => {
          const item = items[index];
          if (!item) return null;
          const place = { position: "absolute", top: 0, left: 0, right: 0, transform: `translateY(${start}px)` } as const;
          if (item.kind === "group") {
            return (
              <div key={key} role="row" style={place}>
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
            <div key={key} role="row" data-id={row.id} style={place} aria-selected={selected.has(row.id)} className={`${selected.has(row.id) ? "selected" : ""} ${index === at ? "at" : ""} ${row.cleared ? "cleared" : ""}`} onClick={() => onAt(index)}>
              <span role="cell"><Checkbox checked={selected.has(row.id)} onClick={(event) => { event.stopPropagation(); onToggle(row.id, event.shiftKey); }} onChange={() => undefined} slotProps={{ input: { "aria-label": t("resources.selectRow", { name: row.message }) } }} /></span>
              <span role="cell"><SeverityMark severity={row.severity} name={row.severity_name} /></span>
              <span role="cell" title={`${row.event_class}\n${row.message}`}><Link to={`/event/${row.id}`}>{row.message}</Link></span>
              <span role="cell" title={row.address}>{row.ci ? <Link to={`/ci/${row.ci}`}>{row.ci_name || row.host || row.address}</Link> : row.host || row.address}</span>
              <span role="cell" title={row.resource}>{row.resource}</span>
              <span role="cell" style={{ fontVariantNumeric: "tabular-nums" }}>{row.count}</span>
              <span role="cell" title={dateTime(row.first_seen)}>{age(row.first_seen, now)}</span>
              <span role="cell" title={dateTime(row.last_seen)}>{age(row.last_seen, now)}</span>
              <span role="cell">
                {row.cleared ? t("events.cleared") : t("events.active")}{row.acknowledged ? ` · ${t("events.acked")}` : ""}{row.flapping ? ` · ${t("events.flapping")}` : ""}{row.suppressed ? ` · ${t("events.suppressed")}` : ""}
              </span>
              <span role="cell">{row.assignee_name ?? ""}</span>
            </div>
          );
        })}
      </Box>
    </Box>
  );
}
