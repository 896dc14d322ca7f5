import CloseIcon from "@mui/icons-material/Close";
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import IconButton from "@mui/material/IconButton";
import Typography from "@mui/material/Typography";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { dateTime } from "../common/format";
import { t } from "../i18n";
import { readSurrounding, type Line } from "./api";
import { tone } from "./model";

const NAMES = ["host", "source", "app", "procid", "msgid", "severity", "facility", "format", "pipeline", "tags"] as const;

interface LineDetailProps {
  line: Line;
  columns: string[];
  onPick: (field: string, value: string, without: boolean) => void;
  onColumn: (field: string) => void;
  onClose: () => void;
}

export function LineDetail({ line, columns, onPick, onColumn, onClose }: LineDetailProps) {
  const [around, setAround] = useState(false);
  const { data } = useQuery({ queryKey: ["logs", "around", line.id], queryFn: ({ signal }) => readSurrounding(line.id, signal), enabled: around });
  const shown: [string, string][] = [
    ...NAMES.map((name): [string, string] => [name, name === "severity" ? line.severity_name : name === "facility" ? line.facility_name : name === "tags" ? line.tags.join(", ") : line[name]]),
    ...Object.entries(line.fields).map(([name, value]): [string, string] => [`fields.${name}`, value]),
  ].filter((entry): entry is [string, string] => entry[1] !== "");
  return (
    <Box component="section" aria-label={t("logs.detail")} data-testid="log-line" sx={{ width: { xs: "100%", lg: 460 }, flexShrink: 0, overflow: "auto", borderLeft: { lg: 1 }, borderTop: { xs: 1, lg: 0 }, borderColor: "divider", bgcolor: "background.paper", p: 1.5, maxHeight: { xs: "45vh", lg: "none" } }}>
      <Box sx={{ display: "flex", alignItems: "center", mb: 1 }}>
        <Typography variant="h3" sx={{ flex: 1 }}>{dateTime(line.time)}</Typography>
        <IconButton onClick={onClose} aria-label={t("common.close")}><CloseIcon fontSize="small" /></IconButton>
      </Box>
      <Box component="pre" sx={{ m: 0, mb: 1.5, p: 1, bgcolor: "raised", borderRadius: 1, fontSize: 12, whiteSpace: "pre-wrap", overflowWrap: "anywhere", color: tone(line.severity) === "error" ? "error.main" : undefined }}>{line.message}</Box>
      <Box component="dl" sx={{ m: 0, display: "grid", gridTemplateColumns: "minmax(80px, auto) minmax(0, 1fr) auto", columnGap: 1, rowGap: "2px", fontSize: 12, alignItems: "center" }}>
        {shown.map(([name, value]) => (
          <Box key={name} sx={{ display: "contents", "&:hover button": { opacity: 1 } }}>
            <Box component="dt" sx={{ color: "text.secondary" }}>{name.replace(/^fields\./, "")}</Box>
            <Box component="dd" sx={{ m: 0, overflowWrap: "anywhere" }}>{value}</Box>
            <Box component="dd" sx={{ m: 0, whiteSpace: "nowrap", "& button": { minWidth: 0, px: 0.75, py: 0, opacity: 0.6 } }}>
              {name !== "tags" && <Button aria-label={`${t("logs.only")}: ${name}`} title={t("logs.only")} onClick={() => onPick(name, name === "severity" ? String(line.severity) : name === "facility" ? String(line.facility) : value, false)}>+</Button>}
              {name !== "tags" && <Button aria-label={`${t("logs.without")}: ${name}`} title={t("logs.without")} onClick={() => onPick(name, name === "severity" ? String(line.severity) : name === "facility" ? String(line.facility) : value, true)}>−</Button>}
              <Button aria-pressed={columns.includes(name)} aria-label={`${columns.includes(name) ? t("logs.noColumn") : t("logs.asColumn")}: ${name}`} title={columns.includes(name) ? t("logs.noColumn") : t("logs.asColumn")} onClick={() => onColumn(name)}>▥</Button>
            </Box>
          </Box>
        ))}
      </Box>
      {line.raw && (
        <>
          <Typography variant="h3" sx={{ mt: 2, mb: 0.5 }}>{t("logs.raw")}</Typography>
          <Box component="pre" sx={{ m: 0, p: 1, bgcolor: "raised", borderRadius: 1, fontSize: 11, whiteSpace: "pre-wrap", overflowWrap: "anywhere" }}>{line.raw}</Box>
        </>
      )}
      <Box sx={{ mt: 2 }}>
        {!around ? <Button variant="outlined" onClick={() => setAround(true)}>{t("logs.surrounding")}</Button> : <Typography variant="h3" sx={{ mb: 0.5 }}>{t("logs.surrounding")}</Typography>}
        {data && (
          <Box component="ol" sx={{ m: 0, p: 0, listStyle: "none", fontSize: 11, fontFamily: "ui-monospace, monospace" }}>
            {[...data.before, data.line, ...data.after].map((other) => (
              <Box component="li" key={other.id} sx={{ px: 0.5, py: "1px", bgcolor: other.id === line.id ? "note.main" : undefined, color: other.id === line.id ? "note.text" : undefined, overflowWrap: "anywhere" }}>
                <Box component="span" sx={{ color: other.id === line.id ? "inherit" : "text.secondary", mr: 1 }}>{new Date(other.time).toLocaleTimeString("en-GB")}</Box>
                {other.app && `${other.app}: `}{other.message}
              </Box>
            ))}
          </Box>
        )}
      </Box>
    </Box>
  );
}
