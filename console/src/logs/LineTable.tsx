import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import type { Theme } from "@mui/material/styles";
import useMediaQuery from "@mui/material/useMediaQuery";
import { useVirtualizer } from "@tanstack/react-virtual";
import { useLayoutEffect, useMemo, useRef, useState } from "react";
import { useShortcuts } from "../app/shortcuts";
import { t } from "../i18n";
import type { Line } from "./api";
import { tone, valueOf } from "./model";

const ROW = 26;
const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const stamp = new Intl.DateTimeFormat("en-GB", { month: "short", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3 });

export interface LineTableProps {
  lines: Line[];
  columns: string[];
  selected: string | undefined;
  onSelect: (line: Line) => void;
  more?: () => void;
}

/** Thousands of lines stay quick: only those in view are in the page. */
export function LineTable({ lines, columns: chosen, selected, onSelect, more }: LineTableProps) {
  const box = useRef<HTMLDivElement>(null);
  // A line is marked, not a place: in the live view lines arrive above it all the time.
  const [mark, setMark] = useState<string>();
  const at = useMemo(() => (mark === undefined ? -1 : lines.findIndex((line) => line.id === mark)), [lines, mark]);
  const rows = useVirtualizer({ count: lines.length, getScrollElement: () => box.current, estimateSize: () => ROW, overscan: 20, getItemKey: (index) => lines[index]?.id ?? index });
  // New lines push older ones down; who has scrolled away from the top keeps what they were reading.
  const first = lines[0]?.id;
  const before = useRef<{ first: string | undefined; count: number }>({ first, count: lines.length });
  useLayoutEffect(() => {
    const element = box.current;
    const known = before.current;
    if (element && known.first && known.first !== first && element.scrollTop > 4) {
      const moved = lines.findIndex((line) => line.id === known.first);
      if (moved > 0) element.scrollTop += moved * ROW;
    }
    before.current = { first, count: lines.length };
  }, [first, lines]);
  const go = (index: number) => {
    const next = Math.min(Math.max(index, 0), lines.length - 1);
    const line = lines[next];
    setMark(line?.id);
    rows.scrollToIndex(next);
    if (line && selected) onSelect(line);
  };
  useShortcuts({
    j: () => go(at + 1),
    k: () => go(at - 1),
    Enter: () => { const line = lines[at]; if (line) onSelect(line); },
  });
  // On a telephone the message is what fits beside the time; the rest of a line is one tap away.
  const narrow = useMediaQuery((theme: Theme) => theme.breakpoints.down("sm"));
  const columns = narrow ? [] : chosen;
  const template = narrow ? "80px 72px minmax(0, 1fr)" : `170px 106px ${columns.map(() => "minmax(90px, 150px)").join(" ")} minmax(300px, 1fr)`;
  const least = narrow ? 0 : 760;
  return (
    <Box ref={box} tabIndex={0} role="table" aria-rowcount={lines.length} aria-label={t("logs.title")} data-testid="log-lines"
      sx={{ flex: 1, overflow: "auto", minHeight: 160, fontSize: 12, fontFamily: "ui-monospace, 'DejaVu Sans Mono', monospace", contain: "strict", bgcolor: "background.paper" }}>
      <Box role="row" sx={{ display: "grid", gridTemplateColumns: template, position: "sticky", top: 0, zIndex: 1, bgcolor: "background.default", borderBottom: 1, borderColor: "divider", fontWeight: 600, color: "text.secondary", px: 1, height: ROW, alignItems: "center", minWidth: least }}>
        <span role="columnheader">{t("logs.time")}</span>
        <span role="columnheader">{t("logs.severity")}</span>
        {columns.map((column) => <span role="columnheader" key={column}>{column === "host" ? t("logs.host") : column === "app" ? t("logs.app") : column.replace(/^fields\./, "")}</span>)}
        <span role="columnheader">{t("logs.message")}</span>
      </Box>
      <Box sx={{ position: "relative", minWidth: least }} style={{ height: rows.getTotalSize() }}>
        {rows.getVirtualItems().map((item) => {
          const line = lines[item.index];
          if (!line) return null;
          const kind = tone(line.severity);
          return (
            <div key={item.key} role="row" data-id={line.id} onClick={() => { setMark(line.id); onSelect(line); }} className={`${line.id === selected ? "selected" : ""} ${line.id === mark ? "at" : ""} ${kind}`}
              style={{ position: "absolute", top: 0, left: 0, right: 0, transform: `translateY(${item.start}px)`, height: ROW, display: "grid", gridTemplateColumns: template, alignItems: "center", paddingInline: 8, cursor: "pointer", whiteSpace: "nowrap" }}>
              <span role="cell">{(narrow ? clock : stamp).format(new Date(line.time))}</span>
              <span role="cell" className="severity">{line.severity_name}</span>
              {columns.map((column) => <span role="cell" key={column} title={valueOf(line, column)}>{valueOf(line, column)}</span>)}
              <span role="cell" title={line.message}>{line.message}</span>
            </div>
          );
        })}
      </Box>
      {more && <Box sx={{ textAlign: "center", p: 1 }}><Button onClick={more}>{t("logs.more")}</Button></Box>}
    </Box>
  );
}
