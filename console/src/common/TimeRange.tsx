import AccessTimeIcon from "@mui/icons-material/AccessTime";
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import MenuItem from "@mui/material/MenuItem";
import MenuList from "@mui/material/MenuList";
import Popover from "@mui/material/Popover";
import TextField from "@mui/material/TextField";
import { useState } from "react";
import { t } from "../i18n";
import { dateTime } from "./format";

/** A range as it stands in the address: relative ("now-1h" to nothing) or between two moments. */
export interface TimeRangeValue {
  from: string;
  to: string;
}

export const SPANS = ["now-5m", "now-15m", "now-1h", "now-4h", "now-1d", "now-7d", "now-30d"] as const;

export function spanLabel(span: string): string {
  const match = /^now-(\d+)([smhdw])$/.exec(span);
  if (!match) return span;
  const unit = { s: "second", m: "minute", h: "hour", d: "day", w: "week" }[match[2] ?? "m"] ?? "minute";
  const words = new Intl.NumberFormat("en", { style: "unit", unit, unitDisplay: "long" }).format(Number(match[1]));
  return t("common.last", { span: words });
}

export function rangeLabel({ from, to }: TimeRangeValue): string {
  if (!to && from.startsWith("now-")) return spanLabel(from);
  return `${dateTime(from) || from} – ${to ? dateTime(to) || to : t("common.now")}`;
}

/** The value of a datetime-local box, in this browser's zone. */
function local(iso: string): string {
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return "";
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

export function TimeRange({ value, onChange }: { value: TimeRangeValue; onChange: (value: TimeRangeValue) => void }) {
  const [anchor, setAnchor] = useState<HTMLElement | null>(null);
  const [from, setFrom] = useState("");
  const [to, setTo] = useState("");
  const open = (element: HTMLElement) => {
    setFrom(local(value.from));
    setTo(local(value.to));
    setAnchor(element);
  };
  const choose = (chosen: TimeRangeValue) => {
    setAnchor(null);
    onChange(chosen);
  };
  const backwards = !!from && !!to && from >= to;
  return (
    <>
      <Button variant="outlined" color="inherit" startIcon={<AccessTimeIcon />} onClick={(event) => open(event.currentTarget)} aria-haspopup="dialog" aria-label={t("common.timeRange")} data-testid="time-range" sx={{ whiteSpace: "nowrap", flexShrink: 0, height: 33, borderColor: "divider" }}>
        {rangeLabel(value)}
      </Button>
      <Popover open={!!anchor} anchorEl={anchor} onClose={() => setAnchor(null)} anchorOrigin={{ vertical: "bottom", horizontal: "right" }} transformOrigin={{ vertical: "top", horizontal: "right" }}>
        <Box role="dialog" aria-label={t("common.timeRange")} sx={{ display: "flex", flexDirection: { xs: "column", sm: "row" } }}>
          <MenuList dense>
            {SPANS.map((span) => <MenuItem key={span} selected={value.from === span && !value.to} onClick={() => choose({ from: span, to: "" })}>{spanLabel(span)}</MenuItem>)}
          </MenuList>
          <Box component="form" sx={{ p: 2, display: "grid", gap: 1.5, alignContent: "start", borderLeft: { sm: 1 }, borderColor: { sm: "divider" } }}
            onSubmit={(event) => { event.preventDefault(); if (from && !backwards) choose({ from: new Date(from).toISOString(), to: to ? new Date(to).toISOString() : "" }); }}>
            <TextField type="datetime-local" label={t("common.from")} value={from} onChange={(event) => setFrom(event.target.value)} slotProps={{ inputLabel: { shrink: true } }} />
            <TextField type="datetime-local" label={t("common.to")} value={to} onChange={(event) => setTo(event.target.value)} error={backwards} helperText={backwards ? t("common.rangeBackwards") : " "} slotProps={{ inputLabel: { shrink: true } }} />
            <Button type="submit" variant="contained" disabled={!from || backwards}>{t("common.apply")}</Button>
          </Box>
        </Box>
      </Popover>
    </>
  );
}
